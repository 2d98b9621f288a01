"""The wire to HTTP providers: an httpx transport on aiohttp, under the libraries that shape the requests.

It holds what must be true whatever those libraries do. A request leaves only within a ``Call``, only to
that call's provider and path, with no header but the ones its protocol needs, once (no retry, no redirect, no
proxy but the configured one, nothing from the environment). And what came back is seen as it came: status,
Retry-After, tokens, a cut stream.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType

import aiohttp
import httpx
import orjson
from yarl import URL

from gateway.errors import ProviderError
from gateway.providers import connecting, failures
from gateway.providers.protocols import Protocol, StreamWatch, UpstreamError
from gateway.providers.usage import add
from gateway.proxy import Proxy
from gateway.types import Provider, Usage

MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
PIECE_BYTES = 64 * 1024
ONE_WRITE_BYTES = 512 * 1024
"""Longer bodies are written in pieces, so that a 20 MB one does not hold up the loop."""

REQUEST_HEADERS = frozenset(
    {
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "authorization",
        "content-type",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
        "x-api-key",
    }
)
"""All that any provider needs; others, such as organisations named in the environment, do not go out."""

SECRET_HEADERS = frozenset({"authorization", "x-api-key", "x-amz-security-token"})


class WireError(httpx.TransportError):
    """What is raised into the library above; the ``Call`` holds our error. Not one that AsyncHTTPHandler
    retries."""


class Closed(WireError):
    """A request that no call allows."""


@dataclass(slots=True)
class Call:
    """One attempt: where it may go, and what came back.

    ``failure`` is the first thing that went wrong on the wire, as our error. ``may_authenticate`` False keeps
    credentials that LiteLLM finds by itself from going out. A ``rehearsal`` fails instead of sending.
    ``proxy`` is the one to go through, when it serves the origin.
    """

    provider: Provider
    session: aiohttp.ClientSession = field(repr=False)
    origin: str
    path_prefix: str
    protocol: Protocol
    streaming: bool = False
    may_authenticate: bool = True
    rehearsal: bool = False
    proxy: Proxy | None = None
    status: int | None = None
    failure: ProviderError | None = None
    answered: bool = False
    usage: Usage | None = None
    watch: StreamWatch | None = None
    _response: aiohttp.ClientResponse | None = field(default=None, repr=False)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Requests made within belong to this call."""
        token = _call.set(self)
        try:
            yield
        finally:
            _call.reset(token)

    def fail(self, failure: ProviderError) -> WireError:
        self.failure = self.failure or failure
        return WireError("the request failed on the wire")

    def counted(self) -> Usage | None:
        """The tokens that the provider has reported."""
        return self.usage if self.watch is None else self.watch.usage

    def close(self) -> None:
        """Cut the connection if the answer is not complete; the provider sees that at once. May be
        repeated."""
        if self._response is not None:
            self._response.close()
            self._response = None

    async def send(self, request: httpx.Request) -> httpx.Response:
        if self.failure is not None:
            raise WireError("nothing is tried again")
        self._check(request.url)
        if self.rehearsal:
            raise self.fail(failures.unreachable(self.provider))
        body = await request.aread()
        try:
            response = await self.session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=self._headers(request.headers),
                data=io.BytesIO(body) if len(body) > ONE_WRITE_BYTES else body,
                allow_redirects=False,
                proxy=self.proxy.address if self.proxy else None,
                proxy_headers=self.proxy.headers if self.proxy else None,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self.fail(
                connecting.failure_of(error, self.provider, request.url.host, self.proxy)
            ) from None
        self._response = response
        self.status = response.status
        if response.status != 200:
            raise self.fail(await self._refusal(response))
        self.answered = True
        headers = {"content-type": response.headers.get("content-type", "application/json")}
        if self.streaming and not headers["content-type"].startswith("application/json"):
            return httpx.Response(200, headers=headers, stream=_Stream(self, response), request=request)
        return httpx.Response(200, headers=headers, content=await self._answer(response), request=request)

    def _check(self, url: httpx.URL) -> None:
        host = f"{url.scheme}://{url.netloc.decode()}"
        path = url.raw_path.decode()
        if host != self.origin or not path.startswith(self.path_prefix) or "/../" in path:
            raise self.fail(
                failures.misconfigured(
                    self.provider, "a request was made for an address that is not this deployment's"
                )
            )

    def _headers(self, headers: httpx.Headers) -> dict[str, str]:
        return {
            name: value
            for name, value in headers.items()
            if name in REQUEST_HEADERS and (self.may_authenticate or name not in SECRET_HEADERS)
        }

    async def _refusal(self, response: aiohttp.ClientResponse) -> ProviderError:
        try:
            document = orjson.loads(await response.content.read(MAX_ERROR_BYTES))
        except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError):
            document = None
        finally:
            self.close()
        return failures.of_status(
            self.provider,
            response.status,
            code=failures.safe_code(document),
            retry_after_s=failures.retry_after_s(response.headers),
        )

    async def _answer(self, response: aiohttp.ClientResponse) -> bytes:
        """A complete JSON answer, with its tokens counted."""
        body = bytearray()
        try:
            async for piece in response.content.iter_chunked(PIECE_BYTES):
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise self.fail(failures.bad_answer(self.provider))
            document = orjson.loads(body)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise self.fail(failures.unreachable(self.provider)) from None
        except orjson.JSONDecodeError:
            raise self.fail(failures.bad_answer(self.provider)) from None
        finally:
            self.close()
        if not isinstance(document, dict) or document.get("error"):
            raise self.fail(failures.bad_answer(self.provider))
        self.usage = add(self.usage, self.protocol.usage_of(document))
        return bytes(body)


_call: ContextVar[Call | None] = ContextVar("call", default=None)


class Wire(httpx.AsyncBaseTransport):
    """Hands each request to the call that it belongs to. Holds nothing itself, so one serves everybody."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = _call.get()
        if call is None:
            raise Closed("a request outside of a call")
        return await call.send(request)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Nothing to close: connections belong to the session."""


class _Stream(httpx.AsyncByteStream):
    """The pieces of a stream, watched: a fault or a cut raises instead of ending it."""

    def __init__(self, call: Call, response: aiohttp.ClientResponse) -> None:
        self._call = call
        self._response = response
        self._watch = call.watch = StreamWatch(call.protocol)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        call, watch = self._call, self._watch
        try:
            async for piece in self._response.content.iter_chunked(PIECE_BYTES):
                if good := watch.feed(piece):
                    yield good
                if watch.fault is not None:
                    raise call.fail(self._fault())
        except (aiohttp.ClientError, TimeoutError, OSError):
            watch.cut = not watch.seen.ended
        else:
            if rest := watch.finish():
                yield rest
        if watch.fault is not None or watch.cut:
            raise call.fail(self._fault())

    async def aclose(self) -> None:
        self._call.close()

    def _fault(self) -> ProviderError:
        provider = self._call.provider
        if self._watch.started:
            return failures.interrupted(provider)
        if isinstance(self._watch.fault, UpstreamError):
            return failures.failed_early(provider)
        return failures.bad_answer(provider)
