"""Templates of request-transformer: text with `$( expression )` in it.

Of Lua only what reads a value: names and their fields, text, `..`, `and`, `or`, `not` and parentheses.
Anything else is refused when the configuration is read.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from embedded_edge.schema import ConfigError

Environment = Mapping[str, Any]
Expression = Callable[[Environment], Any]

ROOTS = ("headers", "query_params", "uri_captures", "shared")

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<number>\d+)"
    r"|'(?P<single>[^'\\]*)'|\"(?P<double>[^\"\\]*)\"|(?P<sign>\.\.|[.\[\]()]))"
)
_WORDS = ("and", "or", "not", "nil", "true", "false")


class Template:
    """A compiled template. `render` raises TypeError where Lua would raise.

    As everything of a request, what it gives is bytes, one code point for each.
    """

    def __init__(self, owner: str, text: str) -> None:
        text = text.encode().decode("latin-1")
        self._parts: list[str | Expression] = []
        at = 0
        while (start := text.find("$(", at)) >= 0:
            end = _closing(text, start + 1)
            if end < 0:
                break
            self._parts.append(text[at:start])
            try:
                self._parts.append(_Parser(text[start + 2 : end]).whole())
            except ValueError as error:
                raise ConfigError(
                    f"{owner}: template {text!r} is not known to the embedded edge: {error}"
                ) from None
            at = end + 1
        self._parts.append(text[at:])

    def render(self, environment: Environment) -> str:
        return "".join(part if isinstance(part, str) else _shown(part(environment)) for part in self._parts)


def _closing(text: str, opening: int) -> int:
    depth = 0
    for index in range(opening, len(text)):
        depth += (text[index] == "(") - (text[index] == ")")
        if depth == 0:
            return index
    return -1


def _shown(value: Any) -> str:
    """As Lua's tostring; of a field that was sent several times the first."""
    if value is None or value is False:
        return ""
    if isinstance(value, list):
        return _shown(value[0])
    return "true" if value is True else str(value)


class _Parser:
    """Recursive descent: or, and, `..`, not, then what has fields."""

    def __init__(self, source: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at, source = 0, source.rstrip()
        while at < len(source):
            found = _TOKEN.match(source, at)
            if found is None or found.lastgroup is None:
                raise ValueError(f"at {source[at:]!r}")
            kind = found.lastgroup
            text = found[kind]
            self._tokens.append((text, text) if kind == "sign" or text in _WORDS else (kind, text))
            at = found.end()

    def whole(self) -> Expression:
        made = self._either()
        if self._tokens:
            raise ValueError(f"at {self._tokens[0][1]!r}")
        return made

    def _take(self, kind: str) -> str | None:
        if self._tokens and self._tokens[0][0] == kind:
            return self._tokens.pop(0)[1]
        return None

    def _either(self) -> Expression:
        left = self._both()
        while self._take("or"):
            left = _or(left, self._both())
        return left

    def _both(self) -> Expression:
        left = self._joined()
        while self._take("and"):
            left = _and(left, self._joined())
        return left

    def _joined(self) -> Expression:
        left = self._one()
        while self._take(".."):
            left = _concat(left, self._one())
        return left

    def _one(self) -> Expression:
        if self._take("not"):
            inner = self._one()
            return lambda env: not _true(inner(env))
        for word, value in (("nil", None), ("true", True), ("false", False)):
            if self._take(word):
                return _constant(value)
        for kind in ("single", "double"):
            text = self._take(kind)
            if text is not None:
                return _constant(text)
        if self._take("("):
            made = self._either()
            if not self._take(")"):
                raise ValueError("a parenthesis is open")
            return made
        name = self._take("name")
        if name not in ROOTS:
            raise ValueError(f"only {', '.join(ROOTS)} can be read")
        return self._fields(lambda env: env[name])

    def _fields(self, made: Expression) -> Expression:
        while True:
            if self._take("."):
                key: Any = self._take("name")
            elif self._take("["):
                number = self._take("number")
                key = int(number) if number is not None else self._take("single") or self._take("double")
                if not self._take("]"):
                    raise ValueError("a bracket is open")
            else:
                return made
            if key is None:
                raise ValueError("a field has no name")
            made = _field(made, key)


def _true(value: Any) -> bool:
    return value is not None and value is not False


def _constant(value: Any) -> Expression:
    return lambda _: value


def _or(left: Expression, right: Expression) -> Expression:
    def either(env: Environment) -> Any:
        value = left(env)
        return value if _true(value) else right(env)

    return either


def _and(left: Expression, right: Expression) -> Expression:
    def both(env: Environment) -> Any:
        value = left(env)
        return right(env) if _true(value) else value

    return both


def _concat(left: Expression, right: Expression) -> Expression:
    def joined(env: Environment) -> str:
        parts = left(env), right(env)
        if not all(isinstance(part, (str, int)) and not isinstance(part, bool) for part in parts):
            raise TypeError("only text can be concatenated")
        return f"{parts[0]}{parts[1]}"

    return joined


def _field(table: Expression, key: Any) -> Expression:
    def read(env: Environment) -> Any:
        value = table(env)
        if not hasattr(value, "get"):
            raise TypeError(f"a value without fields was asked for {key!r}")
        return value.get(key)

    return read
