"""The revision of the detectors' rules. It reads their files and loads none: loaded, they take memory."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final


def _revision() -> str:
    """A hash over everything that decides a finding: the same rules have the same revision, everywhere."""
    digest = hashlib.sha256()
    package = files("compliance")
    sources = [entry for entry in (package / "detectors").iterdir() if entry.name.endswith(".py")]
    spelling = [package / name for name in ("lookalikes.py", "normalise.py")]
    for entry in [*sorted(sources, key=lambda entry: entry.name), *spelling]:
        digest.update(entry.name.encode() + b"\0" + entry.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


RULES_REVISION: Final = _revision()
