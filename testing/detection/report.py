"""How well the detectors do on labelled text, and how fast they are: one table per question.

    python testing/detection/report.py [--data FOLDER] [--json] [--misses N] [--hostile N]

FOLDER holds `asq-phi/queries.txt` and `presidio-research/*.json` (both MIT, not part of this repository);
what is not there is left out, and said so. The project's own prompts are always read. Misses are printed by
id with the text cut short. Speed is in processor time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "kong-plugins"), str(ROOT)]

from compliance.detectors import RULES_REVISION, scan  # noqa: E402
from testing.detection.samples import (  # noqa: E402
    Sample,
    asq_phi,
    business,
    clinical,
    clinical_held_back,
    presidio,
    without_dates,
)
from testing.detection.speed import Timing, timings  # noqa: E402


@dataclass
class Score:
    """How often `found` was right. `misses` are what was overlooked, `alarms` what was found without being
    there."""

    name: str
    positives: int = 0
    found: int = 0
    negatives: int = 0
    left_alone: int = 0
    misses: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    def add(self, sample: Sample, *, expected: bool, found: bool) -> None:
        """Count one sample."""
        if expected:
            self.positives += 1
            self.found += found
            if not found:
                self.misses.append(_shortened(sample))
        else:
            self.negatives += 1
            self.left_alone += not found
            if found:
                self.alarms.append(_shortened(sample))

    @property
    def recall(self) -> float | None:
        """The share of the positives that was found; None without any."""
        return self.found / self.positives if self.positives else None

    @property
    def specificity(self) -> float | None:
        """The share of the negatives that was left alone; None without any."""
        return self.left_alone / self.negatives if self.negatives else None


# What a finding of each kind looks like: the kind in the data, and the rules that find it.
KINDS = {
    "CREDIT_CARD": ("card-number",),
    "US_SSN": ("ssn-us", "ssn-us-spelled", "ssn-us-labelled", "ssn-us-label-after"),
    "IBAN_CODE": ("iban",),
    "EMAIL_ADDRESS": ("email", "email-spelled"),
    "IP_ADDRESS": ("ipv4", "ipv6"),
    "PHONE_NUMBER": (
        "phone-international",
        "phone-us",
        "phone-us-any-area",
        "phone-spelled",
        "phone-national",
        "phone-labelled",
    ),
}


def phi(name: str, samples: Iterable[Sample]) -> Score:
    """Per sample: is `phi` raised when it holds an identifier, and not when it holds none."""
    score = Score(name)
    for sample in samples:
        found = any(finding.category == "phi" for finding in scan(sample.text))
        score.add(sample, expected=bool(sample.kinds), found=found)
    return score


def never_phi(name: str, samples: Iterable[Sample]) -> Score:
    """Samples that are about nobody's health, whatever they hold."""
    return phi(name, (Sample(sample.id, sample.text, frozenset()) for sample in samples))


def per_kind(name: str, samples: list[Sample]) -> list[Score]:
    """Recall alone, for each kind of identifier that a sample holds, whichever rule raised `phi`."""
    kinds = sorted(frozenset().union(*(sample.kinds for sample in samples)))
    return [phi(f"{name}: {kind}", [one for one in samples if kind in one.kinds]) for kind in kinds]


def identifiers(samples: list[Sample]) -> list[Score]:
    """For cards, SSNs and their like: is the very rule found in the sentences that hold one, and in no
    other."""
    scores = []
    for kind, rules in KINDS.items():
        score = Score(f"presidio: {kind}")
        for sample in samples:
            found = any(finding.rule in rules for finding in scan(sample.text))
            score.add(sample, expected=kind in sample.kinds, found=found)
        scores.append(score)
    return scores


def scores(data: Path | None) -> tuple[list[Score], list[str]]:
    """Every table's rows, and what was left out for want of data."""
    own = clinical()
    rows = [
        phi("own clinical prompts without dates", own),
        *per_kind("own", [one for one in own if one.kinds]),
    ]
    rows.append(phi("own clinical prompts held back", clinical_held_back()))
    rows.append(never_phi("own business prompts", business()))
    missing = []
    if data is not None and (data / "asq-phi" / "queries.txt").is_file():
        queries = asq_phi(data)
        rows += [
            phi("asq-phi", queries),
            phi(
                "asq-phi, no date among the identifiers", [one for one in queries if "DATE" not in one.kinds]
            ),
            phi("asq-phi, dates cut out", without_dates(queries)),
            *per_kind("asq-phi", [one for one in queries if one.kinds]),
        ]
    else:
        missing.append("asq-phi")
    sentences = presidio(data) if data is not None else []
    if sentences:
        rows += [never_phi("presidio sentences", sentences), *identifiers(sentences)]
    else:
        missing.append("presidio-research")
    return rows, missing


def _shortened(sample: Sample) -> str:
    text = " ".join(sample.text.split())
    return f"{sample.id}: {text if len(text) <= 60 else text[:57] + '...'}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _print_table(rows: list[Score], misses: int) -> None:
    print(f"{'':44} {'recall':>7} {'of':>5}  {'specificity':>11} {'of':>5}")
    for row in rows:
        print(
            f"{row.name:44} {_percent(row.recall):>7} {row.positives:>5}  "
            f"{_percent(row.specificity):>11} {row.negatives:>5}"
        )
    if misses == 0:
        return
    for row in rows:
        for title, samples in (("overlooked", row.misses), ("false alarms", row.alarms)):
            if samples:
                print(f"\n{row.name}, {title}:")
                print("\n".join(f"  {one}" for one in samples[:misses]))
                if len(samples) > misses:
                    print(f"  and {len(samples) - misses} more")


def _print_speed(times: list[Timing]) -> None:
    print(f"\n{'speed':44} {'time':>10} {'MB/s':>8}")
    for one in times:
        print(f"{one.name:44} {one.microseconds:>7.0f} us {one.megabytes_per_second:>8.1f}")


def _as_json(rows: list[Score], missing: list[str], times: list[Timing]) -> dict[str, Any]:
    return {
        "rules_revision": RULES_REVISION,
        "left_out": missing,
        "scores": [asdict(row) | {"recall": row.recall, "specificity": row.specificity} for row in rows],
        "speed": [asdict(one) | {"megabytes_per_second": one.megabytes_per_second} for one in times],
    }


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description="Recall, specificity and speed of the detectors.")
    parser.add_argument("--data", type=Path, help="folder with asq-phi/ and presidio-research/")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument("--misses", type=int, default=20, metavar="N", help="at most N a table (default 20)")
    parser.add_argument("--hostile", type=int, default=24, metavar="N", help="texts of 1 MB (default 24)")
    options = parser.parse_args()
    rows, missing = scores(options.data)
    times = timings(options.hostile)
    if options.json:
        print(json.dumps(_as_json(rows, missing, times), indent=2))
        return
    print(f"rules {RULES_REVISION}\n")
    _print_table(rows, options.misses)
    _print_speed(times)
    for name in missing:
        print(f"\nleft out: {name} (--data FOLDER with {name}/ in it)")


if __name__ == "__main__":
    main()
