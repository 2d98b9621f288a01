"""Imports go downhill, LiteLLM has one door, and one module reads the environment."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

GATEWAY = Path(__file__).resolve().parents[1] / "gateway"

#: From the top down. Rooms on one rung do not know each other; a rung may import any below it.
RUNGS = (
    {"cli"},
    {"commands"},
    {"local"},
    {"egress", "main", "serve", "tls", "tokens", "kong_config"},
    {"api", "middleware"},
    {"pipeline"},
    {"policy", "routing", "providers", "ledger"},
    {"configuration", "observability"},
    {"settings"},
    {"proxy", "lifecycle", "store", "trace_target"},
    {"errors"},
    {"types"},
)
RUNG_OF = {room: number for number, rung in enumerate(RUNGS) for room in rung}


def modules() -> list[Path]:
    return sorted(
        path for path in GATEWAY.rglob("*.py") if path.name != "__init__.py" or path.parent != GATEWAY
    )


def room_of(path: Path) -> str:
    return path.relative_to(GATEWAY).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names if node.module == "gateway")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(GATEWAY)))
def test_imports_go_downhill(path: Path) -> None:
    room = room_of(path)
    assert room in RUNG_OF, f"{room} has no rung yet"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "gateway" or len(parts) < 2 or parts[1] == room:
            continue
        assert RUNG_OF[room] < RUNG_OF[parts[1]], f"{room} must not import {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(GATEWAY)))
def test_only_the_providers_room_knows_litellm(path: Path) -> None:
    if path.parent.name == "providers" and path.name.startswith("litellm"):
        return
    assert not [name for name in imported(path) if name.split(".")[0] == "litellm"]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(GATEWAY)))
def test_only_settings_reads_the_environment(path: Path) -> None:
    if path.name == "settings.py":
        return
    source = path.read_text(encoding="utf-8")
    assert "getenv" not in source
    reads = [line for line in source.splitlines() if "environ" in line and not line.strip().startswith("#")]
    if path.name == "litellm_load.py":
        # It writes what LiteLLM reads at import, and clears what would change its behaviour.
        reads = [line for line in reads if "environ.get(" in line]
        assert not reads
    else:
        assert not [line for line in reads if "os.environ" in line]


def test_the_embedded_edge_is_only_for_local() -> None:
    users = {
        room_of(path) for path in modules() if any(n.startswith("embedded_edge") for n in imported(path))
    }
    assert users == {"local"}
