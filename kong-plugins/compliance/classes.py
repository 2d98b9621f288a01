"""Compliance classes: what a request holds (categories) and where it may be handled (residency).

Classes form a lattice and combine only by `join`. Nothing here lowers a class.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, get_args

Category = Literal["internal", "pii", "pci", "phi", "secret"]

ORDER: Final[tuple[str, ...]] = get_args(Category)
"""Categories from the lowest to the highest; the highest one of a class is the name people see."""

_KNOWN: Final = frozenset(ORDER)


@dataclass(frozen=True, slots=True)
class ComplianceClass:
    """A point in the lattice.

    `categories` is a subset of ORDER; the empty set is public. `residency` is the set of regions that may
    handle the data: None is anywhere, and the empty set is nowhere (legal: then no deployment qualifies).
    """

    categories: frozenset[str] = frozenset()
    residency: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if not self.categories <= _KNOWN:
            raise ValueError(_unknown(sorted(self.categories - _KNOWN)[0]))

    def join(self, other: ComplianceClass) -> ComplianceClass:
        """The lowest class at least as strict as both: union of categories, intersection of residency.

        Associative, commutative and idempotent; the result covers both sides.
        """
        return ComplianceClass(
            self.categories | other.categories, _intersection(self.residency, other.residency)
        )

    def covers(self, other: ComplianceClass) -> bool:
        """Whether this class is at least as strict as the other, in categories and in residency."""
        return self.join(other) == self

    @property
    def name(self) -> str:
        """The highest category in the order of ORDER, or "public"."""
        return next((category for category in reversed(ORDER) if category in self.categories), "public")


PUBLIC: Final = ComplianceClass()
"""The lowest class: no category, handled anywhere. The neutral element of `join`."""


def join_all(classes: Iterable[ComplianceClass]) -> ComplianceClass:
    """The join of all of them; PUBLIC when there are none."""
    result = PUBLIC
    for one in classes:
        result = result.join(one)
    return result


@lru_cache(maxsize=256)
def parse_categories(text: str) -> frozenset[str]:
    """Read "phi" or "phi, PCI" as categories; "public" adds none.

    Raises ValueError that names the first word that is no category (an empty word too).
    """
    words = [word.strip().lower() for word in text.split(",")]
    for word in words:
        if word not in _KNOWN and word != "public":
            raise ValueError(_unknown(word))
    return frozenset(words) - {"public"}


def _unknown(word: str) -> str:
    return f"unknown data class {word[:40]!r}, expected one of: public, {', '.join(ORDER)}"


def _intersection(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None:
        return other
    return one if other is None else one & other
