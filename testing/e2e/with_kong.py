"""Run the suite against a real Kong, in front of a backend and simulators that are started for it.

    python -m testing.e2e.with_kong [--plugin-server COMMAND] [--pytest=WORDS] KONG_COMMAND...

KONG_COMMAND starts Kong and stays in the foreground, such as `kong start`. What Kong needs is in its
environment (KONG_PREFIX, KONG_DECLARATIVE_CONFIG, KONG_PROXY_LISTEN, KONG_ADMIN_LISTEN, KONG_NGINX_DAEMON=off
and the plugin's settings); `{config}`, `{prefix}`, `{proxy_port}`, `{admin_port}` in it are replaced.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from testing.e2e.own import clean_environment
from testing.e2e.prepared import REPOSITORY, Prepared, prepare
from testing.e2e.under_test import Gateway
from testing.simulators.launch import running

READY_DEADLINE_S = 60
STOP_DEADLINE_S = 45
RECORD_BYTES = "64000000"
PLUGIN = REPOSITORY / "kong-plugins/plugins/compliance-tag"
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


@dataclass(frozen=True, slots=True)
class Ports:
    """Free ports of 127.0.0.1."""

    proxy: int
    admin: int
    backend: int
    management: int


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns pytest's exit status."""
    options = _parser().parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portcullis-e2e-")))
        prepared = prepare(folder / "state")
        ports = Ports(*_free_ports(4))
        simulators = stack.enter_context(running(folder / "simulators", "--record-bytes", RECORD_BYTES))
        (folder / "simulators.json").write_text(json.dumps(simulators.addresses), encoding="utf-8")
        backend = stack.enter_context(_backend(prepared, folder, ports))
        config = _kong_yaml(prepared, folder, ports)
        gateway = Gateway(
            url=f"http://127.0.0.1:{ports.proxy}",
            consumers=prepared.consumers,
            management_url=f"http://127.0.0.1:{ports.management}",
            backend_url=f"http://127.0.0.1:{ports.backend}",
            simulators_url=simulators.addresses["control"],
            tag_keys=prepared.tag_keys,
            log=folder / "backend.log",
            edge_logs=folder / "kong" / "logs",
            pid=backend,
        )
        stack.enter_context(_kong(options, config, folder, ports))
        _wait_for_kong(gateway)
        return _pytest(gateway, options.pytest)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testing.e2e.with_kong",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--plugin-server",
        default=str(Path(sys.executable).with_name("kong-python-pluginserver")),
        help="the server of our Python plugins (default: the stock kong-python-pluginserver of this Python)",
    )
    parser.add_argument(
        "--pytest", default="", help="more words for pytest, as in --pytest='-x -k compliance'"
    )
    parser.add_argument("kong", nargs=argparse.REMAINDER, help="what starts Kong in the foreground")
    return parser


@contextmanager
def _backend(prepared: Prepared, folder: Path, ports: Ports) -> Iterator[int]:
    """The process of `portcullis serve`, once it is ready."""
    environment = {
        "PORTCULLIS_CONFIG": str(prepared.gateway_yaml),
        "PORTCULLIS_TAG_KEYS_FILE": str(prepared.tag_keys),
        "PORTCULLIS_SIMULATORS": str(folder / "simulators.json"),
        "PORTCULLIS_PORT": str(ports.backend),
        "PORTCULLIS_MANAGEMENT_PORT": str(ports.management),
    }
    command = [sys.executable, "-m", "gateway.cli", "serve"]
    with _process(command, folder / "backend.log", environment) as process:
        _until(lambda: _answers(f"http://127.0.0.1:{ports.management}/ready"), "the backend")
        yield process.pid


def _kong_yaml(prepared: Prepared, folder: Path, ports: Ports) -> Path:
    rendered = subprocess.run(
        [
            *(sys.executable, "-m", "gateway.cli", "kong-config", "--consumers", str(prepared.consumers)),
            *("--service-url", f"http://127.0.0.1:{ports.backend}"),
            *("--tag-keys-file", str(prepared.tag_keys)),
        ],
        cwd=REPOSITORY,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    file = folder / "kong.yaml"
    file.write_bytes(rendered.stdout)
    return file


@contextmanager
def _kong(options: argparse.Namespace, config: Path, folder: Path, ports: Ports) -> Iterator[None]:
    prefix = folder / "kong"
    prefix.mkdir()
    places = {
        "config": str(config),
        "prefix": str(prefix),
        "proxy_port": str(ports.proxy),
        "admin_port": str(ports.admin),
    }
    server = f"{options.plugin_server} --plugins-directory {shlex.quote(str(PLUGIN))}"
    environment = {
        **KONG_SETTINGS,
        "KONG_PREFIX": str(prefix),
        "KONG_DECLARATIVE_CONFIG": str(config),
        "KONG_PROXY_LISTEN": f"127.0.0.1:{ports.proxy}",
        "KONG_ADMIN_LISTEN": f"127.0.0.1:{ports.admin}",
        "KONG_PLUGINSERVER_COMPLIANCE_TAG_SOCKET": str(prefix / "compliance-tag.socket"),
        "KONG_PLUGINSERVER_COMPLIANCE_TAG_START_CMD": (
            f"{server} --kong-prefix {shlex.quote(str(prefix))} --socket-name compliance-tag.socket"
        ),
        "KONG_PLUGINSERVER_COMPLIANCE_TAG_QUERY_CMD": f"{server} --dump-all-plugins",
    }
    command = [_filled(word, places) for word in options.kong if word != "--"]
    with _process(command, folder / "kong.log", environment):
        yield


def _wait_for_kong(gateway: Gateway) -> None:
    """Until a request comes through, the plugin included."""
    token = gateway.make_token("demo")
    _until(lambda: _answers(f"{gateway.url}/v1/models", {"Authorization": f"Bearer {token}"}), "Kong")
    version = httpx.get(f"{gateway.url}/nowhere", trust_env=False).headers.get("server", "unnamed")
    print(f"testing against {version}", flush=True)


def _pytest(gateway: Gateway, words: str) -> int:
    given = {
        "GATEWAY_URL": gateway.url,
        "GATEWAY_CONSUMERS": gateway.consumers,
        "GATEWAY_MANAGEMENT_URL": gateway.management_url,
        "BACKEND_URL": gateway.backend_url,
        "SIMULATORS_URL": gateway.simulators_url,
        "GATEWAY_TAG_KEYS": gateway.tag_keys,
        "GATEWAY_LOG": gateway.log,
        "GATEWAY_EDGE_LOGS": gateway.edge_logs,
        "GATEWAY_PID": gateway.pid,
    }
    environment = {**clean_environment(), **{name: str(value) for name, value in given.items()}}
    command = [sys.executable, "-m", "pytest", "testing/e2e", "-n", "0", *shlex.split(words)]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode


@contextmanager
def _process(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a group of its own, which is ended with all that it has started. On an error, its log."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**clean_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    except TimeoutError:
        sys.stderr.write(f"{log.name}:\n{log.read_text(encoding='utf-8', errors='replace')[-4000:]}\n")
        raise
    finally:
        # The whole group: `kong start` does not pass a signal on to the nginx that it runs.
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_DEADLINE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _until(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + READY_DEADLINE_S
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not ready within {READY_DEADLINE_S} s")
        time.sleep(0.05)


def _answers(url: str, headers: Mapping[str, str] | None = None) -> bool:
    try:
        return httpx.get(url, headers=dict(headers or {}), timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _free_ports(count: int) -> list[int]:
    """Ports that nobody uses now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _filled(word: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        word = word.replace("{" + name + "}", value)
    return word


if __name__ == "__main__":
    sys.exit(main())
