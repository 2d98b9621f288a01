"""A text that comes in pieces gives the same findings as the whole, wherever it is cut."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.detectors import RULES, Finding, scan, scanner
from compliance.detectors.scanner import HOLD_BACK, STEP
from testing.detection.hostile import almost, hostile

FRAGMENTS = [
    "my ssn is 123-45-6789, ",
    "4111 1111 1111 1111",
    "4111 1111 1111 1112",
    "GB82 WEST 1234 5698 7654 32 ",
    "jane.doe@example.org",
    "Patient John Smith takes metformin. ",
    "diabetes",
    "postgresql://app:hunter22x@db.internal/app",
    "Server=db;Database=x;User Id=sa;Password=hunter22;",
    "-----BEGIN RSA PRIVATE KEY-----",
    "٤١١١١١١١١١١١١١١١",
    "\u200b",
    "é",
    "季度报告",
    "0",
    " ",
    "\n",
    "word " * 60,
    "1 2 3 4 5 6 7 8 9 ",
]


def in_pieces(text: str, cuts: list[int]) -> set[Finding]:
    reader = scanner()
    found: list[Finding] = []
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    for start, end in pairwise(places):
        found += reader.feed(text[start:end])
        assert reader.undecided < HOLD_BACK + STEP
    found += reader.finish()
    assert len(found) == len(set(found)), "a finding is told once"
    return set(found)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=20), max_size=30),
    st.lists(st.integers(0, 1 << 20), max_size=30),
)
def test_any_cuts_give_what_the_whole_gives(fragments: list[str], cuts: list[int]) -> None:
    text = "".join(fragments)
    assert in_pieces(text, cuts) == set(scan(text))


@pytest.mark.parametrize("seed", range(6))
def test_letter_by_letter_gives_what_the_whole_gives(seed: int) -> None:
    text = hostile(seed, 3000)
    assert in_pieces(text, list(range(len(text)))) == set(scan(text))


@pytest.mark.parametrize("seed", range(6))
def test_texts_that_match_too_often_are_cut_alike(seed: int) -> None:
    draw = random.Random(seed)
    text = hostile(seed, 60_000)
    cuts = [draw.randrange(len(text)) for _ in range(40)]
    assert in_pieces(text, cuts) == set(scan(text))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_is_cut_alike(rule: object) -> None:
    draw = random.Random(1)
    for _ in range(20):
        text = " ".join(almost(rule.pattern, draw) for _ in range(6))  # type: ignore[attr-defined]
        cuts = [draw.randrange(len(text) + 1) for _ in range(12)]
        assert in_pieces(text, cuts) == set(scan(text))


def test_a_finding_is_told_when_its_place_is_decided() -> None:
    reader = scanner()
    assert reader.feed("my ssn is 123-45-6789 ") == ()
    told = reader.feed("." * (HOLD_BACK + STEP))
    assert "ssn-us" in {finding.rule for finding in told}
    assert reader.finish() == ()


def test_what_would_be_found_at_the_end_of_a_piece_waits_for_the_next() -> None:
    """123-45-6789 goes on: it is a piece of a longer number."""
    reader = scanner()
    found = [*reader.feed("x " * 300 + "123-45-6789"), *reader.feed("01"), *reader.finish()]
    assert "ssn-us" not in {finding.rule for finding in found}


def test_a_finished_text_takes_no_more() -> None:
    reader = scanner()
    reader.finish()
    with pytest.raises(ValueError, match="finished"):
        reader.feed("more")
