"""`testing/test-requests.sh` against a gateway here: it passes, and fails when something is broken."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import re
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "testing/test-requests.sh")
CLEAN = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class Gateway:
    url: str
    management_url: str
    simulators_url: str
    token: str
    consumers: str

    def token_of(self, *words: str) -> str:
        command = [str(ROOT / "deploy.sh"), "token", "--consumers", self.consumers, *words]
        return subprocess.run(
            command, check=True, env=CLEAN, capture_output=True, text=True, timeout=60
        ).stdout.strip()

    def fault(self, provider: str, **fault: Any) -> None:
        self._control("PUT", f"/faults/{provider}", json.dumps(fault).encode())

    def no_faults(self) -> None:
        self._control("DELETE", "/faults")

    def _control(self, method: str, path: str, body: bytes | None = None) -> None:
        request = urllib.request.Request(self.simulators_url + path, data=body, method=method)
        urllib.request.urlopen(request, timeout=10).close()


def started(folder: Path, *words: str) -> Iterator[Gateway]:
    state = folder / "state"
    command = [
        str(ROOT / "deploy.sh"),
        "local",
        "--detach",
        "--simulate",
        "--port",
        "0",
        "--state",
        str(state),
    ]
    run = subprocess.run(
        [*command, *words], check=False, env=CLEAN, capture_output=True, text=True, timeout=100
    )
    assert run.returncode == 0, run.stderr
    ready = json.loads(run.stdout)
    consumers = str(state / "secrets" / "consumers.yaml")
    try:
        yield Gateway(
            ready["url"], ready["management_url"], ready["simulators_url"], ready["token"], consumers
        )
    finally:
        subprocess.run(
            [str(ROOT / "deploy.sh"), "stop", "--state", str(state)], check=False, env=CLEAN, timeout=60
        )


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    yield from started(tmp_path_factory.mktemp("unlimited"), "--no-limits")


@pytest.fixture
def gateway(unlimited: Gateway) -> Iterator[Gateway]:
    yield unlimited
    unlimited.no_faults()


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Gateway]:
    yield from started(tmp_path)


def ask(*words: str, token: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"GATEWAY_TOKEN": token} if token else {}
    return subprocess.run(
        [SCRIPT, *words],
        check=False,
        env=CLEAN | given | environment,
        capture_output=True,
        text=True,
        timeout=110,
    )


def failed(run: subprocess.CompletedProcess[str]) -> list[str]:
    assert run.returncode == 1, run.stdout + run.stderr
    return re.findall(r"^  FAIL  (.*)$", run.stdout, re.MULTILINE)


def test_a_sound_gateway_passes_every_check(limited: Gateway) -> None:
    run = ask("--management", limited.management_url, "--rate-limit", limited.url, token=limited.token)
    assert run.returncode == 0, run.stdout + run.stderr
    for part in (
        "health",
        "authentication",
        "rate limit",
        "errors",
        "models",
        "streaming",
        "metrics",
        "latency",
    ):
        assert f"\n{part}\n" in run.stdout
    assert re.search(r"pass  a 429 after \d+ requests", run.stdout)
    assert "by ollama-llama, which is cleared for pii" in run.stdout
    assert re.search(r"text-embedding-3-small: openai-embedding-small, .* \(SIMULATED\)", run.stdout)
    assert re.search(r"\d+ passed, 0 failed, 0 not set up, 0 skipped", run.stdout)
    assert limited.token not in run.stdout + run.stderr


def test_a_token_that_is_not_accepted(gateway: Gateway) -> None:
    [line] = failed(ask(gateway.url, "aaaa.bbbb.cccc"))
    assert line.startswith("the token is accepted: expected 200, got 401")


def test_nobody_at_the_address() -> None:
    [line] = failed(ask("http://127.0.0.1:9", "aaaa.bbbb.cccc"))
    assert "no answer" in line


def test_a_provider_that_fails_is_a_line_with_its_models(gateway: Gateway) -> None:
    gateway.fault("anthropic", fault="status", status=500)
    [line] = failed(ask("--no-limits", gateway.url, token=gateway.token))
    assert line.startswith("claude-sonnet-4-6: 502")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"fault": "cut", "after": 3}, "it ends with [DONE]"),
        ({"fault": "never"}, "a stream of gpt-4o begins"),
    ],
)
def test_a_stream_that_breaks_is_noticed(gateway: Gateway, fault: dict[str, Any], says: str) -> None:
    gateway.fault("openai", **fault)
    options = ("--no-limits", "--no-models", "--model", "gpt-4o", "--timeout", "3")
    assert says in "\n".join(failed(ask(*options, gateway.url, token=gateway.token)))


def test_no_limits_are_a_failure_unless_that_is_said(gateway: Gateway) -> None:
    [line] = failed(ask("--no-models", gateway.url, token=gateway.token))
    assert line.startswith("RateLimit-Limit and RateLimit-Remaining")


def test_a_narrow_token_asks_what_it_may(gateway: Gateway) -> None:
    """Its tenant is cleared for less than the checks ask: that is said, and no failure."""
    run = ask("--no-limits", gateway.url, token=gateway.token_of("--model", "gpt-4o"))
    assert run.returncode == 0, run.stdout
    assert "none  no deployment that is cleared for pii" in run.stdout


@pytest.mark.parametrize("how", ["environment", "file", "standard input"])
def test_the_token_is_in_no_argument(gateway: Gateway, how: str, tmp_path: Path) -> None:
    (tmp_path / "curl").write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >>"{tmp_path}/arguments"\nenv >>"{tmp_path}/environment"\n'
        'PATH="${PATH#*:}" exec curl "$@"\n'
    )
    (tmp_path / "curl").chmod(0o755)
    (tmp_path / "token").write_text(gateway.token)
    options = {"environment": [], "file": ["--token-file", str(tmp_path / "token")]}
    words = options.get(how, ["--token-file", "-"])
    run = subprocess.run(
        [SCRIPT, "--no-limits", "--no-models", *words, gateway.url],
        check=False,
        env=CLEAN
        | {"PATH": f"{tmp_path}:{CLEAN['PATH']}"}
        | ({"GATEWAY_TOKEN": gateway.token} if how == "environment" else {}),
        input=gateway.token if how == "standard input" else "",
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    for seen in ("arguments", "environment"):
        assert gateway.token not in (tmp_path / seen).read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "give the gateway's URL"),
        (["ftp://example.com", "a.b.c"], "give the gateway's URL"),
        (["http://127.0.0.1:9"], "give a token"),
        (["http://127.0.0.1:9", 'a"b\nurl = x'], "give a token"),
        (["--unknown"], "there is no option --unknown"),
        (["--ca"], "--ca takes a value"),
        (["--ca", "/no/such/file", "https://127.0.0.1:9", "a.b.c"], "there is no file"),
        (["--timeout", "soon", "http://127.0.0.1:9", "a.b.c"], "--timeout takes seconds"),
    ],
)
def test_wrong_arguments_are_one_line_and_status_2(words: list[str], says: str) -> None:
    run = ask(*words)
    assert (run.returncode, len(run.stderr.splitlines())) == (2, 1)
    assert says in run.stderr


def test_help_says_what_it_takes() -> None:
    run = ask("--help")
    assert run.returncode == 0
    for option in re.findall(r"^      (--[a-z-]+)\)", Path(SCRIPT).read_text(), re.MULTILINE):
        assert option in run.stdout


def test_a_certificate_of_ones_own(gateway: Gateway, tmp_path: Path) -> None:
    """By the name that it is for, at the address where it is."""
    with tls_in_front(gateway.url, tmp_path) as port:
        url = f"https://portcullis.internal:{port}"
        words = ("--no-limits", "--no-models", "--resolve", "127.0.0.1")
        run = ask(*words, "--ca", str(tmp_path / "ca.crt"), url, token=gateway.token)
        assert run.returncode == 0, run.stdout
        [line] = failed(ask(*words, url, token=gateway.token))
        assert "certificate" in line


class tls_in_front:  # noqa: N801
    """Ends TLS for one name and passes bytes on, in a thread of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self._port = int(url.rpartition(":")[2])
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*_certificate(folder))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> int:
        self._thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result(10)
        return int(self._server.sockets[0].getsockname()[1])

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        except (OSError, ssl.SSLError):
            pass
        finally:
            writer.close()
            far_writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
    writer.close()


def _certificate(folder: Path) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "portcullis")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("portcullis.internal"), x509.IPAddress(ip_address("127.0.0.1"))]
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.crt").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(folder / "ca.crt"), str(folder / "tls.key")
