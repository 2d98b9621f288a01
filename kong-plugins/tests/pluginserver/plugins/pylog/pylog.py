"""The plugin of the recordings: many calls, and the log phase."""

from typing import Any

version = "0.1.0"
priority = 5
Schema = ({"tag": {"type": "string", "default": "t"}},)


class Plugin:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    def access(self, kong: Any) -> None:
        kong.ctx.shared.set("pylog", {"a": 1, "b": ["x", None, True, 1.5]})
        kong.log.notice("hello from python ", self.config["tag"])
        kong.client.get_forwarded_ip()
        kong.request.get_scheme()
        kong.request.get_host()
        kong.request.get_port()
        kong.request.get_path_with_query()
        kong.request.get_http_version()
        kong.service.request.set_headers({"X-A": "1", "X-B": ["2", "3"]})
        kong.response.set_header("X-Resp", "1")

    def log(self, kong: Any) -> None:
        serialized = kong.log.serialize()
        status = kong.response.get_status()
        kong.log.notice("serialized ", len(serialized), " status ", status)
