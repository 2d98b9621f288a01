"""The connections to HTTP providers, and what it means when there is none."""

from __future__ import annotations

import aiohttp

from gateway.errors import ProviderError
from gateway.providers import failures
from gateway.proxy import Proxy
from gateway.types import Provider

CONNECT_S = 10.0
TUNNEL_S = 30.0
"""Until there is TLS with the provider, through a proxy that has to find and reach it first."""


def new_session() -> aiohttp.ClientSession:
    """The connections to all HTTP providers; nothing from the environment, no cookies, bounded waits."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15, ttl_dns_cache=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=TUNNEL_S, sock_connect=CONNECT_S),
        trust_env=False,
        headers={"User-Agent": "portcullis"},
    )


def failure_of(error: Exception, provider: Provider, host: str, proxy: Proxy | None) -> ProviderError:
    """Our error for a request to ``host`` that got no answer, through ``proxy`` or without one."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return failures.of_proxy(provider, host, error.status)
    # Through a proxy, its own name is the only one that is looked up here.
    if isinstance(error, aiohttp.ClientProxyConnectionError) or (
        proxy is not None and isinstance(error, aiohttp.ClientConnectorDNSError | aiohttp.ServerTimeoutError)
    ):
        return failures.of_proxy(provider, None, None)
    return failures.unreachable(provider)
