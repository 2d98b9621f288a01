"""compose.yaml: what it starts, what it shows to the machine, and that its commands exist."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from gateway.cli import _parser
from gateway.settings import ADDRESS_VARIABLES, CREDENTIAL_VARIABLES
from gateway.types import Timeouts
from testing.project.repository import ROOT, complaints, read, read_yaml

COMPOSE: dict[str, Any] = read_yaml("compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_it_is_what_compose_reads() -> None:
    assert complaints("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml") == ""


def test_the_services_of_the_gateway_are_there() -> None:
    assert {"kong", "backend", "redis", "ollama", "prometheus", "grafana"} <= SERVICES.keys()


def test_redis_alone_needs_nothing_else() -> None:
    assert "depends_on" not in SERVICES["redis"]
    assert "profiles" not in SERVICES["redis"]
    assert SERVICES["redis"]["ports"] == ["127.0.0.1:6379:6379"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    """There is no TLS here yet."""
    for port in SERVICES[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_needs_is_there_and_started_with_it(name: str) -> None:
    service = SERVICES[name]
    for needed in service.get("depends_on", ()):
        profiles = SERVICES[needed].get("profiles")
        assert profiles is None or profiles == service.get("profiles"), needed


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists(name: str) -> None:
    for volume in SERVICES[name].get("volumes", ()):
        source = volume.rpartition(":/")[0]
        if source.startswith("./"):
            assert (ROOT / source).exists(), volume
            assert volume.endswith(":ro"), volume
        elif not source.startswith("$"):
            assert source in COMPOSE["volumes"], volume


def test_only_setup_sees_the_secrets_as_they_were_drawn() -> None:
    """The backend has no use for the tenants' secrets, Kong none for what it does not load."""
    seen = {
        name: {volume.partition(":")[0] for volume in service.get("volumes", ())}
        for name, service in SERVICES.items()
    }
    assert [name for name, volumes in seen.items() if "state" in volumes] == ["setup"]
    assert seen["kong"] == {"tag", "kong"}
    assert "kong" not in seen["backend"]
    for name in ("kong", "backend"):
        assert all(v.endswith(":ro") for v in SERVICES[name]["volumes"])


def test_no_secret_stands_in_it() -> None:
    secret = re.compile(r"password|secret|token|api_?key|credential", re.IGNORECASE)
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if secret.search(variable) and value not in (None, ""):
                assert str(value).startswith("${"), f"{name}: {variable}"


def test_the_backend_is_set_by_names_that_it_reads() -> None:
    known = {
        *CREDENTIAL_VARIABLES,
        *ADDRESS_VARIABLES,
        *re.findall(r'"((?:PORTCULLIS|REDIS)_\w+)"', _settings()),
    }
    assert known >= SERVICES["backend"]["environment"].keys()


def test_what_env_may_hold_for_a_start_without_containers_does_not_reach_the_backend() -> None:
    """`.env` is a copy of `.env.example`, whose addresses and paths are those of a machine."""
    example = dict(re.findall(r"^(PORTCULLIS_\w+|REDIS_URL)=(.*)$", read(".env.example"), re.MULTILINE))
    may_reach = {"PORTCULLIS_LOG_LEVEL", "PORTCULLIS_SIMULATORS", "PORTCULLIS_TRACE_RATIO"}
    assert example.keys() - may_reach <= SERVICES["backend"]["environment"].keys()


def test_what_runs_has_the_time_to_end() -> None:
    """A backend's grace, and in Kong the longest stream."""
    grace = {name: int(SERVICES[name]["stop_grace_period"].removesuffix("s")) for name in ("kong", "backend")}
    assert grace["backend"] > int(SERVICES["backend"]["environment"]["PORTCULLIS_DRAIN_GRACE_S"])
    assert grace["kong"] > Timeouts().stream_s


def test_every_portcullis_command_exists() -> None:
    [script] = [part for part in SERVICES["setup"]["command"] if "portcullis" in part]
    plain = script.replace("\\\n", " ")
    lines = [line.strip() for line in plain.splitlines() if line.strip().startswith("portcullis ")]
    assert lines
    for line in [*lines, *_commands_in_the_head()]:
        words = shlex.split(line.partition(">")[0])
        _parser().parse_args(words[1:])


def _commands_in_the_head() -> list[str]:
    return re.findall(r"setup (portcullis \w+)", read("compose.yaml").partition("\nname:")[0])


def _settings() -> str:
    return read("backend-service/gateway/settings.py")
