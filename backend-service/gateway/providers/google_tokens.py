"""Access tokens of Google accounts: one refresher an account for the whole process.

google-auth refreshes with blocking HTTP, so that runs in a thread; callers that come meanwhile wait for
the same one. A token is renewed ahead of its end while the old one still serves.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import ProviderError
from gateway.providers import failures, trust
from gateway.proxy import Proxy
from gateway.types import Provider, ProviderKind

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
REFRESH_S = 20.0

_KINDS = frozenset({ProviderKind.VERTEX_AI, ProviderKind.VERTEX_ENDPOINT})
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")


class GoogleTokens:
    """The tokens of all provider rows that are Google's; rows with the same file share an account."""

    def __init__(self, providers: Iterable[Provider], proxy: Proxy | None = None) -> None:
        paths = {provider.credentials.get(_FILE) for provider in providers if provider.kind in _KINDS}
        self._accounts = {path: _Account(path, proxy) for path in paths}

    async def token(self, provider: Provider) -> str:
        """A token that is valid now. Raises ``ProviderError`` when there is none to be had."""
        try:
            return await self._accounts[provider.credentials.get(_FILE)].token()
        except Exception as error:
            raise _failure(provider, error) from None

    def forget(self, provider: Provider) -> None:
        """The provider refused the token: the next call gets a new one."""
        self._accounts[provider.credentials.get(_FILE)].forget()

    async def aclose(self) -> None:
        for account in self._accounts.values():
            await account.aclose()


class _Account:
    """A service-account file, or what the platform gives where there is none."""

    def __init__(self, path: str | None, proxy: Proxy | None) -> None:
        self._path = path
        self._proxy = proxy
        self._credentials: Any = None
        self._refreshing: asyncio.Task[None] | None = None

    async def token(self) -> str:
        state = "MISSING" if self._credentials is None else self._credentials.token_state.name
        if state != "FRESH":
            refreshing = self._refresh()
            if state != "STALE":
                # Shielded: a caller that leaves must not take the token from the others.
                await asyncio.shield(refreshing)
        return str(self._credentials.token)

    def forget(self) -> None:
        if self._credentials is not None:
            self._credentials.token = None

    async def aclose(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    def _refresh(self) -> asyncio.Task[None]:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refreshed(), name="google-token")
            self._refreshing.add_done_callback(_retrieve)
        return self._refreshing

    async def _refreshed(self) -> None:
        async with asyncio.timeout(REFRESH_S):
            credentials = self._credentials or await asyncio.to_thread(_load, self._path)
            await asyncio.to_thread(_refresh, credentials, self._proxy)
            self._credentials = credentials


def _load(path: str | None) -> Any:
    """Blocks. The imports cost 15 MB, which only rows that need them pay."""
    from google.auth import default  # noqa: PLC0415
    from google.oauth2 import service_account  # noqa: PLC0415

    if path:
        return service_account.Credentials.from_service_account_file(path, scopes=SCOPES)
    credentials, _ = default(scopes=SCOPES)
    return credentials


def _refresh(credentials: Any, proxy: Proxy | None) -> None:
    """Blocks. A session of our own, so that no other proxy and no netrc of the environment take part."""
    from google.auth.transport.requests import Request  # noqa: PLC0415
    from requests import PreparedRequest, Session  # noqa: PLC0415

    class Through(Session):
        """Asks each address through the proxy that serves it, if any: accounts have several."""

        def send(self, request: PreparedRequest, **options: Any) -> Any:
            if proxy is not None and proxy.serves(str(request.url)):
                options["proxies"] = {"https": proxy.url}
            return super().send(request, **options)

    with Through() as session:
        session.trust_env = False
        session.verify = trust.certificates_file() or True
        credentials.refresh(Request(session))


def _retrieve(task: asyncio.Task[None]) -> None:
    """Whoever waits gets the error; one of a refresh ahead of time has nobody, and the old token serves."""
    if not task.cancelled():
        task.exception()


def _failure(provider: Provider, error: Exception) -> ProviderError:
    from google.auth.exceptions import RefreshError, TransportError  # noqa: PLC0415
    from requests.exceptions import ProxyError  # noqa: PLC0415

    if isinstance(error, TimeoutError):
        return failures.timed_out(provider, REFRESH_S)
    cause = error.args[0] if error.args else None
    if isinstance(cause, ProxyError):
        refused = _TUNNEL.search(str(cause))
        host = urlsplit(str(cause.request.url)).hostname if cause.request is not None else None
        return failures.of_proxy(provider, host, int(refused[1]) if refused else None)
    if isinstance(error, TransportError) or (isinstance(error, RefreshError) and error.retryable):
        return failures.unreachable(provider)
    if isinstance(error, RefreshError):
        return failures.misconfigured(provider, "its account was refused a token")
    return failures.misconfigured(provider, "its account's credentials could not be read")
