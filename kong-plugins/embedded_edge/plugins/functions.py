"""pre-function and post-function: Lua that the edge knows word for word, and no other."""

from collections.abc import Mapping
from typing import Any, ClassVar

from embedded_edge.exchange import Exchange
from embedded_edge.lua import Function, known_function
from embedded_edge.plugins.base import EdgePlugin, World
from embedded_edge.schema import ConfigError, Option

_PHASES = ("certificate", "rewrite", "access", "header_filter", "body_filter", "log")


class _Functions(EdgePlugin):
    options: ClassVar = {phase: Option(list, [], item=str) for phase in _PHASES}

    def __init__(self, config: Mapping[str, Any], world: World) -> None:
        super().__init__(config, world)
        for phase in _PHASES:
            if phase != "access" and config[phase]:
                raise ConfigError(f"{self.name}: option {phase!r} is not known to the embedded edge")
        self._functions: list[Function] = [known_function(self.name, text) for text in config["access"]]

    def access(self, x: Exchange) -> None:
        for function in self._functions:
            function(x)
            if x.answer is not None:
                return


class PreFunction(_Functions):
    name = "pre-function"
    priority = 1000000


class PostFunction(_Functions):
    name = "post-function"
    priority = -1000
