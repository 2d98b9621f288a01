"""Our own plugins, written for kong-pdk, loaded from `plugins/<name>/<name>.py` and run in this process."""

import asyncio
import importlib.util
import logging
import sys
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

from embedded_edge.answers import exit_with
from embedded_edge.exchange import Answer, BodyTooLargeError, Exchange
from embedded_edge.pdk import Kong
from embedded_edge.plugins.base import EdgePlugin, World
from embedded_edge.schema import ConfigError, Option

_log = logging.getLogger("embedded_edge")

_KINDS: dict[str, type] = {
    "string": str,
    "number": float,
    "integer": int,
    "boolean": bool,
    "array": list,
    "set": list,
    "record": dict,
    "map": dict,
}

# Larger bodies are scanned off the event loop, so that one of them holds up no other request.
_LARGE_BODY = 256 * 1024
_THREADS = 2
_MAX_WAITING = 32
_DEADLINE_SECONDS = 20.0

_FAILED = {"message": "The request could not be checked"}


def find_plugin(name: str, folders: Sequence[Path]) -> Path | None:
    """`<folder>/<name>/<name>.py` in the first folder that has it."""
    for folder in folders:
        path = folder / name / f"{name}.py"
        if path.is_file():
            return path
    return None


def load_plugin(name: str, path: Path) -> type[EdgePlugin]:
    """The plugin of that file as a class of the edge. ConfigError if it does not import or is no plugin."""
    module = _load_module(name, path)
    try:
        made, priority, schema = module.Plugin, module.Priority, module.Schema
    except AttributeError as error:
        raise ConfigError(f"plugin {name!r}: {path.name} has no {error.name}") from None
    known = {key: _option(spec) for field in schema for key, spec in field.items()}
    return type(
        f"Python_{name}",
        (PythonPlugin,),
        {"name": name, "priority": priority, "options": known, "made": made},
    )


def _load_module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"portcullis_plugin_{name.replace('-', '_')}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"plugin {name!r} does not import: {type(error).__name__}: {error}") from error
    return module


def _option(spec: Mapping[str, Any]) -> Option:
    return Option(
        _KINDS.get(spec.get("type", "string"), object),
        spec.get("default"),
        required=bool(spec.get("required")),
        one_of=tuple(spec.get("one_of", ())),
    )


class PythonPlugin(EdgePlugin):
    """Fails closed: whatever goes wrong in the plugin is a 503 for that request only.

    What Kong does not ask, a plugin may say to this edge: `reads_body = False` on its class, when it does not
    need the body, and a method `waits(kong)`, which tells whether `access` might wait for somebody else.
    """

    made: Any  # the module's Plugin class

    def __init__(self, config: Mapping[str, Any], world: World) -> None:
        super().__init__(config, world)
        try:
            self._plugin = type(self).made(dict(config))
        except Exception as error:
            raise ConfigError(
                f"plugin {self.name!r} does not start: {type(error).__name__}: {error}"
            ) from error
        self._reads_body: bool = getattr(type(self).made, "reads_body", True)
        self._waits = getattr(self._plugin, "waits", None)
        self._consumers = world.consumers
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"plugin-{self.name}")
        self._waiting = 0

    def access(self, x: Exchange) -> Awaitable[None] | None:
        if not self._reads_body:
            if self._waits is not None and self._would_wait(x):
                return self._wait(x)
            x.answer = self._run(x)
            return None
        if x.body is not None and len(x.body) <= _LARGE_BODY:
            x.answer = self._run(x)
            return None
        return self._with_body(x)

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _with_body(self, x: Exchange) -> None:
        try:
            body = await x.read_body()
        except BodyTooLargeError:
            x.answer = exit_with(413, {"message": "Request size limit exceeded"})
            return
        x.answer = self._run(x) if len(body) <= _LARGE_BODY else await self._run_aside(x)

    def _would_wait(self, x: Exchange) -> bool:
        """Whether the plugin says that it might wait; one that fails at that fails aside."""
        assert self._waits is not None
        try:
            return bool(self._waits(Kong(x, self._consumers)))
        except Exception:
            return True

    async def _wait(self, x: Exchange) -> None:
        x.answer = await self._run_aside(x)

    async def _run_aside(self, x: Exchange) -> Answer | None:
        if self._waiting >= _MAX_WAITING:
            _log.error("plugin %s: %d requests wait already; refused", self.name, self._waiting)
            return exit_with(503, _FAILED)
        self._waiting += 1
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                return await loop.run_in_executor(self._pool, self._run, x)
        except TimeoutError:
            _log.error("plugin %s: no result in %.0f s; refused", self.name, _DEADLINE_SECONDS)
            return exit_with(503, _FAILED)
        finally:
            self._waiting -= 1

    def _run(self, x: Exchange) -> Answer | None:
        kong = Kong(x, self._consumers)
        try:
            self._plugin.access(kong)
        except Exception as error:
            if kong.answer is None:
                _report(self.name, error)
                return exit_with(503, _FAILED)
        return kong.answer


def _report(name: str, error: Exception) -> None:
    """Where it happened and what kind it was: a message could quote the request."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    _log.error("plugin %s raised %s at %s; refused", name, type(error).__name__, " > ".join(places))
