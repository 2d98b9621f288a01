"""Load the one plugin of a folder, as kong-pdk does, but never go on without it."""

from __future__ import annotations

import importlib.util
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

SUFFIXES: Final = (".py", ".pyd", ".so")
PHASES: Final = ("certificate", "rewrite", "log", "access", "preread", "response")


class PluginError(Exception):
    """The plugin cannot be served; the message names the file and what is wrong."""


@dataclass(frozen=True)
class LoadedPlugin:
    name: str
    cls: Any
    version: str | None
    priority: int
    schema: Any
    phases: tuple[str, ...]
    modified: float
    loaded: float

    def info(self) -> dict[str, Any]:
        """What Kong reads from the query command."""
        return {
            "Name": self.name,
            "Phases": list(self.phases),
            "Priority": self.priority,
            "Version": self.version,
            "Schema": {
                "name": self.name,
                "fields": [{"config": {"type": "record", "fields": self.schema}}],
            },
        }


def load_plugin(folder: Path) -> LoadedPlugin:
    """The plugin of the folder: exactly one, because Kong uses only the first that a server names."""
    if not folder.is_dir():
        raise PluginError(f"{folder}: not a folder")
    files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    if len(files) != 1:
        names = ", ".join(path.name for path in files) or "none"
        raise PluginError(
            f"{folder}: expected one plugin, found {names}; give each its own folder and server"
        )
    return _load(files[0])


def _load(path: Path) -> LoadedPlugin:
    name = path.stem
    module = _import(name, path)
    cls = getattr(module, "Plugin", None)
    if cls is None:
        raise PluginError(f"{path}: no class Plugin")
    phases = tuple(phase for phase in PHASES if hasattr(cls, phase))
    if not phases:
        raise PluginError(f"{path}: the class Plugin has no phase ({', '.join(PHASES)})")
    return LoadedPlugin(
        name=name,
        cls=cls,
        version=_either(module, "version", None),
        priority=_either(module, "priority", 0),
        schema=getattr(module, "Schema", []),
        phases=phases,
        modified=path.stat().st_mtime,
        loaded=time.time(),
    )


def _import(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path}: not a module that can be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise PluginError(f"{path}: does not import: {type(error).__name__}: {error}") from error
    return module


def _either(module: ModuleType, name: str, default: Any) -> Any:
    """kong-pdk reads the lower-case name; its documentation has both."""
    return getattr(module, name, getattr(module, name.capitalize(), default))
