"""What was measured, as a table for people and as JSON for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from testing.load.figures import Figures
from testing.load.options import Options

Memory = Mapping[str, Mapping[str, float]]

_HEAD = (
    "",
    "clients",
    "system",
    "model",
    "a second",
    "p50 ms",
    "p99 ms",
    "CPU ms",
    "first ms",
    "events",
    "bare does",
    "CPU",
    "spread",
)


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run. `memory` holds the megabytes (PSS) of each system and moment; `loads` the load average
    of the machine before and after."""

    options: Options
    figures: Sequence[Figures]
    memory: Memory
    loads: tuple[float, float]

    def as_json(self) -> dict[str, Any]:
        """Everything."""
        return {
            "machine": {
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "load_before": self.loads[0],
                "load_after": self.loads[1],
            },
            "options": asdict(self.options),
            "figures": [asdict(row) for row in self.figures],
            "memory_mb": {name: dict(parts) for name, parts in self.memory.items()},
        }

    def as_text(self) -> str:
        """A table of the figures, one of the memory, and how to read them."""
        rows = [_HEAD, *map(_row, self.figures)]
        memory: list[tuple[str, ...]] = [("memory, MB (PSS)", "own", "children", "all")]
        memory += [
            (name, *(f"{value:.0f}" for value in parts.values())) for name, parts in self.memory.items()
        ]
        worst = max(row.spread for row in self.figures)
        before, after = self.loads
        notes = (
            f"Medians of {self.options.rounds} rounds of {self.options.seconds:g} s, bodies of "
            f"{self.options.body_size} bytes.",
            "CPU ms: the system's own processor time for one request, without that of upstream and load.",
            "bare does: how many times as many the pass-through answers, in the same round.",
            "CPU: how many times the pass-through's processor time ours is.",
            f"Noise: rounds of one row differ by up to {worst:.0%} (spread); load average {before:.1f} "
            f"before, {after:.1f} after, on {os.cpu_count()} cores.",
        )
        return "\n".join((_table(rows), "", _table(memory), "", *notes))


def _row(row: Figures) -> tuple[str, ...]:
    return (
        "streams" if row.stream else "JSON",
        str(row.clients),
        row.system,
        row.model,
        _figure(row.per_second),
        f"{row.p50_ms:.2f}",
        f"{row.p99_ms:.2f}",
        f"{row.cpu_ms:.2f}",
        "" if row.first_event_ms is None else f"{row.first_event_ms:.2f}",
        "" if row.events is None else f"{row.events:.0f}",
        f"{row.ratio:.1f}x",
        "" if row.cpu_ratio is None else f"{row.cpu_ratio:.1f}x",
        f"{row.spread:.0%}",
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as what stands in them; words to the left, figures to the right."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    words = [not any(cell[:1].isdigit() for cell in column) for column in columns]

    def line(row: Sequence[str]) -> str:
        cells = (
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(row, widths, words, strict=True)
        )
        return "  ".join(cells).rstrip()

    return "\n".join(map(line, rows))
