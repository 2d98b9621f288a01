"""A plugin server as a process, and Kong 3.9's end of its socket: for tests of our Python plugins."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgpack

DEADLINE_S = 20.0
PACKAGES = Path(__file__).resolve().parents[1] / "kong-plugins"
OURS = (sys.executable, "-m", "pluginserver")
STOCK = (str(Path(sys.executable).with_name("kong-python-pluginserver")),)
#: Kong passes none on.
ENVIRONMENT: Mapping[str, str] = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGES)}


def packed(message: Any) -> bytes:
    """As Kong writes it."""
    data: bytes = msgpack.packb(message, use_bin_type=True)
    return data


class KongSide:
    """Kong's end of the socket. `calls` are the PDK calls of the last request."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._unpacker = msgpack.Unpacker(strict_map_key=False)
        self._id = 0
        self.calls: list[tuple[str, list[Any]]] = []

    def ask(self, method: str, argument: Any) -> Any:
        """The result of a plugin server's method; an error fails the test."""
        self._id += 1
        self._socket.sendall(packed([0, self._id, f"plugin.{method}", [argument]]))
        while True:
            for kind, answered, error, result in self._unpacker:
                assert (kind, answered) == (1, self._id)
                assert error is None, error
                return result
            data = self._socket.recv(65536)
            assert data, "the plugin server closed the connection"
            self._unpacker.feed(data)


@contextlib.contextmanager
def plugin_server(command: Sequence[str], plugin: Path) -> Iterator[socket.socket]:
    """A connection to a server of the plugin in that folder, which ends with the block."""
    # A folder of its own with a short name: the address of a unix socket holds 107 bytes.
    prefix = Path(tempfile.mkdtemp(prefix="portcullis-"))
    words = [*command, "--kong-prefix", str(prefix), "--socket-name", "s", "--plugins-directory", str(plugin)]
    with (prefix / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=ENVIRONMENT, start_new_session=True)
    try:
        with _connected(str(prefix / "s"), process, prefix / "log") as connection:
            yield connection
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait(DEADLINE_S)
            shutil.rmtree(prefix)


def _connected(path: str, process: subprocess.Popen[bytes], log: Path) -> socket.socket:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        attempt = socket.socket(socket.AF_UNIX)
        attempt.settimeout(DEADLINE_S)
        try:
            attempt.connect(path)
        except OSError:
            attempt.close()
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        else:
            return attempt


def dump(command: Sequence[str], plugin: Path) -> bytes:
    """What the query command prints: Kong starts with that, and drops a plugin that it does not list."""
    return subprocess.run(
        [*command, "--plugins-directory", str(plugin), "--dump-all-plugins"],
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
        timeout=DEADLINE_S,
    ).stdout
