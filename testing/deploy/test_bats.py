"""The tests of `deploy.sh` in a cloud (*.bats, with stubs of every program that it calls), one by one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BATS = shutil.which("bats")
#: One run serves them all.
TOGETHER = "first_run.bats"


def _tests() -> list[tuple[str, str]]:
    found = [
        (file.name, name)
        for file in sorted(HERE.glob("*.bats"))
        if file.name != TOGETHER
        for name in re.findall(r'^@test "(.+?)" \{', file.read_text(), re.MULTILINE)
    ]
    return [(TOGETHER, ""), *found]


@pytest.mark.skipif(BATS is None, reason="bats is not installed (Debian: apt-get install bats)")
@pytest.mark.parametrize(("file", "name"), _tests())
def test_bats(file: str, name: str) -> None:
    chosen = ["--filter", f"^{re.escape(name)}$"] if name else []
    run = subprocess.run(
        [str(BATS), "--tap", *chosen, str(HERE / file)],
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PORTCULLIS_PYTHON": sys.executable, "TERM": "dumb"},
    )
    results = re.findall(r"^(ok|not ok) \d+", run.stdout, re.MULTILINE)
    assert run.returncode == 0, run.stdout + run.stderr
    assert results, "the filter chose no test"
