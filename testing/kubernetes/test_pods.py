"""The backend and its Redis, as the overlay dev runs them: users, read-only roots, TLS, passwords."""

from __future__ import annotations

import json
import secrets
import ssl
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.kubernetes.model import Cluster
from testing.kubernetes.pods import Node, Pod, node, require
from testing.kubernetes.rendering import Combination, render
from testing.kubernetes.volumes import Given, tls_secrets
from testing.project.repository import ROOT

PASSWORD = secrets.token_urlsafe(24)
SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")
BIN = ROOT / ".venv" / "bin"


@pytest.fixture(scope="module")
def given(kubectl: str, tmp_path_factory: pytest.TempPathFactory) -> Given:
    """What is rendered, with every Secret that it wants."""
    keys = {"current": "a", "keys": {"a": urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")}}
    url = f"rediss://:{PASSWORD}@portcullis-redis.portcullis.svc:6379/0"
    return Given(
        Cluster(render(Combination("dev"))),
        {
            **tls_secrets(tmp_path_factory.mktemp("authority"), "backend", "redis"),
            "portcullis-redis": {"password": PASSWORD.encode(), "url": url.encode()},
            "portcullis-tag-keys": {"tag-keys.json": json.dumps(keys).encode()},
            "llm-api-keys": {"OPENAI_API_KEY": b"sk-test"},
        },
    )


@pytest.fixture(scope="module")
def here(given: Given, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    require("redis-server", "redis-cli")
    with node(given, tmp_path_factory.mktemp("node")) as found:
        yield found


@pytest.fixture(scope="module")
def redis(here: Node) -> Pod:
    pod = here.pod("StatefulSet", "portcullis-redis")
    pod.start("redis")
    pod.wait("redis", "startupProbe")
    pod.wait("redis", "readinessProbe")
    return pod


@pytest.fixture(scope="module")
def backend(here: Node, redis: Pod) -> Pod:
    if not SYSTEM.is_file():
        pytest.skip("this machine has no ca-certificates")
    pod = here.pod("Deployment", "portcullis-backend")
    assert pod.start("authorities").wait(20) == 0
    # The image's own variables: PATH to its environment.
    pod.start("backend", [str(BIN / "portcullis"), "serve"], PYTHONUNBUFFERED="1")
    pod.wait("backend", "startupProbe")
    return pod


def redis_cli(pod: Pod, *words: str, password: str | None = PASSWORD) -> str:
    authorised = ["env", f"REDISCLI_AUTH={password}"] if password else []
    ran = pod.execute("redis", *authorised, "redis-cli", "--tls", "--cacert", "/run/redis/tls/ca.crt", *words)
    return ran.stdout + ran.stderr


def test_redis_lives_for_everybody_and_is_there_for_who_knows_the_password(redis: Pod) -> None:
    assert redis.probe("redis", "livenessProbe")
    assert "NOAUTH" in redis_cli(redis, "GET", "a", password=None)
    assert "PONG" not in redis_cli(redis, "PING", password="wrong")


def test_redis_speaks_tls_only(redis: Pod) -> None:
    plain = redis.execute("redis", "env", f"REDISCLI_AUTH={PASSWORD}", "redis-cli", "PING")
    assert "PONG" not in plain.stdout


def test_redis_does_what_limits_need_and_nothing_that_endangers_it(redis: Pod) -> None:
    assert redis_cli(redis, "SET", "portcullis:jti:1", "", "NX", "EX", "30").strip() == "OK"
    counted = redis_cli(redis, "EVAL", "return redis.call('INCRBY', KEYS[1], 2)", "1", "ratelimit:a")
    assert counted.strip() == "2"
    for forbidden in (["FLUSHALL"], ["CONFIG", "GET", "*"], ["KEYS", "*"], ["SHUTDOWN"]):
        assert "NOPERM" in redis_cli(redis, *forbidden), forbidden


def test_no_argument_holds_the_password_and_no_file_shows_it(redis: Pod) -> None:
    assert PASSWORD not in Path(f"/proc/{redis.main['redis'].pid}/cmdline").read_text()
    users = (redis.folder / "tmp" / "users.acl").read_text()
    assert PASSWORD not in users
    assert "user default on #" in users


def test_what_was_counted_outlives_a_restart(here: Node, redis: Pod) -> None:
    assert redis_cli(redis, "SET", "kept", "1", "EX", "600").strip() == "OK"
    redis.main["redis"].terminate()
    assert redis.main["redis"].wait(10) == 0
    redis.start("redis")
    redis.wait("redis", "readinessProbe")
    assert redis_cli(redis, "GET", "kept").strip() == "1"


def test_the_backend_runs_on_a_root_that_it_cannot_write_to(backend: Pod) -> None:
    assert backend.execute("backend", "touch", "/written").returncode != 0
    assert backend.execute("backend", "touch", "/run/portcullis/tls/written").returncode != 0
    for kind in ("livenessProbe", "readinessProbe"):
        backend.wait("backend", kind)
    # What it does write is small.
    assert sum(path.stat().st_size for path in (backend.folder / "tmp").rglob("*")) < 1 << 20


def test_the_backend_serves_tls_under_the_name_of_its_service(backend: Pod) -> None:
    authority_file = "/run/portcullis/tls/ca.crt"
    asking = ("curl", "--silent", "--max-time", "5", "--cacert", authority_file)
    url = "https://portcullis-backend.portcullis.svc:8081/health"
    assert backend.execute("backend", *asking, "--fail", url).returncode == 0
    assert backend.execute("backend", *asking, url.replace("https:", "http:")).returncode != 0


def test_the_backend_believes_public_authorities_and_its_own(backend: Pod) -> None:
    bundle = backend.execute("backend", "cat", "/run/portcullis/authorities/bundle.crt").stdout
    believed = ssl.create_default_context(cadata=bundle).get_ca_certs()
    assert any("a test's authority" in str(row["subject"]) for row in believed)
    assert len(believed) > 50


def test_the_backend_is_not_ready_without_its_store_and_still_lives(backend: Pod, redis: Pod) -> None:
    backend.wait("backend", "readinessProbe")
    redis.main["redis"].terminate()
    redis.main["redis"].wait(10)
    try:
        assert not backend.probe("backend", "readinessProbe")
        assert backend.probe("backend", "livenessProbe")
    finally:
        redis.start("redis")
        redis.wait("redis", "readinessProbe")
    backend.wait("backend", "readinessProbe")
