"""Labelled text: the project's own prompts, and public data sets where they are at hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA_VARIABLE = "PORTCULLIS_DETECTION_DATA"


@dataclass(frozen=True)
class Sample:
    """A text and the kinds of identifiers that it holds; `dates` are the dates among them, as written."""

    id: str
    text: str
    kinds: frozenset[str]
    dates: tuple[str, ...] = ()


def data_folder() -> Path | None:
    """Where the public data sets are: the folder that the environment names, or one beside the repository."""
    named = os.environ.get(DATA_VARIABLE)
    folder = Path(named) if named else HERE.parents[1].parent / "shared" / "data"
    return folder if folder.is_dir() else None


def _lines(name: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate((HERE / name).read_text("utf-8").splitlines(), 1):
        if line and not line.startswith("#"):
            yield number, line


def clinical(name: str = "clinical_prompts") -> list[Sample]:
    """Our clinical prompts without dates, of one of the files; `none` is no kind of identifier."""
    samples = []
    for number, line in _lines(f"{name}.txt"):
        kind, _, text = line.partition("|")
        kinds = frozenset() if kind == "none" else frozenset({kind})
        samples.append(Sample(f"{name}:{number}", text, kinds))
    return samples


def clinical_held_back() -> list[Sample]:
    """More of them that no rule was made on."""
    return clinical("clinical_prompts_held_back")


def business() -> list[Sample]:
    """Our ordinary business prompts with names and dates, about nobody's health."""
    return [
        Sample(f"business:{number}", line, frozenset()) for number, line in _lines("business_prompts.txt")
    ]


def asq_phi(data: Path) -> list[Sample]:
    """Clinical search prompts with tagged identifiers, and hard negatives (JamesWeatherhead/asq-phi)."""
    blocks = (data / "asq-phi" / "queries.txt").read_text("utf-8").split("===QUERY===")[1:]
    samples = []
    for number, block in enumerate(blocks, 1):
        text, _, lines = block.partition("===PHI_TAGS===")
        tags = [json.loads(line) for line in lines.splitlines() if line.strip()]
        kinds = frozenset(tag["identifier_type"] for tag in tags)
        dates = tuple(tag["value"] for tag in tags if tag["identifier_type"] == "DATE")
        samples.append(Sample(f"asq:{number}", text.strip(), kinds, dates))
    return samples


def without_dates(samples: list[Sample]) -> list[Sample]:
    """The same with every date cut out of the text, as far as another identifier is left."""
    cut = []
    for sample in samples:
        text, kinds = sample.text, sample.kinds - {"DATE"}
        for date in sample.dates:
            text = text.replace(date, "")
        if kinds or not sample.kinds:
            cut.append(Sample(sample.id, text, kinds))
    return cut


def presidio(data: Path) -> list[Sample]:
    """Sentences with tagged identifiers of many kinds (microsoft/presidio-research)."""
    samples = []
    for path in sorted((data / "presidio-research").glob("*.json")):
        for number, item in enumerate(json.loads(path.read_text("utf-8")), 1):
            kinds = frozenset(span["entity_type"] for span in item["spans"])
            samples.append(Sample(f"presidio:{number}", item["full_text"], kinds))
    return samples
