"""The plugin of the recordings: a digest of what it was given."""

import hashlib
from typing import Any

version = Version = "0.1.0"  # kong-pdk looks for the lower-case names
priority = Priority = 905
Schema: tuple[dict[str, Any], ...] = ()


class Plugin:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    def access(self, kong: Any) -> None:
        headers = kong.request.get_headers()
        body = kong.request.get_raw_body() or b""
        if isinstance(body, str):  # the stock plugin server gives text
            body = body.encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(body).hexdigest()[:16]
        seen = headers.get("x-consumer-username", "-")
        kong.service.request.set_header(
            "X-Py-Digest", f"n={len(headers)};len={len(body)};sha={digest};seen={seen}"
        )
