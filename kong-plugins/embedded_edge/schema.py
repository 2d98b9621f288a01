"""Options of plugins and entities: what is known, its default, and a refusal that names what is not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


class ConfigError(ValueError):
    """The declarative document holds something that the edge does not know or cannot honour. Names it."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `kind` is the Python type of its value; of a list, `item` is the type of the elements."""

    kind: type
    default: Any = None
    required: bool = False
    one_of: tuple[Any, ...] = ()
    item: type | None = None
    check: Callable[[Any], str | None] | None = None  # what is wrong with the value, or None
    secret: bool = False  # the value never appears in an error


def read_options(owner: str, given: Mapping[str, Any] | None, known: Mapping[str, Option]) -> dict[str, Any]:
    """Every known option with its value or default. ConfigError names owner, option and bad value."""
    given = given or {}
    if not isinstance(given, Mapping):
        raise ConfigError(f"{owner}: must be a table of options, not {type(given).__name__}")
    for name in given:
        if name not in known:
            raise ConfigError(f"{owner}: option {name!r} is not known to the embedded edge")
    return {name: _read(owner, name, given.get(name), option) for name, option in known.items()}


def _read(owner: str, name: str, value: Any, option: Option) -> Any:
    if value is None:
        if option.required and option.default is None:
            raise ConfigError(f"{owner}: option {name!r} is required")
        return option.default
    shown = "what is there" if option.secret else repr(value)
    if not _is_a(value, option.kind):
        raise ConfigError(f"{owner}: option {name!r} must be {option.kind.__name__}, not {shown}")
    if option.item is not None and not all(_is_a(item, option.item) for item in value):
        raise ConfigError(f"{owner}: option {name!r} must hold {option.item.__name__} only, not {shown}")
    if option.one_of:
        for item in value if isinstance(value, list) else [value]:
            if item not in option.one_of:
                raise ConfigError(
                    f"{owner}: option {name!r} must be one of {list(option.one_of)}, not {item!r}"
                )
    wrong = option.check(value) if option.check else None
    if wrong:
        raise ConfigError(f"{owner}: option {name!r} {wrong}")
    return value


def _is_a(value: Any, kind: type) -> bool:
    if kind is bool:
        return isinstance(value, bool)
    if kind in (int, float):
        return isinstance(value, (int, float) if kind is float else int) and not isinstance(value, bool)
    return isinstance(value, kind)


def only(owner: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuses a key of an entity that is not in `known`."""
    for name in given:
        if name not in known:
            raise ConfigError(f"{owner}: field {name!r} is not known to the embedded edge")
