"""The gRPC channel to a Vertex AI endpoint, and what it says when there is no connection."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import ProviderError
from gateway.providers import failures, trust
from gateway.providers.litellm_kinds import vertex_url
from gateway.proxy import Proxy
from gateway.types import Deployment, Provider

MAX_MESSAGE_BYTES = 64 * 1024 * 1024

_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.enable_retries", 0),
)
_CONNECTION = re.compile(
    r"failed to connect|socket closed|recvmsg|connection (reset|refused|timed|attempt)"
    r"|unreachable|resol(ving|ution)|goaway",
    re.IGNORECASE,
)
"""In gRPC's own words for a connection that failed."""
_TUNNEL = re.compile(r"HTTP proxy returned response code (\d{3})")


def address_of(deployment: Deployment) -> str:
    """``host`` or ``host:port``, as gRPC takes it."""
    return deployment.provider.base_url or vertex_url(deployment.region).removeprefix("https://")


def opened(provider: Provider, address: str, proxy: Proxy | None) -> Any:
    """A channel that connects at its first call. Simulators are asked without TLS, and so without a proxy."""
    import grpc  # noqa: PLC0415 - 17 MB, only for rows that need it

    if provider.simulated:
        return grpc.aio.insecure_channel(address, options=(*_OPTIONS, _NO_PROXY))
    through = proxy is not None and proxy.serves(_url(address))
    return grpc.aio.secure_channel(
        address,
        grpc.ssl_channel_credentials(trust.certificates()),
        options=(*_OPTIONS, ("grpc.http_proxy", proxy.url) if proxy and through else _NO_PROXY),
    )


_NO_PROXY = ("grpc.enable_http_proxy", 0)
"""Else it takes one from the environment by rules of its own."""


def failure_of(
    error: Exception, provider: Provider, address: str, proxy: Proxy | None
) -> ProviderError | None:
    """Our error when an UNAVAILABLE is the channel's word for the connection, not the server's for itself."""
    words = " ".join(call.details() or "" for call in getattr(error, "errors", ()))
    through = proxy is not None and proxy.serves(_url(address))
    if through and (refused := _TUNNEL.search(words)):
        return failures.of_proxy(provider, urlsplit(_url(address)).hostname, int(refused[1]))
    if not _CONNECTION.search(words):
        return None
    return failures.of_proxy(provider, None, None) if through else failures.unreachable(provider)


def _url(address: str) -> str:
    return f"https://{address}"
