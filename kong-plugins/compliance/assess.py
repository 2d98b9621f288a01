"""The class of a request as the edge can know it: token floor, hint and content, joined."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.classes import ComplianceClass
from compliance.detectors import scan_all
from compliance.text import extract_text


@dataclass(frozen=True, slots=True)
class Assessment:
    """The joined class, and the ids of all that raised it: "token-floor", "hint", detectors,
    "unscannable"."""

    compliance: ComplianceClass
    rules: tuple[str, ...]


def assess(
    body: bytes,
    content_type: str | None,
    *,
    floor: ComplianceClass,
    hint: frozenset[str],
    unscannable: frozenset[str],
) -> Assessment:
    """Join what is known before the content with what the content shows.

    `hint` are the caller's own categories; `unscannable` are those that a body counts as which holds more
    than its text. Neither can lower anything, nor can a text in which nothing is found.
    """
    extracted = extract_text(body, content_type)
    findings = scan_all(extracted.texts) if extracted.texts else ()
    categories = set(hint).union(finding.category for finding in findings)
    rules = [finding.rule for finding in findings]
    if extracted.unscannable and unscannable:
        categories |= unscannable
        rules.append("unscannable")
    if hint:
        rules.insert(0, "hint")
    if floor != ComplianceClass():
        rules.insert(0, "token-floor")
    return Assessment(floor.join(ComplianceClass(frozenset(categories))), tuple(rules))
