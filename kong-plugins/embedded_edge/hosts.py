"""Host names: the field as nginx reads it (ngx_http_validate_host), and the patterns of routes."""

import re
from functools import lru_cache

_FORBIDDEN = re.compile(rb"[\x00-\x20\x7f/]|\.\.")


@lru_cache(maxsize=1024)
def is_host(value: bytes) -> bool:
    """Whether nginx takes the request. An empty one is a bad request."""
    return bool(host_name(value)) and _FORBIDDEN.search(value) is None


@lru_cache(maxsize=1024)
def host_name(value: bytes) -> bytes:
    """nginx's $host: lower case, without the port and a last dot. An address of IPv6 keeps its brackets."""
    if value.startswith(b"["):
        name, bracket, _ = value.partition(b"]")
        return (name + bracket).lower()
    return value.partition(b":")[0].removesuffix(b".").lower()


def matches_host(patterns: tuple[str, ...], sent: bytes, server_port: int) -> bool:
    """Case counts, as in Kong. A port in the pattern has to be the one that was sent, or the listener's."""
    name, _, port = sent.decode("latin-1").partition(":")
    if port and not port.isdigit():
        name, port = f"{name}:{port}", ""
    for pattern in patterns:
        wanted, _, wanted_port = pattern.partition(":")
        if (not wanted_port or wanted_port == (port or str(server_port))) and _matches(wanted, name):
            return True
    return False


def matches_name(patterns: tuple[str, ...], name: str) -> bool:
    """The server name of a TLS handshake; a last dot in a pattern does not count."""
    return any(
        _matches(pattern if pattern.endswith("*") else pattern.removesuffix("."), name)
        for pattern in patterns
    )


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("*"):
        return name.endswith(pattern[1:])
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern
