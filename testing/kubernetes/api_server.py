"""A Kubernetes API server of one's own: kube-apiserver before etcd, where both programs are at hand."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from testing.kubernetes.rendering import KUBECTL, WITHOUT_KUBECTL, Resource

WITHOUT = (
    "no kube-apiserver or no etcd: PORTCULLIS_KUBE_APISERVER and PORTCULLIS_ETCD name them unless they are "
    "on the PATH (go build k8s.io/kubernetes/cmd/kube-apiserver; Debian's etcd-server)"
)
DEADLINE_S = 90


@dataclass(frozen=True)
class ApiServer:
    kubeconfig: Path

    def kubectl(self, *arguments: str, given: Sequence[Resource] = ()) -> subprocess.CompletedProcess[str]:
        """With resources as standard input, where an argument is `-f -`."""
        assert KUBECTL is not None
        return subprocess.run(
            [KUBECTL, "--kubeconfig", str(self.kubeconfig), *arguments],
            input=yaml.safe_dump_all(given),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def apply(self, resources: Sequence[Resource], *options: str) -> list[str]:
        """What the server has against them."""
        run = self.kubectl(
            "apply", "--server-side", "--validate=strict", *options, "-f", "-", given=resources
        )
        complaints = [line for line in run.stderr.splitlines() if not line.startswith("Warning: unrecogn")]
        assert complaints or run.returncode == 0, run
        return complaints


def programs() -> tuple[str, str]:
    """kube-apiserver and etcd. Skips where one is missing."""
    if KUBECTL is None:
        pytest.skip(WITHOUT_KUBECTL)
    server = os.environ.get("PORTCULLIS_KUBE_APISERVER") or shutil.which("kube-apiserver")
    etcd = os.environ.get("PORTCULLIS_ETCD") or shutil.which("etcd")
    if not server or not etcd:
        pytest.skip(WITHOUT)
    return server, etcd


@contextlib.contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """One that is ready, with RBAC, pod security and every other check that is on by default."""
    server, etcd = programs()
    port, client_port, peer_port = free_ports(3)
    token = secrets.token_hex(16)
    store, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    (folder / "accounts.pem").write_bytes(signing_key())
    (folder / "kubeconfig").write_text(json.dumps(kubeconfig(port, token)))
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            running(
                folder / "etcd.log",
                *(etcd, "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync"),
                *("--listen-client-urls", store, "--advertise-client-urls", store),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                *("--initial-cluster", f"default={peer}"),
            )
        )
        started = stack.enter_context(
            running(
                folder / "kube-apiserver.log",
                *(server, "--etcd-servers", store, "--bind-address", "127.0.0.1", "--secure-port", str(port)),
                *("--cert-dir", str(folder / "certificates"), "--authorization-mode", "RBAC"),
                *("--token-auth-file", str(folder / "tokens.csv")),
                *("--service-account-issuer", "https://kubernetes.default.svc"),
                *("--service-account-key-file", str(folder / "accounts.pem")),
                *("--service-account-signing-key-file", str(folder / "accounts.pem")),
                *("--service-cluster-ip-range", "10.0.0.0/16", "--endpoint-reconciler-type", "none"),
            )
        )
        await_ready(f"https://127.0.0.1:{port}/readyz", token, started, folder / "kube-apiserver.log")
        yield ApiServer(folder / "kubeconfig")


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def signing_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def kubeconfig(port: int, token: str) -> dict[str, object]:
    cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "own", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "own", "context": {"cluster": "own", "user": "admin"}}],
        "current-context": "own",
    }


@contextlib.contextmanager
def running(log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def await_ready(url: str, token: str, process: subprocess.Popen[bytes], log: Path) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-2000:]
        with (
            contextlib.suppress(URLError, OSError),
            urllib.request.urlopen(request, timeout=5, context=context) as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"kube-apiserver is not ready: {log.read_text()[-2000:]}")
