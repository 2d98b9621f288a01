"""What request-transformer does to each kind of thing: kong/plugins/request-transformer/access.lua."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedded_edge.arguments import decode, encode
from embedded_edge.exchange import Exchange
from embedded_edge.templates import Environment, Template

Row = tuple[str, Template | None]  # name and value; a value of None does nothing

_MAX_HEADERS = 100


@dataclass(frozen=True, slots=True)
class Rules:
    """What is done to one kind of thing, in this order."""

    remove: Sequence[str]
    rename: Sequence[tuple[str, str]]
    replace: Sequence[Row]
    add: Sequence[Row]
    append: Sequence[Row]

    def __bool__(self) -> bool:
        return bool(self.remove or self.rename or self.replace or self.add or self.append)


def rendered(rows: Sequence[Row], environment: Environment) -> list[tuple[str, str | None]]:
    return [(name, value.render(environment) if value else None) for name, value in rows]


Table = dict[str, tuple[str, list[bytes]]]  # by lower-case name: the name to write, and the values


def transform_headers(x: Exchange, rules: Rules, environment: Environment) -> bytes | None:
    """Changes the request's fields. Returns the Host for the upstream if it is replaced."""
    table: Table = {}
    for lower, _, sent in x.headers.fields[:_MAX_HEADERS]:
        if lower != b"host":
            key = lower.decode("latin-1")
            table.setdefault(key, (key, []))[1].append(sent)
    dropped = _drop_and_rename(table, rules)
    host = _replace(table, rules, environment)
    for name, value in rendered(rules.add, environment):
        if name.lower() not in table and name.lower() != "host" and value is not None:
            table[name.lower()] = (name, [_header_value(value)])
    for name, value in rendered(rules.append, environment):
        if name.lower() != "host" and value is not None:
            known = table.get(name.lower(), (name, []))[1]
            table[name.lower()] = (name, [*known, _header_value(value)])
    for name in dropped:
        x.headers.remove(name.encode("latin-1"))
    for name, values in table.values():
        _set(x, name.encode("latin-1"), values)
    return host


def _drop_and_rename(table: Table, rules: Rules) -> list[str]:
    """The names whose fields have to go."""
    dropped = [name.lower() for name in rules.remove if table.pop(name.lower(), None)]
    for old, new in rules.rename:
        if old != new and old.lower() in table:
            values = table.pop(old.lower())[1]
            table[new.lower()] = (new if old.lower() == new.lower() else new.lower(), values)
            dropped.append(old.lower())
    return dropped


def _replace(table: Table, rules: Rules, environment: Environment) -> bytes | None:
    """Replaces what is there. Returns the new Host."""
    host: bytes | None = None
    for name, value in rendered(rules.replace, environment):
        lower = name.lower()
        if lower == "host":
            host = value.encode("latin-1") if value else None
        elif lower in table and value is None:
            del table[lower]
        elif lower in table and value is not None:
            table[lower] = (lower, [_header_value(value)])
    return host


def _set(x: Exchange, name: bytes, values: list[bytes]) -> None:
    """The first value where the field stands, the others at the end."""
    present = x.headers.values(name.lower())
    if len(values) == 1 and present == values:
        return
    x.headers.set(name, values[0])
    for value in values[1:]:
        x.headers.add(name, value)


def _header_value(text: str) -> bytes:
    """ValueError for what would end the header; an empty value is sent as a space."""
    if any(char in text for char in "\r\n\0"):
        raise ValueError("a header value may not hold a line break")
    return text.encode("latin-1") or b" "


def transform_query(query: bytes, rules: Rules, environment: Environment) -> bytes:
    arguments = decode(query)
    for name in rules.remove:
        arguments.pop(name, None)
    _rename(arguments, rules)
    for name, value in rendered(rules.replace, environment):
        if arguments.get(name):
            _assign(arguments, name, value)
    for name, value in rendered(rules.add, environment):
        if name not in arguments:
            _assign(arguments, name, value)
    _append(arguments, rules, environment)
    return encode(arguments, by_name=True)


def transform_form(body: bytes, rules: Rules, environment: Environment) -> bytes | None:
    """The new body, or None where nothing was to be done."""
    arguments = decode(body)
    touched = False
    if body:
        touched = bool(rules.remove)
        for name in rules.remove:
            arguments.pop(name, None)
        touched |= _rename(arguments, rules)
        for name, value in rendered(rules.replace, environment):
            if arguments.get(name):
                _assign(arguments, name, value)
                touched = True
    for name, value in rendered(rules.add, environment):
        if name not in arguments:
            _assign(arguments, name, value)
            touched = True
    touched |= _append(arguments, rules, environment)
    return encode(arguments, by_name=False) if touched else None


def _rename(table: dict[str, Any], rules: Rules) -> bool:
    touched = False
    for old, new in rules.rename:
        if old != new and table.get(old) not in (None, False):
            table[new] = table.pop(old)
            touched = True
    return touched


def _assign(table: dict[str, Any], name: str, value: str | None) -> None:
    if value is None:
        table.pop(name, None)
    else:
        table[name] = value


def _append(table: dict[str, Any], rules: Rules, environment: Environment) -> bool:
    for name, value in rendered(rules.append, environment):
        known = table.get(name)
        added: list[Any] = [] if value is None else [value]
        if isinstance(known, dict):
            raise TypeError("an object cannot be appended to")
        if isinstance(known, str):
            table[name] = [known, *added]
        else:
            table[name] = [*known, *added] if isinstance(known, list) else added
    return bool(rules.append)


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
        touched |= _rename(table, rules)
        for name, value in rendered(rules.replace, environment):
            if table.get(name, False) is not False:
                _assign(table, name, value and _utf8(value))
                touched = True
    for name, value in rendered(rules.add, environment):
        if table.get(name, False) is False:
            _assign(table, name, value and _utf8(value))
            touched = True
    touched |= _append(table, rules, environment)
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
