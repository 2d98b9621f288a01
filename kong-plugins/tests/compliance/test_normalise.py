"""One spelling, character by character."""

# ruff: noqa: RUF001  (look-alike characters are what is tested)

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.normalise import normalise


@given(st.text(), st.text())
def test_a_text_may_be_cut_anywhere(one: str, other: str) -> None:
    assert normalise(one + other) == normalise(one) + normalise(other)


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(min_codepoint=256)))
def test_the_fast_way_means_the_same(latin: str, other: str) -> None:
    assert normalise(latin + other) == normalise(latin) + normalise(other)


def test_every_digit_of_every_script_is_a_digit() -> None:
    digits = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Nd"]
    assert len(digits) > 600
    assert [one for one in digits if normalise(one) != str(unicodedata.digit(one)).encode()] == []


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("plain ASCII\tstays\n", b"plain ASCII\tstays\n"),
        ("a\x00b\x7fc", b"abc"),
        ("Ｆｕｌｌ－ｗｉｄｔｈ　１", b"Full-width 1"),
        ("ЅЅN МRΝ", b"SSN MRN"),
        ("Jósé Müller", b"Jose Muller"),
        ("a\u200bb\u2060c\ufeffd\u00ade", b"abcde"),
        ("10–20−30‑40", b"10-20-30-40"),
        ("①②③⑩ ﬁ ㎎", b"12310 fi mg"),
        ("“it’s”", b'"it\'s"'),
        ("\U000e0053\U000e0053\U000e004e", b"SSN"),
        ("季度", "季度".encode()),
        ("\ud800x", b"?x"),
    ],
)
def test_spellings(text: str, same: bytes) -> None:
    assert normalise(text) == same
