"""request-size-limiting: refuses a body that is announced or turns out too large."""

from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar

from embedded_edge.answers import kong_error
from embedded_edge.exchange import BodyTooLargeError, Exchange
from embedded_edge.plugins.base import EdgePlugin, World
from embedded_edge.schema import Option

_UNITS = {"megabytes": 1 << 20, "kilobytes": 1 << 10, "bytes": 1}


class RequestSizeLimiting(EdgePlugin):
    name = "request-size-limiting"
    priority = 951
    options: ClassVar = {
        "allowed_payload_size": Option(int, 128),
        "size_unit": Option(str, "megabytes", one_of=tuple(_UNITS)),
        "require_content_length": Option(bool, False),
    }

    def __init__(self, config: Mapping[str, Any], world: World) -> None:
        super().__init__(config, world)
        self._allowed: int = config["allowed_payload_size"] * _UNITS[config["size_unit"]]
        self._require_length: bool = config["require_content_length"]

    def access(self, x: Exchange) -> Awaitable[None] | None:
        length = x.headers.get(b"content-length")
        if length is not None and length.isdigit():
            if int(length) > self._allowed:
                self._refuse(x)
            return None
        encoding = x.headers.get(b"transfer-encoding")
        if self._require_length and encoding != b"chunked":
            x.answer = kong_error(x, 411, "A valid Content-Length header is required")
            return None
        return self._measure(x) if encoding is not None else None

    async def _measure(self, x: Exchange) -> None:
        """A body without a length is counted as it comes, and no further than allowed."""
        try:
            await x.read_body(self._allowed)
        except BodyTooLargeError:
            self._refuse(x)

    def _refuse(self, x: Exchange) -> None:
        expects = (x.headers.get(b"expect") or b"").strip().lower() == b"100-continue"
        x.answer = kong_error(x, 417 if expects else 413, "Request size limit exceeded")
