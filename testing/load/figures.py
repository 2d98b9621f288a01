"""From the samples of all rounds to what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement. `cpu_ms` is the system's own processor time for one request.

    `first_event_ms` (median) and `events` (mean, without [DONE]) are those of streams, else None.
    """

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    first_event_ms: float | None
    events: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds.

    `ratio` is how many times as many the pass-through does, the median of each round's own; 1 for itself.
    `spread` is the distance of the fastest round from the slowest, as a share of the median.
    """

    system: str
    model: str
    stream: bool
    clients: int
    rounds: int
    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    first_event_ms: float | None
    events: float | None
    ratio: float
    cpu_ratio: float | None
    spread: float


def figures(
    *,
    system: str,
    model: str,
    stream: bool,
    clients: int,
    samples: Sequence[Sample],
    beside: Sequence[Sample],
) -> Figures:
    """The figures of a case whose rounds are `samples`, beside the same rounds of the pass-through."""
    rates = [sample.per_second for sample in samples]
    cpu_ms = median(sample.cpu_ms for sample in samples)
    bare_cpu_ms = median(sample.cpu_ms for sample in beside)
    first = [sample.first_event_ms for sample in samples if sample.first_event_ms is not None]
    events = [sample.events for sample in samples if sample.events is not None]
    return Figures(
        system=system,
        model=model,
        stream=stream,
        clients=clients,
        rounds=len(samples),
        requests=sum(sample.requests for sample in samples),
        per_second=median(rates),
        p50_ms=median(sample.p50_ms for sample in samples),
        p99_ms=median(sample.p99_ms for sample in samples),
        cpu_ms=cpu_ms,
        first_event_ms=median(first) if first else None,
        events=median(events) if events else None,
        ratio=median(bare.per_second / own.per_second for bare, own in zip(beside, samples, strict=True)),
        # Processor time is told in steps of 10 ms: a short run may see none.
        cpu_ratio=cpu_ms / bare_cpu_ms if bare_cpu_ms else None,
        spread=(max(rates) - min(rates)) / median(rates),
    )
