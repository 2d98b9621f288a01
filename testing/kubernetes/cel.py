"""The rules in CEL that custom resources' definitions carry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import celpy
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError

# A field of such a name is asked for under another one.
_RESERVED = frozenset({"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for"}) | {
    *("function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while")
}
_SPELLED = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}


def faults(schema: Any, value: Any, path: str = "$") -> Iterator[str]:
    """What the rules at this place and below have against a value whose defaults are filled in."""
    if not isinstance(schema, dict):
        return
    for rule in schema.get("x-kubernetes-validations", ()):
        # A rule about a change says nothing of what stands here.
        if not re.search(r"\boldSelf\b", rule["rule"]) and holds(rule["rule"], schema, value) is False:
            yield f"{path}: {rule.get('message') or rule['rule']}"
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name, item in value.items():
            inner = properties.get(name) or schema.get("additionalProperties")
            yield from faults(inner, item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults(schema.get("items"), item, f"{path}[{index}]")


def holds(rule: str, schema: Any, value: Any) -> bool | None:
    """None where it cannot be said: the rule uses a function that Kubernetes adds to CEL."""
    program = compiled(rule)
    if program is None:
        return None
    try:
        return bool(program.evaluate({"self": json_to_cel(spelled(schema, value))}))
    except CELEvalError as error:
        raise AssertionError(f"the rule {rule!r} could not be asked: {error}") from error


@cache
def compiled(rule: str) -> Any:
    if uses_more_than_cel(rule):
        return None
    environment = celpy.Environment()
    return environment.program(environment.compile(rule))


def uses_more_than_cel(rule: str) -> bool:
    return bool(re.search(r"\b(isURL|url|find|findAll|split|join|quantity|isQuantity|isIP|ip|cidr)\(", rule))


def spelled(schema: Any, value: Any) -> Any:
    """The value with the names of its fields as a rule spells them; keys of a map stay."""
    if isinstance(value, dict):
        properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
        other = schema.get("additionalProperties") if isinstance(schema, dict) else None
        return {
            _field(name) if name in properties else name: spelled(properties.get(name) or other, item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [spelled(schema.get("items") if isinstance(schema, dict) else None, item) for item in value]
    return value


def _field(name: str) -> str:
    if name in _RESERVED:
        return f"__{name}__"
    for text, spelling in _SPELLED.items():
        name = name.replace(text, spelling)
    return name
