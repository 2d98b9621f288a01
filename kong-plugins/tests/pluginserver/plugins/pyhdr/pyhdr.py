"""The plugin of the recordings: a digest of the request."""

import hashlib
from typing import Any

version = "0.1.0"
priority = 905
Schema = ({"header": {"type": "string", "default": "X-Py-Digest"}},)


class Plugin:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    def access(self, kong: Any) -> None:
        headers = kong.request.get_headers()
        body = kong.request.get_raw_body()
        digest = hashlib.sha256(body).hexdigest()[:16]
        seen = headers.get("x-consumer-username", "-")
        kong.service.request.set_header(
            self.config["header"], f"n={len(headers)};len={len(body)};sha={digest};seen={seen}"
        )
