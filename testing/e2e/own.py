"""A gateway of the suite's own: started with `portcullis local`, in a folder of its own, ended with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testing.e2e.prepared import REPOSITORY, prepare
from testing.e2e.under_test import Gateway

START_DEADLINE_S = 90
STOP_DEADLINE_S = 60
#: What a process needs to run at all. Credentials and addresses that the machine's environment holds are not.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")


def clean_environment() -> dict[str, str]:
    """The environment without anything that could configure a gateway or a provider's library."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


@contextmanager
def running(folder: Path) -> Iterator[Gateway]:
    """A gateway with its state in the new ``folder``, on simulators only, while the context lasts."""
    prepared = prepare(folder)
    command = [sys.executable, "-m", "gateway.cli", "local"]
    environment = {**clean_environment(), "PORTCULLIS_CONFIG": str(prepared.gateway_yaml)}
    started = subprocess.run(
        [*command, "--state", str(folder), "--port", "0", "--simulate", "--detach"],
        env=environment,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_DEADLINE_S,
        check=False,
    )
    assert started.returncode == 0, started.stderr
    ready = json.loads(started.stdout)
    try:
        yield Gateway(
            url=ready["url"],
            token=ready["token"],
            consumers=prepared.consumers,
            management_url=ready["management_url"],
            backend_url=ready["backend_url"],
            simulators_url=ready["simulators_url"],
            tag_keys=prepared.tag_keys,
            log=Path(ready["log"]),
            pid=ready["pid"],
        )
    finally:
        subprocess.run(
            [*command, "stop", "--state", str(folder)],
            env=environment,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=STOP_DEADLINE_S,
            check=True,
        )
