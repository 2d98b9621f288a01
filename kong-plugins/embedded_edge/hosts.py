"""The Host field as nginx reads it (ngx_http_validate_host)."""

import re

_FORBIDDEN = re.compile(rb"[\x00-\x20\x7f/]|\.\.")


def is_host(value: bytes) -> bool:
    """Whether nginx takes the request. An empty one is a bad request."""
    return bool(host_name(value)) and _FORBIDDEN.search(value) is None


def host_name(value: bytes) -> bytes:
    """nginx's $host: lower case, without the port and a last dot. An address of IPv6 keeps its brackets."""
    if value.startswith(b"["):
        name, bracket, _ = value.partition(b"]")
        return (name + bracket).lower()
    return value.partition(b":")[0].removesuffix(b".").lower()
