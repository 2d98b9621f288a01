"""Run the suite against a real Kong, in front of a backend and simulators that are started for it.

    python -m testing.e2e.with_kong [--plugin-server COMMAND] [--pytest=WORDS] KONG_COMMAND...

KONG_COMMAND starts Kong and stays in the foreground, such as `kong start`. What Kong needs is in its
environment (KONG_PREFIX, KONG_DECLARATIVE_CONFIG, KONG_PROXY_LISTEN, KONG_ADMIN_LISTEN, KONG_NGINX_DAEMON=off
and the plugin's settings); `{config}`, `{prefix}`, `{proxy_port}`, `{admin_port}` in it are replaced.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from testing.e2e.own import clean_environment
from testing.e2e.prepared import REPOSITORY, Prepared, prepare
from testing.e2e.under_test import Gateway
from testing.processes import answers, free_ports, until
from testing.simulators.launch import running
from testing.stack import STOCK_PLUGIN_SERVER, KongCommand, backend

RECORD_BYTES = "64000000"


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
        ports = Ports(*free_ports(4))
        simulators = stack.enter_context(running(folder / "simulators", "--record-bytes", RECORD_BYTES))
        addresses = folder / "simulators.json"
        addresses.write_text(json.dumps(simulators.addresses), encoding="utf-8")
        log = folder / "backend.log"
        served = stack.enter_context(backend(prepared, addresses, log, ports.backend, ports.management))
        config = _kong_yaml(prepared, folder, ports)
        gateway = Gateway(
            url=f"http://127.0.0.1:{ports.proxy}",
            consumers=prepared.consumers,
            management_url=f"http://127.0.0.1:{ports.management}",
            backend_url=f"http://127.0.0.1:{ports.backend}",
            simulators_url=simulators.addresses["control"],
            tag_keys=prepared.tag_keys,
            log=log,
            edge_logs=folder / "kong" / "logs",
            pid=served.pid,
        )
        kong = KongCommand(options.kong, options.plugin_server)
        stack.enter_context(kong.running(config, folder / "kong", ports.proxy, ports.admin))
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
        default=STOCK_PLUGIN_SERVER,
        help="the server of our Python plugins (default: the stock kong-python-pluginserver of this Python)",
    )
    parser.add_argument(
        "--pytest", default="", help="more words for pytest, as in --pytest='-x -k compliance'"
    )
    parser.add_argument("kong", nargs=argparse.REMAINDER, help="what starts Kong in the foreground")
    return parser


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


def _wait_for_kong(gateway: Gateway) -> None:
    """Until a request comes through, the plugin included."""
    token = gateway.make_token("demo")
    until(lambda: answers(f"{gateway.url}/v1/models", {"Authorization": f"Bearer {token}"}), "Kong")
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


if __name__ == "__main__":
    sys.exit(main())
