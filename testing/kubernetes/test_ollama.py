"""TLS in front of Ollama, as its manifest runs it: a real nginx, and a stand-in for Ollama behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from testing.kubernetes.model import Cluster
from testing.kubernetes.pods import PYTHON, Pod, node, require
from testing.kubernetes.rendering import Combination, render
from testing.kubernetes.volumes import Given, tls_secrets
from testing.project.repository import read_yaml

# Answers with what it was asked; on /api/chat in two parts, the second only when the first was taken.
STAND_IN = """
import http.server, json, time
class Ollama(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def part(self, data): self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(data), data)); self.wfile.flush()
    def do_GET(self): self.answer(0)
    def do_POST(self): self.answer(len(self.rfile.read(int(self.headers["Content-Length"]))))
    def answer(self, size):
        self.send_response(200); self.send_header("Transfer-Encoding", "chunked"); self.end_headers()
        self.part(json.dumps({"host": self.headers["Host"], "size": size}).encode() + b"\\n")
        if self.path == "/api/chat": time.sleep(3); self.part(b"end\\n")
        self.part(b"")
http.server.ThreadingHTTPServer(("127.0.0.1", 11434), Ollama).serve_forever()
"""
URL = "https://portcullis-ollama.portcullis.svc:8443"
ASK = ("curl", "--silent", "--no-buffer", "--max-time", "20", "--cacert", "/run/portcullis/tls/ca.crt")


@pytest.fixture(scope="module")
def pod(kubectl: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    require("nginx")
    made = tls_secrets(tmp_path_factory.mktemp("authority"), "ollama")
    with node(Given(Cluster(render(Combination("dev"))), made), tmp_path_factory.mktemp("node")) as here:
        found = here.pod("Deployment", "portcullis-ollama", "nobody")
        found.start("tls")
        found.wait("tls", "startupProbe")
        yield found


@pytest.fixture(scope="module")
def ollama(pod: Pod) -> Pod:
    assert not pod.probe("tls", "readinessProbe"), "it is ready before Ollama is"
    pod.start("ollama", [PYTHON, "-c", STAND_IN])
    pod.wait("tls", "startupProbe")
    while not pod.probe("tls", "readinessProbe"):
        assert pod.main["ollama"].poll() is None
    return pod


def test_it_is_asked_by_its_service_s_name_and_ollama_by_its_own(ollama: Pod) -> None:
    answer = ollama.execute("tls", *ASK, f"{URL}/api/tags").stdout
    assert json.loads(answer)["host"] == "127.0.0.1:11434"


def test_it_speaks_tls_only(ollama: Pod) -> None:
    plain = ollama.execute("tls", *ASK, "--fail", f"{URL}/api/tags".replace("https", "http"))
    assert plain.returncode != 0


def test_a_body_of_the_largest_size_passes_and_is_not_written_to_the_disk(ollama: Pod) -> None:
    largest = read_yaml("configs/kong/kong.yaml")["plugins"]
    [limit] = [
        row["config"]["allowed_payload_size"] for row in largest if row["name"] == "request-size-limiting"
    ]
    script = f"head -c {limit << 20} /dev/zero | {' '.join(ASK)} --data-binary @- {URL}/api/embed"
    answer = ollama.execute("tls", "sh", "-c", script)
    assert json.loads(answer.stdout)["size"] == limit << 20
    assert [
        path
        for path in (ollama.folder / "nginx-tmp").rglob("*")
        if path.is_file() and path.stat().st_size > 100
    ] == []


def test_a_stream_is_passed_on_as_it_comes(ollama: Pod) -> None:
    """The second part is sent 3 s after the first, which has to arrive before that."""
    script = f"timeout 1 {' '.join(ASK)} --data '{{}}' {URL}/api/chat"
    answer = ollama.execute("tls", "sh", "-c", script)
    assert json.loads(answer.stdout)["size"] == 2
