"""The lattice: join never lowers, and the order of joining does not matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.classes import ORDER, PUBLIC, ComplianceClass, join_all, parse_categories

REGIONS = ("eu", "us", "us-east-1", "in", "de")

classes = st.builds(
    ComplianceClass,
    st.frozensets(st.sampled_from(ORDER)),
    st.none() | st.frozensets(st.sampled_from(REGIONS)),
)


@given(classes, classes, classes)
def test_join_is_associative(a: ComplianceClass, b: ComplianceClass, c: ComplianceClass) -> None:
    assert a.join(b).join(c) == a.join(b.join(c))


@given(classes, classes)
def test_join_is_commutative(a: ComplianceClass, b: ComplianceClass) -> None:
    assert a.join(b) == b.join(a)


@given(classes)
def test_join_is_idempotent_and_public_is_neutral(a: ComplianceClass) -> None:
    assert a.join(a) == a
    assert a.join(PUBLIC) == a


@given(classes, classes)
def test_join_never_lowers(a: ComplianceClass, b: ComplianceClass) -> None:
    joined = a.join(b)
    assert joined.categories >= a.categories | b.categories
    for residency in (a.residency, b.residency):
        if residency is not None:
            assert joined.residency is not None
            assert joined.residency <= residency
    assert joined.covers(a)
    assert joined.covers(b)


@given(classes, classes, classes)
def test_join_is_monotone(a: ComplianceClass, b: ComplianceClass, c: ComplianceClass) -> None:
    higher = a.join(b)
    assert higher.join(c).covers(a.join(c))


@given(st.lists(classes, max_size=5))
def test_join_all_is_the_join_of_each(several: list[ComplianceClass]) -> None:
    joined = join_all(several)
    assert all(joined.covers(one) for one in several)
    assert join_all(reversed(several)) == joined


def test_covers_says_no_where_something_is_missing() -> None:
    assert not PUBLIC.covers(ComplianceClass(frozenset({"pii"})))
    assert not ComplianceClass(frozenset({"phi"})).covers(ComplianceClass(frozenset({"pii"})))
    assert not PUBLIC.covers(ComplianceClass(residency=frozenset({"eu"})))
    assert not ComplianceClass(residency=frozenset({"eu"})).covers(ComplianceClass(residency=frozenset()))


def test_disjoint_regions_leave_nowhere_which_is_not_anywhere() -> None:
    eu, us = ComplianceClass(residency=frozenset({"eu"})), ComplianceClass(residency=frozenset({"us"}))
    assert eu.join(us).residency == frozenset()


@pytest.mark.parametrize(
    ("categories", "name"),
    [
        (set(), "public"),
        ({"internal"}, "internal"),
        ({"internal", "pii"}, "pii"),
        ({"pii", "pci"}, "pci"),
        ({"pci", "phi"}, "phi"),
        (set(ORDER), "secret"),
    ],
)
def test_the_name_is_the_highest_category(categories: set[str], name: str) -> None:
    assert ComplianceClass(frozenset(categories)).name == name


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(ValueError, match="'hipaa'"):
        ComplianceClass(frozenset({"hipaa"}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("phi", {"phi"}),
        ("PHI, pci", {"phi", "pci"}),
        ("public", set()),
        ("Public,internal", {"internal"}),
    ],
)
def test_categories_are_read(text: str, expected: set[str]) -> None:
    assert parse_categories(text) == expected


@pytest.mark.parametrize(
    ("text", "word"), [("phy", "'phy'"), ("phi,", "''"), ("", "''"), ("pii;phi", "'pii;phi'")]
)
def test_an_unknown_word_is_named(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        parse_categories(text)
