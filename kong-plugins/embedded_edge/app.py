"""The edge as an ASGI application: route, chain, upstream, answer."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from embedded_edge import upstream_asgi
from embedded_edge.answers import BAD_GATEWAY, TIMED_OUT, UNEXPECTED, gateway_error, kong_error, nginx_page
from embedded_edge.config import EdgeConfig
from embedded_edge.exchange import (
    CLOSE,
    RAW_NAMES,
    REASON,
    REFUSAL,
    Answer,
    ASGIApp,
    BodyTooLargeError,
    BrokenBodyError,
    ClientGoneError,
    CutError,
    Exchange,
    Message,
    Receive,
    Scope,
    Send,
)
from embedded_edge.headers import Headers, Pair
from embedded_edge.plugins.base import EdgePlugin
from embedded_edge.proxy import (
    finish_own,
    finish_proxied,
    own_head,
    proxied_head,
    upstream_headers,
    upstream_target,
)
from embedded_edge.router import Router
from embedded_edge.upstream import (
    UpstreamBrokenError,
    UpstreamError,
    UpstreamRequest,
    UpstreamTimeoutError,
    UpstreamUnknownError,
)
from embedded_edge.upstream_http import HttpUpstream

_log = logging.getLogger("embedded_edge")


@dataclass(frozen=True, slots=True)
class Chain:
    """The phase functions of one route, bound once."""

    access: tuple[Callable[[Exchange], Awaitable[None] | None], ...]
    header_filter: tuple[Callable[[Exchange, Headers], None], ...]
    log: tuple[Callable[[Exchange], None], ...]

    @classmethod
    def of(cls, plugins: tuple[EdgePlugin, ...]) -> "Chain":
        return cls(
            tuple(plugin.access for plugin in plugins if plugin.has("access")),
            tuple(plugin.header_filter for plugin in plugins if plugin.has("header_filter")),
            tuple(plugin.log for plugin in plugins if plugin.has("log")),
        )


class Edge:
    """Serves what `config` says. A service whose `host:port` is in `upstreams` is called in process.

    Under `embedded_edge.server` header case, order and reason phrases are Kong's; under another ASGI server
    only the statuses, fields and bodies are.
    """

    def __init__(self, config: EdgeConfig, upstreams: Mapping[str, ASGIApp] | None = None) -> None:
        self._router = Router([(route, Chain.of(plugins)) for route, plugins in config.routes])
        self._without_route = Chain.of(config.global_plugins)
        self._plugins = {plugin for _, plugins in config.routes for plugin in plugins} | set(
            config.global_plugins
        )
        self._upstreams = dict(upstreams or {})
        self._http = HttpUpstream()
        self._registry = config.registry

    @property
    def registry(self) -> CollectorRegistry:
        """Kong's metrics, for whoever exposes them."""
        return self._registry

    async def startup(self) -> None:
        """Nothing is opened before it is needed."""

    async def shutdown(self) -> None:
        await self._http.close()
        for plugin in self._plugins:
            plugin.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(Exchange(scope, receive, send))
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            raise NotImplementedError(f"the edge does not speak {scope['type']}")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.startup()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.shutdown()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, x: Exchange) -> None:
        chain = self._without_route
        try:
            chain = await self._decide(x)
            if x.answer is None:
                await self._proxy(x, chain)
            if x.answer is not None:
                await _answer(x, chain)
        except ClientGoneError:
            x.status = 499
        finally:
            for log in chain.log:
                log(x)

    async def _decide(self, x: Exchange) -> Chain:
        """Runs the chain of the request's route. `x.answer` is set unless the request is to be sent on."""
        refusal = x.scope.get(REFUSAL)
        if refusal is not None:
            x.answer = _refusal(x, *refusal)
            return self._without_route
        match = self._router.match(x)
        if match is None:
            x.answer = kong_error(x, 404, "no Route matched with those values")
            return self._without_route
        x.match = match
        assert isinstance(match.chain, Chain)
        chain = match.chain
        if x.scheme == "http" and "http" not in match.route.protocols:
            x.answer = _needs_https(x)
            return self._without_route
        try:
            for access in chain.access:
                waiting = access(x)
                if waiting is not None:
                    await waiting
                if x.answer is not None:
                    break
            else:
                await _complete_request(x)
        except ClientGoneError:
            raise
        except BrokenBodyError:
            x.answer = gateway_error(x, 400, "Bad request")
        except TimeoutError:
            x.answer = gateway_error(x, 408, "Request timeout")
        except Exception as error:
            _report("the chain", error)
            x.answer = kong_error(x, 500, UNEXPECTED)
        return chain

    async def _proxy(self, x: Exchange, chain: Chain) -> None:
        """Sends the request on. Sets `x.answer` if the upstream failed before its answer began."""
        assert x.match is not None
        service = x.match.route.service
        if service is None:
            x.answer = kong_error(x, 503, "no Service found with those values")
            return
        request = UpstreamRequest(service, upstream_target(x), upstream_headers(x))
        began = time.monotonic()
        x.own_ms = int((began - x.started) * 1000)
        down = _Downstream(x, chain, began)
        app = self._upstreams.get(service.authority)
        try:
            if app is not None:
                await upstream_asgi.call(app, x, request, down)
            else:
                await self._http.call(x, request, down)
        except UpstreamError as error:
            _report_upstream(service.name, error)
            if down.started:
                if not down.complete:
                    raise CutError from None
                return
            x.upstream_ms = int((time.monotonic() - down.began) * 1000)
            x.own_ms = int((down.began - x.started) * 1000)
            x.answer = _upstream_failed(x, error)


class _Downstream:
    """The way back to the client, for one upstream's answer."""

    __slots__ = ("_chain", "_x", "began", "complete", "started")

    def __init__(self, x: Exchange, chain: Chain, began: float) -> None:
        self._x = x
        self._chain = chain
        self.began = began
        self.started = False
        self.complete = False

    async def start(self, status: int, reason: bytes | None, headers: list[Pair]) -> None:
        x = self._x
        x.status = status
        x.upstream_ms = int((time.monotonic() - self.began) * 1000)
        first, rest = proxied_head(x, status, headers)
        for header_filter in self._chain.header_filter:
            header_filter(x, rest)
        finish_proxied(x, rest)
        self.started = True
        await _send_head(x, status, reason, first, rest, close=False)

    async def body(self, data: bytes, more: bool) -> None:
        self._x.sent_bytes += len(data)
        self.complete = not more
        await self._x.send({"type": "http.response.body", "body": data, "more_body": more})


async def _complete_request(x: Exchange) -> None:
    """Kong buffers the request before it connects: a slow sender holds no upstream."""
    if x.body is None:
        try:
            await x.read_body()
        except BodyTooLargeError:
            x.answer = gateway_error(x, 413, "Payload too large")


def _refusal(x: Exchange, status: int, message: str) -> Answer:
    if status == 501:
        return nginx_page(501, [])
    answer = gateway_error(x, status, message)
    # nginx's own status for a header that is too large never reaches a client.
    answer.status = 400 if status == 494 else status
    return answer


def _needs_https(x: Exchange) -> Answer:
    assert x.match is not None
    status = x.match.route.https_redirect_status
    if status == 426:
        upgrade = [(b"Upgrade", b"TLS/1.2, HTTP/1.1"), (b"Connection", b"Upgrade")]
        return kong_error(x, 426, "Please use HTTPS protocol", upgrade)
    return nginx_page(status, [(b"Location", b"https://" + x.forwarded_host + x.target)])


def _upstream_failed(x: Exchange, error: UpstreamError) -> Answer:
    if isinstance(error, UpstreamUnknownError):
        return kong_error(x, 503, "name resolution failed")
    status, message = (504, TIMED_OUT) if isinstance(error, UpstreamTimeoutError) else (502, BAD_GATEWAY)
    answer = gateway_error(x, status, message)
    answer.from_proxy = True
    return answer


async def _answer(x: Exchange, chain: Chain) -> None:
    """Sends `x.answer`, once the client has stopped sending."""
    answer = x.answer
    assert answer is not None
    usable = await x.drain()
    x.status = answer.status
    first, rest = own_head(x, answer)
    for header_filter in chain.header_filter:
        header_filter(x, rest)
    if answer.from_proxy:
        finish_proxied(x, rest)
    else:
        finish_own(x, rest)
    x.sent_bytes += len(answer.body)
    await _send_head(x, answer.status, answer.reason, first, rest, close=not usable)
    await x.send({"type": "http.response.body", "body": answer.body, "more_body": False})


async def _send_head(
    x: Exchange, status: int, reason: bytes | None, first: list[Pair], rest: Headers, *, close: bool
) -> None:
    exact = RAW_NAMES in x.scope
    if exact:
        # The server knows whether the connection stays open, and fills this in.
        first.append((b"Connection", b""))
    headers = first + rest.pairs()
    x.sent_bytes += sum(len(name) + len(value) + 4 for name, value in headers) + 20
    message: Message = {"type": "http.response.start", "status": status, "headers": headers}
    if exact:
        message[REASON] = reason
        message[CLOSE] = close
    else:
        message["headers"] = [
            (name.lower(), value) for name, value in headers if name.lower() != b"transfer-encoding"
        ]
    await x.send(message)


def _report(where: str, error: BaseException) -> None:
    """Kind and place of an error: its text could quote the request."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    _log.error("%s raised %s at %s", where, type(error).__name__, place)


def _report_upstream(name: str, error: UpstreamError) -> None:
    if isinstance(error, UpstreamBrokenError) and error.__cause__ is not None:
        _report(f"upstream {name}", error.__cause__)
    else:
        _log.warning("upstream %s failed: %s", name, type(error).__name__)
