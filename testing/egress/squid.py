"""A real squid with the cluster's configuration, moved to this machine: ports, paths and who is who."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from testing.project.repository import ROOT

COMPONENT = ROOT / "configs/kubernetes/components/egress-proxy"
SQUID = shutil.which("squid") or shutil.which("squid", path="/usr/sbin")
WITHOUT_SQUID = "squid is not installed (Debian's package squid)"
PROBE = "/squid-internal-static/icons/SN.png"
PROXY_USER = 13
"""The user of the image, and Debian's; only root can become another one."""
READY_S = 20.0


@dataclass
class Squid:
    """A running squid; `said` is what it writes to both outputs."""

    port: int
    process: subprocess.Popen[bytes]
    said: Path

    def answer(self, method: str, target: str) -> int:
        """The status of a request to the proxy itself."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=READY_S)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", target if method == "CONNECT" else "squid")
            connection.endheaders()
            return connection.getresponse().status
        finally:
            connection.close()

    def tunnel(self, target: str) -> socket.socket:
        """An open tunnel; the caller closes it."""
        connected = socket.create_connection(("127.0.0.1", self.port), timeout=READY_S)
        connected.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        head = connected.recv(4096)
        assert head.startswith(b"HTTP/1.1 200"), head
        return connected


@contextmanager
def folder() -> Iterator[Path]:
    """One that squid's own user may read, which a test's is not."""
    with tempfile.TemporaryDirectory(prefix="squid-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def configured(where: Path, port: int, allow_list: str, *, hosts: Iterable[str] = (), inside: bool) -> Path:
    """The committed squid.conf in ``where``. ``hosts`` are names of this machine's loopback, which counts as
    ``inside`` or does not."""
    (where / "allow-list.conf").write_text(allow_list, encoding="utf-8")
    (where / "hosts").write_text("".join(f"127.0.0.1 {host}\n" for host in hosts), encoding="utf-8")
    text = (COMPONENT / "squid.conf").read_text(encoding="utf-8")
    changes = {
        "http_port 3128\n": f"http_port 127.0.0.1:{port}\nhosts_file {where}/hosts\n",
        "include /etc/portcullis/": f"include {where}/",
    }
    if not inside:
        changes |= {" 127.0.0.0/8": "", " ::1/128": ""}
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file = where / "squid.conf"
    file.write_text(text, encoding="utf-8")
    return file


def complaints(file: Path) -> str:
    """What squid itself finds wrong with a configuration."""
    assert SQUID is not None
    run = subprocess.run(
        [SQUID, "-k", "parse", "-f", str(file)], capture_output=True, text=True, timeout=30, check=False
    )
    lines = [
        line for line in run.stderr.splitlines() if "WARNING" in line or "ERROR" in line or "FATAL" in line
    ]
    return "\n".join(lines) if run.returncode == 0 else run.stderr


@contextmanager
def running(file: Path, port: int) -> Iterator[Squid]:
    """The proxy as the pod runs it: its command, its user, nothing that it may write but its outputs."""
    assert SQUID is not None
    reader, writer = os.pipe()
    account: dict[str, object] = {}
    if os.geteuid() == 0:
        os.fchown(writer, PROXY_USER, PROXY_USER)
        account = {"user": PROXY_USER, "group": PROXY_USER, "extra_groups": []}
    said = file.parent / "said"
    with said.open("wb") as output:
        copying = subprocess.Popen(["cat"], stdin=reader, stdout=output)
    os.close(reader)
    # The name keeps several apart that run at once.
    command = [SQUID, "-N", "-C", "-n", f"s{port}", "-f", str(file)]
    process = subprocess.Popen(command, stdout=writer, stderr=writer, cwd="/", env={}, **account)  # type: ignore[call-overload]
    os.close(writer)
    squid = Squid(port, process, said)
    try:
        _await_ready(squid)
        yield squid
    finally:
        process.kill()
        process.wait(10)
        copying.wait(10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _await_ready(squid: Squid) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if squid.process.poll() is not None:
            break
        try:
            if squid.answer("GET", PROBE) == 200:
                return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(squid.said.read_text(encoding="utf-8"))
