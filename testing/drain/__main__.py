"""Ends backends, or Kong, under load and says what came of it, as JSON. Exit status 1 when anything was lost.

    python -m testing.drain [OPTIONS] [KONG_COMMAND...]

With a KONG_COMMAND it is a real Kong 3.9 (see testing/e2e/with_kong.py), else the embedded edge.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from testing.drain.fleet import Fleet, Plan, fleet
from testing.drain.kong_quits import QUIT, KongQuits
from testing.drain.load import CLIENTS
from testing.drain.scenarios import Report, one_of_two, rolling
from testing.stack import STOCK_PLUGIN_SERVER, KongCommand

Scenario = Callable[[Fleet, int], Awaitable[Report]]
SCENARIOS: Mapping[str, Scenario] = {"one-of-two": one_of_two, "rolling": rolling}


def main() -> int:
    """The command line."""
    given = _parser().parse_args()
    kong = KongCommand(given.kong, given.plugin_server) if given.kong else None
    plan = Plan(given.pace, given.delay, given.checks, tls=given.tls, kong=kong)
    with tempfile.TemporaryDirectory(prefix="portcullis-drain-") as folder, fleet(plan, Path(folder)) as made:
        scenario = SCENARIOS.get(given.scenario) or KongQuits(given.quit)
        report = asyncio.run(_run(scenario, made, given.clients))
    print(json.dumps(asdict(report), indent=2))
    return 1 if report.problems or report.answered != report.requests + report.streams else 0


async def _run(scenario: Scenario, made: Fleet, clients: int) -> Report:
    return await scenario(made, clients)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testing.drain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scenario", choices=[*SCENARIOS, "kong-quits"], default="one-of-two")
    parser.add_argument("--quit", default=QUIT, help=f"for kong-quits (default: {QUIT})")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--pace", type=int, default=300, help="ms between two words of a stream")
    parser.add_argument("--delay", type=float, default=15, help="PORTCULLIS_DRAIN_DELAY_S")
    parser.add_argument("--checks", type=int, help="s between health checks (default: kong.yaml's)")
    parser.add_argument("--tls", action="store_true", help="between edge and backend")
    parser.add_argument("--plugin-server", default=STOCK_PLUGIN_SERVER)
    parser.add_argument("kong", nargs=argparse.REMAINDER, help="what starts Kong in the foreground")
    return parser


if __name__ == "__main__":
    sys.exit(main())
