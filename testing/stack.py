"""The parts of a gateway as processes: backends, and before them an embedded edge or a real Kong."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testing.e2e.prepared import REPOSITORY, Prepared
from testing.processes import answers, child, until

PLUGINS = REPOSITORY / "kong-plugins/plugins"
STOCK_PLUGIN_SERVER = shlex.quote(str(Path(sys.executable).with_name("kong-python-pluginserver")))
#: As the image has them: kong-plugins/Dockerfile says why.
KONG_SETTINGS = {
    "KONG_DATABASE": "off",
    "KONG_ADMIN_GUI_LISTEN": "off",
    "KONG_ANONYMOUS_REPORTS": "off",
    "KONG_NGINX_DAEMON": "off",
    "KONG_NGINX_WORKER_PROCESSES": "1",
    "KONG_UNTRUSTED_LUA_SANDBOX_ENVIRONMENT": "kong",
    "KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE": "20m",
    "KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE": "64m",
    "KONG_NGINX_PROXY_LUA_SOCKET_READ_TIMEOUT": "2s",
    "KONG_UPSTREAM_KEEPALIVE_IDLE_TIMEOUT": "60",
    "KONG_PLUGINS": "bundled,compliance-tag",
    "KONG_PLUGINSERVER_NAMES": "compliance-tag",
}


@contextmanager
def backend(
    prepared: Prepared, simulators: Path, log: Path, port: int, management_port: int, **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    """`portcullis serve`, once it is ready. ``settings`` are more variables of its environment."""
    environment = {
        "PORTCULLIS_CONFIG": str(prepared.gateway_yaml),
        "PORTCULLIS_TAG_KEYS_FILE": str(prepared.tag_keys),
        "PORTCULLIS_SIMULATORS": str(simulators),
        "PORTCULLIS_PORT": str(port),
        "PORTCULLIS_MANAGEMENT_PORT": str(management_port),
        **settings,
    }
    with child([sys.executable, "-m", "gateway.cli", "serve"], log, environment) as process:

        def started() -> bool:
            if process.poll() is not None:
                raise TimeoutError("the backend has ended instead of starting")
            return answers(f"http://127.0.0.1:{management_port}/started")

        until(started, "the backend")
        yield process


@contextmanager
def embedded_edge(config: Path, log: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The edge alone, with a declarative file."""
    command = [sys.executable, "-m", "embedded_edge", "--config", str(config), "--port", str(port)]
    with child([*command, "--plugins", str(PLUGINS)], log, {}) as process:
        yield process


@dataclass(frozen=True, slots=True)
class KongCommand:
    """What starts a Kong 3.9 in the foreground, such as `kong start`, and our plugin's server.

    What Kong needs is in its environment; `{config}`, `{prefix}`, `{proxy_port}` and `{admin_port}` in a word
    are replaced.
    """

    words: Sequence[str]
    plugin_server: str = STOCK_PLUGIN_SERVER

    @contextmanager
    def running(
        self, config: Path, prefix: Path, proxy_port: int, admin_port: int, **settings: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """That Kong, starting. ``settings`` are more variables of its environment."""
        prefix.mkdir(exist_ok=True)
        places = {"config": config, "prefix": prefix, "proxy_port": proxy_port, "admin_port": admin_port}
        command = [_filled(word, places) for word in self.words if word != "--"]
        environment = {**KONG_SETTINGS, **self._environment(config, prefix, proxy_port, admin_port)}
        with child(command, prefix.with_suffix(".log"), {**environment, **settings}) as process:
            yield process

    def _environment(self, config: Path, prefix: Path, proxy_port: int, admin_port: int) -> dict[str, str]:
        folder = shlex.quote(str(PLUGINS / "compliance-tag"))
        server = f"{self.plugin_server} --plugins-directory {folder}"
        return {
            "KONG_PREFIX": str(prefix),
            "KONG_DECLARATIVE_CONFIG": str(config),
            "KONG_PROXY_LISTEN": f"127.0.0.1:{proxy_port}",
            "KONG_ADMIN_LISTEN": f"127.0.0.1:{admin_port}",
            "KONG_PLUGINSERVER_COMPLIANCE_TAG_SOCKET": str(prefix / "compliance-tag.socket"),
            "KONG_PLUGINSERVER_COMPLIANCE_TAG_START_CMD": (
                f"{server} --kong-prefix {shlex.quote(str(prefix))} --socket-name compliance-tag.socket"
            ),
            "KONG_PLUGINSERVER_COMPLIANCE_TAG_QUERY_CMD": f"{server} --dump-all-plugins",
        }


def _filled(word: str, places: Mapping[str, object]) -> str:
    for name, value in places.items():
        word = word.replace("{" + name + "}", str(value))
    return word
