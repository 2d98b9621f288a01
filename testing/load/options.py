"""What can be asked of the bench."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_ABOUT = """\
Requests and streams a second, p50, p99, CPU and memory of the whole path (edge, plugin, backend, LiteLLM)
beside a bare uvicorn with an aiohttp pass-through, both in front of a simulated upstream on this machine: the
pass-through always of OpenAI's, the path of the model's own. Rounds are interleaved, so that both see the
same noise; what is shown are medians over the rounds. Compare ratios, and only within one run.
"""
DEFAULT_MODEL = "openai/gpt-4o"
EACH = "each"
MOST_CLIENTS = 256
LONGEST_S = 600.0


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds` is the length of one measurement; `clients` the numbers of clients to measure with.

    `models` holds `EACH` for one model of every provider. `body_size` is in bytes, `events` the deltas of a
    stream. No measurement asks for more than `most` answers.
    """

    seconds: float = 3.0
    rounds: int = 5
    clients: tuple[int, ...] = (1, 8)
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    body_size: int = 1024
    events: int = 50
    most: int = 100_000
    warm_up: float = 1.0
    json: bool = False


def parse(arguments: Sequence[str] | None = None) -> Options:
    """The command line's options; ends the program for wrong ones."""
    given = _parser().parse_args(arguments)
    return Options(
        seconds=given.seconds,
        rounds=given.rounds,
        clients=given.clients,
        models=tuple(dict.fromkeys(given.model or [DEFAULT_MODEL])),
        body_size=given.body_size,
        events=given.events,
        most=given.most,
        warm_up=given.warm_up,
        json=given.json,
    )


def _parser() -> argparse.ArgumentParser:
    standard = Options()
    parser = argparse.ArgumentParser(
        prog="bench.py", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    # name, type, default, what it is called, what it means
    rows: tuple[tuple[str, Callable[[str], object], object, str, str], ...] = (
        ("--seconds", _number(0.05, LONGEST_S), standard.seconds, "S", "length of one measurement"),
        ("--rounds", _whole(1, 100), standard.rounds, "N", "how often everything is measured"),
        ("--body-size", _whole(256, 1_000_000), standard.body_size, "BYTES", "bytes of a request's body"),
        (
            "--events",
            _whole(2, 80),
            standard.events,
            "N",
            "events of a stream, where a simulator can be told",
        ),
        ("--most", _whole(1, 1_000_000), standard.most, "N", "most answers that one measurement asks for"),
        ("--warm-up", _number(0.05, LONGEST_S), standard.warm_up, "S", "load before the first round, each"),
    )
    for name, kind, default, called, text in rows:
        parser.add_argument(
            name, type=kind, default=default, metavar=called, help=f"{text} (default: {default})"
        )
    parser.add_argument(
        "--clients",
        type=_clients,
        default=standard.clients,
        metavar="N,N",
        help="numbers of clients, each with one request at a time (default: 1,8)",
    )
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME",
        help=f"a model, or {EACH!r} for one of every provider; may be given again (default: {DEFAULT_MODEL})",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    return parser


def _number(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    return number


def _whole(least: int, most: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least} and {most}")
        return value

    return whole


def _clients(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_whole(1, MOST_CLIENTS)(part) for part in text.split(",")))
