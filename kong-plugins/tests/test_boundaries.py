"""Who may import what, in kong-plugins: `compliance` and `oidc` stand below all else, and one door leads to
Kong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("compliance", "embedded_edge", "oidc", "plugins", "pluginserver")
MAY_IMPORT_KONG = ("plugins", "pluginserver")


def imported(source: str) -> Iterator[str]:
    """The first part of the name of every module that the source imports, wherever in it the import
    stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "__import__",
            "importlib.import_module",
        ):
            yield from (
                str(arg.value).partition(".")[0] for arg in node.args if isinstance(arg, ast.Constant)
            )


def offenders(folders: tuple[str, ...], forbidden: set[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in imported(path.read_text())
        if name in forbidden
    ]


def test_compliance_and_oidc_import_nothing_above_them() -> None:
    above = {"kong_pdk", "embedded_edge", "gateway", "pluginserver", "testing"}
    assert offenders(("compliance",), above | {"oidc"}) == []
    assert offenders(("oidc",), above | {"compliance"}) == []


def test_only_plugins_and_their_server_import_kong() -> None:
    folders = tuple(folder for folder in FOLDERS if folder not in MAY_IMPORT_KONG)
    assert offenders(folders, {"kong_pdk"}) == []


def test_plugins_and_edge_do_not_import_the_backend() -> None:
    assert offenders(FOLDERS, {"gateway"}) == []


def test_a_plugin_folder_holds_the_plugin_and_nothing_else() -> None:
    """Kong reads only the first plugin of a plugin server's folder, and any second file may be taken for
    one."""
    folders = [path for path in (ROOT / "plugins").iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        assert [path.name for path in folder.iterdir() if path.name != "__pycache__"] == [f"{folder.name}.py"]


@pytest.mark.parametrize(
    "source",
    [
        "import kong_pdk.server",
        "from kong_pdk import cli",
        "def late():\n    import kong_pdk",
        "importlib.import_module('kong_pdk.cli')",
    ],
)
def test_every_way_of_importing_is_seen(source: str) -> None:
    assert "kong_pdk" in set(imported(source))
