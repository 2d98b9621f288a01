"""The plugin of the recordings: its configuration says what goes wrong."""

import json
import os
from typing import Any

version = "0.1.0"
priority = 903
Schema = (
    {"mode": {"type": "string", "default": "ok"}},
    {"arg": {"type": "string", "default": "0"}},
)


class Plugin:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.count = 0
        if config["mode"] == "raise_init":
            raise RuntimeError("init boom")

    def access(self, kong: Any) -> None:
        getattr(self, self.config["mode"])(kong)

    def exit(self, kong: Any) -> None:
        kong.response.exit(403, {"message": "denied by python"})

    def exit_after(self, kong: Any) -> None:
        kong.request.get_method()
        kong.response.exit(403, {"message": "denied by python after 1 call"})

    def raise_before(self, kong: Any) -> None:
        raise RuntimeError("before any call")

    def raise_after(self, kong: Any) -> None:
        kong.request.get_method()
        raise RuntimeError("after one call")

    def state(self, kong: Any) -> None:
        self.count += 1
        kong.service.request.set_header("X-State", f"pid={os.getpid()} n={self.count}")

    def bodyinfo(self, kong: Any) -> None:
        kong.service.request.set_header("X-Body", str(len(kong.request.get_raw_body())))

    def unknown_pdk(self, kong: Any) -> None:
        answer = kong.nosuch.thing("x")
        kong.service.request.set_header("X-Pdk", f"noexc {answer}")

    def types(self, kong: Any) -> None:
        found = {
            "h": kong.request.get_headers(),
            "q": kong.request.get_query(),
            "c": kong.client.get_consumer(),
            "cr": kong.client.get_credential(),
            "r": kong.router.get_route(),
            "tok": kong.ctx.shared.get("authenticated_jwt_token"),
        }
        kong.service.request.set_header("X-Types", json.dumps(found))
