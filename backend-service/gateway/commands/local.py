"""`portcullis local`: everything on this machine; in the foreground, detached, or stopped."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import uvloop

from gateway.local import detach
from gateway.local.run import LocalOptions, Ready, as_json, run_local
from gateway.local.state import State
from gateway.local.welcome import welcome
from gateway.observability import configure_logging
from gateway.settings import read_settings

DEFAULT_PORT = 8000


def run(options: argparse.Namespace) -> int:
    """Do what the options ask. Raises SettingsError, ConfigurationError, PortInUse, DetachError."""
    state = State(options.state.absolute())
    if options.action == "stop":
        return _stop(state, options.port)
    port = DEFAULT_PORT if options.port is None else options.port
    after = port + 1 if port else 0
    chosen = LocalOptions(
        port=port,
        management_port=after if options.management_port is None else options.management_port,
        limits=not options.no_limits,
        simulate=options.simulate,
    )
    if options.detach:
        return _detach(chosen, state)
    return _foreground(chosen, state, options.ready_fd)


def _foreground(options: LocalOptions, state: State, ready_fd: int | None) -> int:
    settings = read_settings()
    configure_logging(settings.log_level)

    def say(ready: Ready) -> None:
        if ready_fd is None:
            print(welcome(ready), flush=True)
        else:
            _tell(ready_fd, as_json(ready, state.log(options.port)))

    try:
        uvloop.run(run_local(options, settings, state, say))
    except (ValueError, OSError, RuntimeError) as error:
        if ready_fd is not None:
            _tell(ready_fd, {"error": str(error)})
        raise
    return 0


def _detach(options: LocalOptions, state: State) -> int:
    arguments = [
        *("--port", str(options.port)),
        *("--management-port", str(options.management_port)),
        *("--state", str(state.folder)),
        *(() if options.limits else ("--no-limits",)),
        *(("--simulate",) if options.simulate else ()),
    ]
    ready = detach.start(arguments, state.log(options.port))
    if not options.limits:
        print("portcullis: --no-limits is on: nobody is rate limited", file=sys.stderr)
    print(json.dumps(ready), flush=True)
    return 0


def _stop(state: State, port: int | None) -> int:
    ended = detach.stop(state, port)
    where = ", ".join(str(number) for number in ended)
    print(f"stopped the gateway on port {where}" if ended else "no gateway was running")
    return 0


def _tell(descriptor: int, message: Mapping[str, Any]) -> None:
    """Say one line to the process that waits, and let go of it."""
    with os.fdopen(descriptor, "w") as pipe:
        pipe.write(json.dumps(message) + "\n")
