"""Query strings and forms as Kong decodes and encodes them."""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

Value = str | bool | list[str | bool]  # True for a name without `=`; a list where a name is there twice
Arguments = dict[str, Value]

MAX_ARGUMENTS = 100
_SAFE = "-._~!*'()"
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def decode(text: bytes) -> Arguments:
    """By name, in order of first appearance; texts hold one code point for each byte."""
    found: Arguments = {}
    for part in [part for part in text.split(b"&") if part][:MAX_ARGUMENTS]:
        name, mark, value = part.partition(b"=")
        key = _unescape(name)
        if key:
            add(found, key, _unescape(value) if mark else True)
    return found


def add(arguments: Arguments, name: str, value: Value) -> None:
    """One more value of that name."""
    values = value if isinstance(value, list) else [value]
    known = arguments.get(name)
    if known is None:
        arguments[name] = value
    else:
        arguments[name] = [*(known if isinstance(known, list) else [known]), *values]


def encode(arguments: Mapping[str, Value], *, by_name: bool) -> bytes:
    """As it stands in a target (`by_name`) or in a form."""
    parts = []
    for name in sorted(arguments) if by_name else arguments:
        value = arguments[name]
        for item in value if isinstance(value, list) else [value]:
            if item is True:
                parts.append(_escape(name))
            elif item is not False:
                parts.append(f"{_escape(name)}={_escape(item)}")
    return "&".join(parts).encode()


def _escape(text: str) -> str:
    return quote(text.encode("latin-1"), safe=_SAFE)


def _unescape(text: bytes) -> str:
    return unquote_to_bytes(_BROKEN.sub(b"%25", text.replace(b"+", b" "))).decode("latin-1")
