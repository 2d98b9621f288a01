# ruff: noqa: RUF001  (text of several languages)
"""How fast the detectors are, on clean text and on text made to be hard on them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from compliance.detectors import scan
from testing.detection.hostile import hostile

_ENGLISH: Final = (
    "The quarterly report is ready for review. Please summarise the main points for the board, and list the "
    "open questions about revenue, hiring and costs in the 3 regions; the numbers of 2023 are in table 7. "
)
_FRENCH: Final = (
    "Le rapport trimestriel est prêt à être relu. Résumez les points clés pour le comité, s’il vous plaît. "
)
_RUSSIAN: Final = (
    "Квартальный отчёт готов к проверке. Пожалуйста, кратко изложите главное для совета директоров. "
)
_CHINESE: Final = "季度报告已准备好供审阅。请为董事会总结要点，并列出有关收入、招聘和成本的未决问题。"


@dataclass(frozen=True)
class Timing:
    """The time that one scan took, of a text of so many bytes of UTF-8."""

    name: str
    bytes: int
    microseconds: float

    @property
    def megabytes_per_second(self) -> float:
        """Bytes a microsecond."""
        return self.bytes / self.microseconds


def of_size(unit: str, size: int) -> str:
    """The unit over and over, of at most `size` bytes of UTF-8."""
    return (unit * (size // len(unit.encode()) + 1)).encode()[:size].decode("utf-8", "ignore")


def timed(name: str, text: str, rounds: int) -> Timing:
    """The fastest of so many rounds, in processor time: other programs only make it slower."""
    return Timing(name, len(text.encode()), min(_once(lambda: scan(text)) for _ in range(rounds)))


def _once(action: Callable[[], object]) -> float:
    started = time.thread_time()
    action()
    return (time.thread_time() - started) * 1e6


def timings(hostile_texts: int = 24) -> list[Timing]:
    """Clean text of 1 kB and 100 kB, and the slowest of some hostile texts of 1 MB."""
    found = [
        timed("1 kB, English", of_size(_ENGLISH, 1024), 300),
        timed("100 kB, English", of_size(_ENGLISH, 100_000), 20),
        timed("100 kB, French", of_size(_FRENCH, 100_000), 20),
        timed("100 kB, Russian", of_size(_RUSSIAN, 100_000), 20),
        timed("100 kB, Chinese", of_size(_CHINESE, 100_000), 20),
    ]
    slowest = max(
        (timed(f"1 MB, slowest of {hostile_texts} hostile texts", hostile(seed, 1_000_000), 2)
         for seed in range(hostile_texts)),
        key=lambda one: one.microseconds,
    )  # fmt: skip
    return [*found, slowest]
