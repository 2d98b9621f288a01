"""What request-transformer is told to do to one kind of thing, and the steps that tables share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from embedded_edge.templates import Environment, Template

Row = tuple[str, Template | None]  # name and value; a value of None does nothing


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


def rename(table: dict[str, Any], rules: Rules) -> bool:
    touched = False
    for old, new in rules.rename:
        if old != new and table.get(old) not in (None, False):
            table[new] = table.pop(old)
            touched = True
    return touched


def assign(table: dict[str, Any], name: str, value: str | None) -> None:
    if value is None:
        table.pop(name, None)
    else:
        table[name] = value


def append(table: dict[str, Any], rules: Rules, environment: Environment) -> bool:
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
