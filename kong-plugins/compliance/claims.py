"""What a verified token says about its bearer, as far as a request needs it.

The signature is not looked at here: whoever calls has the token from the one that verified it.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any, Final

import orjson

from compliance.classes import ComplianceClass, parse_categories

ANYWHERE: Final = "anywhere"


class ClaimsError(ValueError):
    """A claim that is not what it must be. The message names the claim; a wrong floor is never taken for
    none."""


@dataclass(frozen=True, slots=True)
class Claims:
    """`subject` is None when the token names none; `models` None when every model is allowed.

    `floor` is the class below which no request of this bearer goes: `class_floor` and `residency` together.
    """

    subject: str | None
    tier: str | None
    project: str | None
    models: tuple[str, ...] | None
    scopes: tuple[str, ...]
    floor: ComplianceClass


def read_claims(token: str) -> Claims:
    """The claims of a JWT that has been verified; ClaimsError if it cannot be read or a claim is of a wrong
    type."""
    payload = _payload(token)
    return Claims(
        subject=_text(payload, "sub"),
        tier=_text(payload, "tier"),
        project=_text(payload, "project"),
        models=_words(payload, "models"),
        scopes=_words(payload, "scope") or (),
        floor=ComplianceClass(_categories(payload), _residency(payload)),
    )


def _payload(token: str) -> dict[str, Any]:
    parts = token.split(".")
    try:
        payload = orjson.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, binascii.Error, ValueError):
        raise ClaimsError("the token cannot be read") from None
    if not isinstance(payload, dict):
        raise ClaimsError("the token cannot be read")
    return payload


def _text(payload: dict[str, Any], claim: str) -> str | None:
    value = payload.get(claim)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ClaimsError(f"claim {claim!r}: expected a string")
    return value


def _words(payload: dict[str, Any], claim: str) -> tuple[str, ...] | None:
    """A list of strings, or one string of words with spaces between them."""
    value = payload.get(claim)
    if value is None:
        return None
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise ClaimsError(f"claim {claim!r}: expected a list of strings, or one string with spaces")


def _categories(payload: dict[str, Any]) -> frozenset[str]:
    words = payload.get("class_floor")
    if words is None:
        return frozenset()
    text = ",".join(words) if _is_list_of_text(words) and words else words
    if not isinstance(text, str):
        raise ClaimsError("claim 'class_floor': expected a string or a list of strings")
    try:
        return parse_categories(text)
    except ValueError as error:
        raise ClaimsError(f"claim 'class_floor': {error}") from None


def _residency(payload: dict[str, Any]) -> frozenset[str] | None:
    """Regions in lower case; absent, null and "anywhere" are anywhere. An empty list is nowhere."""
    value = payload.get("residency")
    if value is None or value == ANYWHERE:
        return None
    regions = value.split(",") if isinstance(value, str) else value
    if not _is_list_of_text(regions) or not all(region.strip() for region in regions):
        raise ClaimsError("claim 'residency': expected a list of regions")
    return frozenset(region.strip().lower() for region in regions)


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
