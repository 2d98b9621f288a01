"""The cluster's forward proxy, a real squid: it takes the configuration, and lets out whom it is told."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gateway.cli import main
from testing.egress import squid
from testing.egress.asking import ask
from testing.egress.squid import COMPONENT, SQUID, WITHOUT_SQUID, Squid, configured, free_port
from testing.egress.world import MODELS, World, deployment, host_of

pytestmark = pytest.mark.skipif(SQUID is None, reason=WITHOUT_SQUID)

REGISTERED = ("openai", "bedrock", "vertex_endpoint")
NOT_REGISTERED = "anthropic"


def test_squid_finds_nothing_wrong_with_what_is_committed() -> None:
    with squid.folder() as where:
        listed = (COMPONENT / "allow-list.conf").read_text(encoding="utf-8")
        assert squid.complaints(configured(where, 3128, listed, inside=True)) == ""
        broken = listed.replace("acl hosts_443", "acl other")
        assert "hosts_443" in squid.complaints(configured(where, 3128, broken, inside=True))


@pytest.fixture(scope="module")
def allow_list(outside: World, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the command prints for a register whose deployments are at the simulators' names and ports."""
    file = tmp_path_factory.mktemp("register") / "gateway.yaml"
    rows = {
        kind: deployment(outside.simulators, kind, file.parent, _port(outside, kind)) for kind in REGISTERED
    }
    document = {
        "version": 1,
        "providers": {kind: {"kind": kind, "base_url": row["base_url"]} for kind, row in rows.items()},
        "deployments": [
            {
                "id": kind,
                "provider": kind,
                "model": f"m-{kind}",
                "upstream_model": row["model"],
                "region": row["region"],
                "cleared_for": [],
                "price": {"input": 0, "output": 0},
            }
            for kind, row in rows.items()
        ],
        "tenants": {"demo": {}},
    }
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PORTCULLIS_CONFIG", str(file))
        printed = file.parent / "printed"
        with printed.open("w") as output:
            patched.setattr("sys.stdout", output)
            assert main(["egress", "--format", "squid"]) == 0
    return printed.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def proxy(outside: World, allow_list: str) -> Iterator[Squid]:
    port = free_port()
    with squid.folder() as where:
        file = configured(where, port, allow_list, hosts=outside.ports, inside=False)
        with squid.running(file, port) as running:
            yield running


def test_the_register_and_nobody_else_gets_through(proxy: Squid, outside: World, tmp_path: Path) -> None:
    kinds = (*REGISTERED, NOT_REGISTERED)
    rows = [deployment(outside.simulators, kind, tmp_path, _port(outside, kind)) for kind in kinds]
    [outcomes], _ = ask(rows, [(f"http://127.0.0.1:{proxy.port}", "")], outside.certificates)
    assert [outcome["message"] for outcome in outcomes[:-1]] == [""] * len(REGISTERED)
    assert outcomes[-1]["code"] == "provider_misconfigured"
    assert (
        f"the egress proxy refused the host {host_of(NOT_REGISTERED)} (HTTP 403)" in outcomes[-1]["message"]
    )


def test_ways_round_the_list(proxy: Squid, outside: World) -> None:
    port = _port(outside, "openai")
    name = host_of("openai")
    assert proxy.answer("CONNECT", f"{name}:{port}") == 200
    for target in (
        # Looked up backwards it has the name of a provider: whoever owns an address decides that.
        f"127.0.0.1:{port}",
        f"{name}:{_port(outside, 'anthropic')}",
        f"{name}:22",
        f"x.{name}:{port}",
        f"{name}@{host_of('anthropic')}:{port}",
    ):
        assert proxy.answer("CONNECT", target) in {400, 403}, target
    for target in (f"http://{name}:{port}/v1/models", "/squid-internal-mgr/info", "/"):
        assert proxy.answer("GET", target) in {400, 403}, target


def test_a_name_that_leads_inside_is_refused(outside: World, allow_list: str) -> None:
    port = free_port()
    with squid.folder() as where:
        file = configured(where, port, allow_list, hosts=outside.ports, inside=True)
        with squid.running(file, port) as running:
            assert running.answer("CONNECT", f"{host_of('openai')}:{_port(outside, 'openai')}") == 403


def test_its_log_says_who_asked_for_what(proxy: Squid, outside: World) -> None:
    target = f"{host_of('groq')}:{_port(outside, 'groq')}"
    assert proxy.answer("CONNECT", target) == 403
    assert proxy.answer("GET", squid.PROBE) == 200
    deadline = time.monotonic() + 10
    while target not in proxy.said.read_text(encoding="utf-8") and time.monotonic() < deadline:
        time.sleep(0.02)
    lines = [line for line in proxy.said.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    [found] = [row for row in map(json.loads, lines) if row["target"] == target]
    assert (found["status"], found["method"], found["result"]) == (403, "CONNECT", "TCP_DENIED")
    assert squid.PROBE not in "".join(lines)


def test_tunnels_end_before_the_proxy_does(outside: World, allow_list: str) -> None:
    """What Kubernetes does to a pod: drain.sh, then SIGTERM."""
    port = free_port()
    with squid.folder() as where:
        file = configured(where, port, allow_list, hosts=outside.ports, inside=False)
        script = where / "drain.sh"
        text = (COMPONENT / "drain.sh").read_text(encoding="utf-8")
        assert text.count(":0C38 ") == 1
        script.write_text(text.replace(":0C38 ", f":{port:04X} "), encoding="utf-8")
        # Its seconds are shorter here.
        (where / "sleep").write_text("#!/bin/sh\nexec /bin/sleep 0.05\n", encoding="utf-8")
        (where / "sleep").chmod(0o755)
        environment = {"PATH": f"{where}:{os.environ['PATH']}"}
        with squid.running(file, port) as running:
            tunnel = running.tunnel(f"{host_of('openai')}:{_port(outside, 'openai')}")
            draining = subprocess.Popen(["sh", "-eu", str(script)], env=environment)
            with pytest.raises(subprocess.TimeoutExpired):
                draining.wait(1)
            # New ones still come meanwhile.
            assert running.answer("GET", squid.PROBE) == 200
            tunnel.close()
            assert draining.wait(10) == 0
            running.process.terminate()
            assert running.process.wait(10) == 0


def test_a_drain_ends_though_a_tunnel_does_not(outside: World, allow_list: str) -> None:
    text = (COMPONENT / "drain.sh").read_text(encoding="utf-8")
    assert "left=600\n" in text
    grace = yaml.safe_load((COMPONENT / "deployment.yaml").read_text(encoding="utf-8"))
    assert grace["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 10 + 600 + 1 + 20


def _port(outside: World, kind: str) -> int:
    assert kind in MODELS
    return outside.ports[host_of(kind)]
