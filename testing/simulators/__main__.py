"""`python -m testing.simulators`: start every simulator, say where, serve until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import signal
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson
import uvloop

from testing.simulators.control import ROUTES
from testing.simulators.faults import FAULTS, HEADER
from testing.simulators.fleet import Fleet
from testing.simulators.http_server import check_free
from testing.simulators.parent import when_parent_ends

_ABOUT = """\
Start a simulator of every provider on 127.0.0.1 (openai, anthropic, groq, ollama, openai_compatible,
vertex_ai, bedrock, vertex_endpoint), print one JSON line with their addresses and credentials, and serve
until SIGTERM, SIGINT or the end of the parent process.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="simulators-") as temporary:
        state = options.state or Path(temporary)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            check_free(options.control_port)
        except OSError as problem:
            raise SystemExit(f"simulators: control port {options.control_port}: {problem.strerror}") from None
        with suppress(BrokenPipeError):  # whoever started us is gone already
            uvloop.run(_serve(state, options))


async def _serve(state: Path, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    when_parent_ends(stop.set)
    fleet = Fleet(state, options.control_port, options.pace / 1000, options.record_bytes)
    print(orjson.dumps(await fleet.start()).decode(), flush=True)
    await stop.wait()
    await fleet.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testing.simulators",
        description=_ABOUT,
        epilog=f"control endpoint:\n{_table(ROUTES)}\n\nfaults, by {_EXAMPLE}:\n{_table(FAULTS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="where the Google key file goes (default: a temporary one)"
    )
    parser.add_argument(
        "--control-port", type=int, default=0, metavar="N", help="port of the control endpoint (default: any)"
    )
    parser.add_argument(
        "--pace",
        type=float,
        default=0,
        metavar="MS",
        help="pause between two pieces of a stream (default: 0)",
    )
    parser.add_argument(
        "--record-bytes",
        type=int,
        default=64_000_000,
        metavar="N",
        help="what each simulator remembers of what it received, oldest dropped first (default: 64000000)",
    )
    return parser


_EXAMPLE = (
    'PUT /faults/NAME {"fault": "stall", "after": 2, "times": 1}\n'
    f"or by a request header such as `{HEADER}: stall; after=2`"
)


def _table(rows: object) -> str:
    assert isinstance(rows, dict)
    width = max(map(len, rows))
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in rows.items())


if __name__ == "__main__":
    main()
