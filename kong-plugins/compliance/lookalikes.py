# ruff: noqa: RUF001  (look-alike characters are what this is about)
"""Letters and signs that are drawn like ASCII ones, after Unicode's confusables.txt, as far as labels ("SSN",
"MRN"), names, numbers and e-mail addresses are made of them."""

from __future__ import annotations

from typing import Final

_PAIRS: Final = (
    # Cyrillic
    ("АВЕЅКМНОРСТУХІЈԌԚԜЬЗаеорсухіјѕһԁԛԝӏӀкмтнвгпиѵѴүҮ", "ABESKMHOPCTYXIJGQWb3aeopcyxijshdqwlIkmthbrnuvVyY"),
    # Greek
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγεικνορστυχηωϹϲϳͿμ", "ABEZHIKMNOPTYXayeikvopotuxnwCcjJu"),
    # Armenian
    ("ՏՕօոսհցզՍԼ", "SOonuhgqUL"),
    # Latin with strokes and hooks, and small capitals
    ("ıȷɑɡɩʟɴʀꜱᴍłŁøØđĐħĦŧŦßæÆµðÐþƒÞǀー", "ijagiLNRSMlLoOdDhHtTsaAudDpfPl-"),
    # Signs
    ("×‗⁃‘’‚‛′“”„«»∙·•․。∕⁄∶：＠﹫", "x_-'''''\"\"\"\"\".....//::@@"),
    ("\u2212", "-"),
    # Line ends
    ("\u2028\u2029\x85", "\n\n\n"),
)

LOOKALIKES: Final[dict[str, str]] = {
    character: ascii for odd, plain in _PAIRS for character, ascii in zip(odd, plain, strict=True)
}
