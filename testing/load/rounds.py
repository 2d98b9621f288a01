"""The order of measuring: warm up, then interleaved rounds."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from testing.load.bodies import Prepared, chat, prepare
from testing.load.children import running
from testing.load.figures import Figures, Sample, figures
from testing.load.options import DEFAULT_MODEL, Options
from testing.load.systems import System

BASELINE = "pass-through"
# Beyond the measurement itself, whose answers have a deadline of their own.
CLIENT_WITHIN_S = 90.0


class LoadError(RuntimeError):
    """An answer was not right: there is nothing to measure. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure: a system, asked for a model, for streams or not, by so many clients."""

    system: System
    model: str
    stream: bool
    clients: int
    request: Prepared


def cases(
    bare: System, gateway: System, models: Sequence[str], options: Options
) -> list[tuple[Case, list[Case]]]:
    """Each case of the pass-through with those of the gateway that are compared with it."""

    def case(system: System, model: str, stream: bool, clients: int) -> Case:
        body = chat(model, options.body_size, stream=stream, events=options.events)
        return Case(system, model, stream, clients, prepare(system.url, system.token, body))

    return [
        (
            case(bare, DEFAULT_MODEL, stream, clients),
            [case(gateway, model, stream, clients) for model in models],
        )
        for stream in (False, True)
        for clients in options.clients
    ]


def measure(
    groups: Sequence[tuple[Case, list[Case]]], options: Options, say: Callable[[str], None]
) -> list[Figures]:
    """Figures of every case, the pass-through's first in each group. Raises LoadError."""
    everything = [case for bare, ours in groups for case in (bare, *ours)]
    say(f"warming up, {len(everything)} measurements")
    for case in everything:
        sample(case, options.warm_up, options.most)
    samples: dict[Case, list[Sample]] = {case: [] for case in everything}
    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}")
        for bare, ours in groups:
            # Whoever comes first meets another moment of the machine: take turns.
            for case in _turned((bare, *ours), back=number % 2 == 1):
                samples[case].append(sample(case, options.seconds, options.most))
    return [
        figures(
            system=case.system.name,
            model=case.model,
            stream=case.stream,
            clients=case.clients,
            samples=samples[case],
            beside=samples[bare],
        )
        for bare, ours in groups
        for case in (bare, *ours)
    ]


def sample(case: Case, seconds: float, most: int) -> Sample:
    """One measurement, by a process of its own. Raises LoadError."""
    before = case.system.cpu_s()
    seen = _load({**case.request.as_json(), "clients": case.clients, "seconds": seconds, "most": most})
    if "problem" in seen:
        what = "streams" if case.stream else "answers"
        raise LoadError(f"{case.system.name}, {what} of {case.model}: {seen['problem']}")
    return Sample(
        requests=seen["requests"],
        per_second=seen["per_second"],
        p50_ms=seen["p50_ms"],
        p99_ms=seen["p99_ms"],
        cpu_ms=(case.system.cpu_s() - before) * 1000 / seen["requests"],
        first_event_ms=seen["first_event_ms"],
        events=seen["events"],
    )


def _load(job: dict[str, Any]) -> dict[str, Any]:
    with running(["-m", "testing.load.client"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        said, _ = process.communicate(json.dumps(job).encode(), timeout=job["seconds"] + CLIENT_WITHIN_S)
    if not said:
        return {"problem": f"the load ended with status {process.returncode}"}
    seen: dict[str, Any] = json.loads(said)
    return seen


def _turned(group: Sequence[Case], *, back: bool) -> Iterable[Case]:
    return reversed(group) if back else group
