"""Header fields and queries as request-transformer changes them (kong/plugins/request-transformer)."""

from embedded_edge.arguments import decode, encode
from embedded_edge.exchange import Exchange
from embedded_edge.plugins.transforming_rules import Rules, append, assign, rename, rendered
from embedded_edge.templates import Environment

_MAX_HEADERS = 100

Table = dict[str, tuple[str, list[bytes]]]  # by lower-case name: the name to write, and the values


def transform_headers(x: Exchange, rules: Rules, environment: Environment) -> bytes | None:
    """Changes the request's fields. Returns the Host for the upstream if it is replaced."""
    table: Table = {}
    for lower, _, sent in x.headers.fields[:_MAX_HEADERS]:
        if lower != b"host":
            key = lower.decode("latin-1")
            table.setdefault(key, (key, []))[1].append(sent)
    dropped = _drop_andrename(table, rules)
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


def _drop_andrename(table: Table, rules: Rules) -> list[str]:
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
    rename(arguments, rules)
    for name, value in rendered(rules.replace, environment):
        if arguments.get(name):
            assign(arguments, name, value)
    for name, value in rendered(rules.add, environment):
        if name not in arguments:
            assign(arguments, name, value)
    append(arguments, rules, environment)
    return encode(arguments, by_name=True)
