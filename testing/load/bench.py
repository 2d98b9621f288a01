#!/usr/bin/env python3
"""Measure the gateway: see `bench.py --help`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"


def _run() -> int:
    if Path(sys.prefix) != PYTHON.parents[1]:
        if not PYTHON.exists():
            print("bench.py: there is no .venv yet; run ./deploy.sh setup", file=sys.stderr)
            return 1
        os.execv(PYTHON, [str(PYTHON), *sys.argv])
    # As a script Python looks for modules beside this file only.
    sys.path.insert(0, str(ROOT))
    from testing.load.command import main

    return main()


if __name__ == "__main__":
    sys.exit(_run())
