"""The bench from its options to its report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from testing.load.options import EACH, Options, parse
from testing.load.report import Report
from testing.load.rounds import LoadError, cases, measure
from testing.load.systems import StartError, gateway, one_model_each, pass_through


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when there was nothing to measure, 130 when somebody ended it."""
    options = parse(arguments)
    # As Ctrl-C: what was started is ended on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        report = run(options)
    except KeyboardInterrupt:
        _say("ended")
        return 130
    except (StartError, LoadError, OSError, subprocess.SubprocessError) as error:
        _say(str(error))
        return 1
    print(json.dumps(report.as_json(), indent=2) if options.json else report.as_text())
    return 0


def run(options: Options) -> Report:
    """A whole run. Raises StartError and LoadError; whatever happens, nothing that it started goes on."""
    before = os.getloadavg()[0]
    with ExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portcullis-bench-")))
        _say("starting the gateway, the simulators and the pass-through")
        whole, upstream = stack.enter_context(gateway(state))
        bare = stack.enter_context(pass_through(upstream))
        memory = {"portcullis, ready": whole.memory_mb(), "pass-through, ready": bare.memory_mb()}
        models = [
            model
            for asked in options.models
            for model in (one_model_each(whole) if asked == EACH else (asked,))
        ]
        found = measure(cases(bare, whole, list(dict.fromkeys(models)), options), options, _say)
        memory |= {"portcullis, after": whole.memory_mb(), "pass-through, after": bare.memory_mb()}
    return Report(options, found, memory, (before, os.getloadavg()[0]))


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
