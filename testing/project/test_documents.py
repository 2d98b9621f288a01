"""README, CONTRIBUTING, CHANGELOG, .env.example: what they name exists, and what exists they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from compliance.classes import ORDER
from gateway.api import router
from gateway.api.management import management_routes
from gateway.cli import _parser
from gateway.errors import GatewayError
from gateway.lifecycle import Lifecycle
from gateway.observability import Metrics
from gateway.observability.record import RequestRecord
from gateway.settings import ADDRESS_VARIABLES, CREDENTIAL_VARIABLES
from testing.project.repository import ROOT, files, read

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
README = read("README.md")
WORD = re.compile(r"`([^`\n]+)`")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_it_names_exist(document: str) -> None:
    """A word in code style that looks like a path from the root is one."""
    tops = {path.parts[0] for path in files()}
    text = re.sub(r"^```.*?^```", "", read(document), flags=re.MULTILINE | re.DOTALL)
    for word in WORD.findall(text):
        path = word.split()[0].removeprefix("./")
        if path.partition("/")[0] in tops:
            pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
            assert list(ROOT.glob(pattern)), f"{word} in {document}"


def test_every_folder_on_the_map_exists() -> None:
    [drawing] = re.findall(r"^## Where things are\n+```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    top = ""
    for line in drawing.splitlines():
        name = line.split()[0]
        top = "" if not line.startswith(" ") else top
        assert (ROOT / top / name).exists(), line
        top = top or name


def test_the_commands_that_it_shows_exist() -> None:
    shown = set(re.findall(r"(?:\./)?deploy\.sh (\w+)", README))
    assert shown
    rows = re.findall(r"^    ([\w |]+)\)", read("deploy.sh"), re.MULTILINE)
    assert shown <= {command for row in rows for command in row.split(" | ")}
    tokens = re.findall(r"^\.venv/bin/portcullis (.+)$", README, re.MULTILINE)
    assert tokens
    for arguments in tokens:
        _parser().parse_args(arguments.replace('"', "").split())


def test_the_table_of_endpoints_is_complete() -> None:
    served = {
        f"{method} {route.path.replace(':path', '')}"  # type: ignore[attr-defined]
        for route in router.routes
        for method in route.methods  # type: ignore[attr-defined]
    } | {f"GET {route.path}" for route in management_routes({}, Lifecycle(), Metrics(), ())}  # type: ignore[attr-defined]
    shown = {word for word in WORD.findall(_section("Endpoints")) if re.match(r"(GET|HEAD|POST) /", word)}
    # FastAPI serves this one by itself.
    assert shown - {"GET /docs"} == served


def test_the_table_of_headers_is_complete() -> None:
    sent = {name.decode() for name, _ in RequestRecord("id").headers()} | {"x-gateway-simulated"}
    shown = set(re.findall(r"`(x-(?:request|compliance|gateway)-[\w-]+)`", _section("What an answer says")))
    assert shown == sent


def test_the_table_of_errors_is_complete() -> None:
    """Each code stands beside its status; a code of a provider's own status beside 4xx."""
    text = _section("When it says no")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")]
    shown = {(row[1].strip(), code) for row in rows for code in WORD.findall(row[2])}
    elsewhere = {(status, code) for code, status in re.findall(r"`(\w+)` \((\d+)\)", text)}
    ours = {(str(error.status), error.code) for error in _family(GatewayError)}
    gate = {(status, code) for status, code in shown if f'"{code}"' in read("configs/kong/kong.yaml")}
    assert gate == {("401", "unauthenticated"), ("503", "untagged")}
    assert {("400" if s == "4xx" else s, c) for s, c in shown | elsewhere} == ours | gate


def test_the_table_of_metrics_is_complete() -> None:
    rows = [
        line.split("|")
        for line in _section("Metrics", read("configs/prometheus/README.md")).splitlines()
        if line.startswith("| `")
    ]
    shown = {name: set(WORD.findall(row[2])) for row in rows for name in WORD.findall(row[1])}
    ours = {
        row._name.removeprefix("portcullis_") + ("_total" if row._type == "counter" else ""): row._labelnames
        for row in vars(Metrics()).values()
        if isinstance(row, MetricWrapperBase)
    }
    assert shown == {name: set(labels) for name, labels in ours.items()}


def test_every_class_is_explained_in_its_order() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", _section("Classes"), re.MULTILINE)
    assert rows == ["public", *ORDER]


def test_limits_are_those_of_kong() -> None:
    kong = read("configs/kong/kong.yaml")
    for name, shown in (("minute", "100"), ("hour", "1,000"), ("day", "10,000")):
        assert f"{name}: {shown.replace(',', '')}\n" in kong
        assert shown in README
    assert "allowed_payload_size: 20\n" in kong
    assert "20 MB" in README


def test_env_example_lists_exactly_what_is_read() -> None:
    settings = read("backend-service/gateway/settings.py")
    read_there = {
        *CREDENTIAL_VARIABLES,
        *ADDRESS_VARIABLES,
        *re.findall(r'"((?:PORTCULLIS|REDIS)_\w+|(?:HTTPS|NO)_PROXY|OTEL_\w+)"', settings),
    }
    listed = re.findall(r"^([A-Z][A-Z0-9_]+)=", read(".env.example"), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) - set(_of_deploy()) == read_there


def test_env_example_lists_what_deploy_sh_reads() -> None:
    steps = "\n".join(read(path) for path in files() if path.match("configs/deploy/*.sh"))
    # What is not for everyday: another platform, and how long to wait for an address.
    given = set(re.findall(r"\$\{([A-Z][A-Z_]+):-", steps)) - {"PLATFORM", "PATIENCE_S", "CLOUD", "AGAIN"}
    named = set(re.findall(r"^  need ([A-Z_]+) ", steps, re.MULTILINE))
    assert set(_of_deploy()) == {name for name in given | named if not name.startswith("PORTCULLIS_")}
    for name in _of_deploy():
        assert re.search(rf"\b{name}\b", read("deploy.sh") + steps)


def _of_deploy() -> list[str]:
    """The rows of .env.example below the heading for `deploy.sh`."""
    section = read(".env.example").partition("# --- ./deploy.sh in a cloud")[2].partition("\n# --- ")[0]
    return re.findall(r"^([A-Z][A-Z0-9_]+)=", section, re.MULTILINE)


def test_env_example_holds_no_secret() -> None:
    values = dict(re.findall(r"^([A-Z][A-Z0-9_]+)=(.*)$", read(".env.example"), re.MULTILINE))
    assert {name for name in CREDENTIAL_VARIABLES if values[name]} == set()


def test_the_licence_is_apache() -> None:
    text = read("LICENSE")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_no_path_of_a_machine_stands_in_a_file() -> None:
    """Neither this checkout's, nor anybody's home."""
    machine = re.compile(
        rf"{re.escape(str(ROOT))}\b|{re.escape(str(Path.home()))}/|/(?:home|Users)/[a-z][\w-]+/"
    )
    found = [f"{path}: {match[0]}" for path in files() if (match := machine.search(_text(path)))]
    assert found == []


def _text(path: Path) -> str:
    return (ROOT / path).read_bytes().decode("utf-8", "replace")


def _section(title: str, page: str = README) -> str:
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _family(error: type[GatewayError]) -> set[type[GatewayError]]:
    return {error}.union(*(_family(child) for child in error.__subclasses__()))
