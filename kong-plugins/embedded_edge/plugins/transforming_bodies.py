"""Forms and JSON as request-transformer changes them: kong/plugins/request-transformer/access.lua."""

import json
import math
from collections.abc import Mapping
from typing import Any

from embedded_edge.arguments import decode, encode
from embedded_edge.plugins.transforming_rules import Rules, append, assign, rename, rendered
from embedded_edge.templates import Environment


def transform_form(body: bytes, rules: Rules, environment: Environment) -> bytes | None:
    """The new body, or None where nothing was to be done."""
    arguments = decode(body)
    touched = False
    if body:
        touched = bool(rules.remove)
        for name in rules.remove:
            arguments.pop(name, None)
        touched |= rename(arguments, rules)
        for name, value in rendered(rules.replace, environment):
            if arguments.get(name):
                assign(arguments, name, value)
                touched = True
    for name, value in rendered(rules.add, environment):
        if name not in arguments:
            assign(arguments, name, value)
            touched = True
    touched |= append(arguments, rules, environment)
    return encode(arguments, by_name=False) if touched else None


_NULL = object()  # JSON's null, which Lua holds for true


def transform_json(body: bytes, rules: Rules, environment: Environment) -> bytes | None:
    """The new body, or None where nothing was to be done. TypeError for a value that has no fields."""
    table: Any = {}
    if body:
        try:
            table = json.loads(body, parse_int=float)
        except (ValueError, RecursionError):
            return None
    if isinstance(table, list):
        return _encode(table).encode() if rules else None
    if not isinstance(table, dict):
        raise TypeError("a body without fields cannot be transformed")
    table = {name: _NULL if value is None else value for name, value in table.items()}
    touched = False
    if body:
        touched = bool(rules.remove)
        for name in rules.remove:
            table.pop(name, None)
        touched |= rename(table, rules)
        for name, value in rendered(rules.replace, environment):
            if table.get(name, False) is not False:
                assign(table, name, value and _utf8(value))
                touched = True
    for name, value in rendered(rules.add, environment):
        if table.get(name, False) is False:
            assign(table, name, value and _utf8(value))
            touched = True
    touched |= append(table, rules, environment)
    return _encode(table).encode("utf-8", "surrogatepass") if touched else None


def _utf8(text: str) -> str:
    """Text of one code point for each byte, as the characters that its bytes are."""
    return text.encode("latin-1").decode("utf-8", "replace")


def _encode(value: Any) -> str:
    """JSON as lua-cjson writes it: no spaces, numbers with 14 digits. ValueError for infinity."""
    if value is _NULL or value is None:
        return "null"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number is too large")
        return f"{value:.14g}"
    if isinstance(value, list):
        return "[" + ",".join(_encode(item) for item in value) + "]"
    if isinstance(value, Mapping):
        fields = (f"{json.dumps(name, ensure_ascii=False)}:{_encode(item)}" for name, item in value.items())
        return "{" + ",".join(fields) + "}"
    return json.dumps(value, ensure_ascii=False)
