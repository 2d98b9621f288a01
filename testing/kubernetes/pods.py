"""Pods of rendered workloads as processes of this machine: their commands, users, variables, volumes, probes.

It is what a kernel does of a container without an image: a root that nobody can write to, no capability, and
a network in which the Services' names lead to the pods. The programs are this machine's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from testing.kubernetes.rendering import Resource
from testing.kubernetes.volumes import NAMESPACE, Given, make_empty

SCRIPT = Path(__file__).with_name("container.sh")
PYTHON = str(Path(sys.executable).resolve())
TOOLS = ("unshare", "nsenter", "setpriv", "ip", "curl")
Process = subprocess.Popen[bytes]


def require(*programs: str) -> None:
    """Skips where these programs are not here, or no process can have a root and a network of its own."""
    if missing := [name for name in (*programs, *TOOLS) if shutil.which(name) is None]:
        pytest.skip(f"not on this machine: {', '.join(missing)}")
    if os.geteuid() != 0:
        pytest.skip("only root gives a process a root and a network of its own")
    overlay = "mount -t overlay none -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r"
    tried = subprocess.run(
        [
            "unshare",
            "--net",
            "--mount",
            "sh",
            "-ec",
            f"mount -t tmpfs none /mnt; cd /mnt; mkdir u w r; {overlay}",
        ],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    if tried.returncode:
        pytest.skip(f"this kernel gives no namespaces: {tried.stderr.strip()}")


@dataclass
class Node:
    """A network that pods share, in which the Services' names lead to this machine."""

    given: Given
    folder: Path
    pid: int
    running: list[Process] = field(default_factory=list)

    def pod(self, kind: str, name: str, user_name: str = "somebody") -> Pod:
        """``user_name`` is who its user is in its image."""
        resource = self.given.cluster.find(kind, name, NAMESPACE)
        assert resource is not None, name
        return Pod(self, resource, self.folder / name, user_name)

    @property
    def hosts(self) -> str:
        names = [r["metadata"]["name"] for r in self.given.cluster.of_kind("Service")]
        return "\n".join(f"127.0.0.1 localhost {name} {name}.{NAMESPACE}.svc" for name in names)


@contextmanager
def node(given: Given, folder: Path) -> Iterator[Node]:
    """Whatever was started on it has ended afterwards."""
    network = subprocess.Popen(
        ["unshare", "--net", "sh", "-ec", "ip link set lo up; echo up; exec sleep 600"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert network.stdout is not None
    made = Node(given, folder, network.pid)
    try:
        assert network.stdout.readline() == b"up\n"
        yield made
    finally:
        for process in (*reversed(made.running), network):
            # With its children: nobody else ends them.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        network.stdout.close()


@dataclass
class Pod:
    node: Node
    resource: Resource
    folder: Path
    user_name: str
    main: dict[str, Process] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.spec = self.resource["spec"]["template"]["spec"]
        security = self.spec["securityContext"]
        self.user, self.group, self.files = (security[k] for k in ("runAsUser", "runAsGroup", "fsGroup"))
        for row in self.spec.get("volumes", ()):
            self.node.given.volume(row, self.folder / row["name"], self.files)
        for claim in self.resource["spec"].get("volumeClaimTemplates", ()):
            make_empty(self.folder / claim["metadata"]["name"], self.files)

    def container(self, name: str) -> Mapping[str, Any]:
        rows = (*self.spec.get("initContainers", ()), *self.spec["containers"])
        [found] = [row for row in rows if row["name"] == name]
        return dict(found)

    def start(self, name: str, entrypoint: Sequence[str] = (), **image: str) -> Process:
        """Its process. ``entrypoint`` and ``image`` (variables) stand for what its image says."""
        spec = self.container(name)
        assert spec["securityContext"]["readOnlyRootFilesystem"]
        mounts = [
            word
            for row in spec.get("volumeMounts", ())
            for word in (
                str(self.folder / row["name"]),
                row["mountPath"],
                "ro" if row.get("readOnly") else "rw",
            )
        ]
        process = subprocess.Popen(
            [
                *("nsenter", f"--net=/proc/{self.node.pid}/ns/net"),
                *("unshare", "--mount", "--propagation=private"),
                *(str(SCRIPT), str(self.user), self.user_name),
                *(str(self.group), str(self.files), self.node.hosts, PYTHON),
                *(*mounts, "--", *spec.get("command", entrypoint), *spec.get("args", ())),
            ],
            env={"PATH": os.environ["PATH"], **image, **self.node.given.environment(spec)},
            start_new_session=True,
        )
        self.node.running.append(process)
        self.main[name] = process
        return process

    def execute(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """`kubectl exec`: beside the process, as its user, in what it sees."""
        process = self.main[name]
        assert process.poll() is None, f"{name} has ended"
        return subprocess.run(
            [
                *("nsenter", f"--target={process.pid}", "--mount", "--net", "--root"),
                *("setpriv", f"--reuid={self.user}", f"--regid={self.group}", f"--groups={self.files}"),
                *("env", "--chdir=/", *command),
            ],
            env={"PATH": os.environ["PATH"], **self.node.given.environment(self.container(name))},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def probe(self, name: str, kind: str) -> bool:
        """What the kubelet would say of `startupProbe`, `livenessProbe` or `readinessProbe`."""
        spec = self.container(name)
        ask = spec[kind]
        if "exec" in ask:
            return self.execute(name, *ask["exec"]["command"]).returncode == 0
        ports = {row.get("name"): row["containerPort"] for row in spec["ports"]}
        if "tcpSocket" in ask:
            opening = f"exec 3<>/dev/tcp/127.0.0.1/{ports[ask['tcpSocket']['port']]}"
            return self.execute(name, "bash", "-c", opening).returncode == 0
        get = ask["httpGet"]
        url = f"{get.get('scheme', 'http').lower()}://127.0.0.1:{ports[get['port']]}{get['path']}"
        curl = ("curl", "--silent", "--fail", "--insecure", "--max-time", str(ask["timeoutSeconds"]), url)
        return self.execute(name, *curl).returncode == 0

    def wait(self, name: str, kind: str) -> None:
        """Until the probe is content, for at most as long as its manifest allows."""
        ask = self.container(name)[kind]
        deadline = time.monotonic() + ask["periodSeconds"] * ask["failureThreshold"]
        while not self.probe(name, kind):
            assert time.monotonic() < deadline, f"{name}: {kind}"
            time.sleep(0.05)
