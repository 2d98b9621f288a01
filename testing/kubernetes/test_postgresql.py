"""PostgreSQL as its manifest runs it: TLS, who is let in, and what its role may do."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.kubernetes.model import Cluster
from testing.kubernetes.pods import Node, Pod, node, require
from testing.kubernetes.rendering import Combination, render
from testing.kubernetes.volumes import Given, tls_secrets

PASSWORD = secrets.token_urlsafe(24)
PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)
# What the image's entrypoint does with an empty disk, in short.
ENTRYPOINT = """
if [ ! -e "$PGDATA/PG_VERSION" ]; then
  initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS >/dev/null
  "$@" --listen_addresses= 2>/dev/null &
  until pg_isready --quiet; do kill -0 $!; sleep 0.05; done
  for file in /docker-entrypoint-initdb.d/*; do
    psql --quiet --set=ON_ERROR_STOP=1 --no-psqlrc --no-password --username=postgres --file="$file"
  done
  kill -INT $!
  wait $!
fi
exec "$@"
"""


@pytest.fixture(scope="module")
def pod(kubectl: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    if PROGRAMS is None:
        pytest.skip("no PostgreSQL on this machine (Debian: postgresql)")
    require()
    made = {
        **tls_secrets(tmp_path_factory.mktemp("authority"), "postgresql"),
        "portcullis-postgresql": {"password": PASSWORD.encode(), "admin-password": b"another"},
    }
    given = Given(Cluster(render(Combination("dev", ("postgresql",)))), made)
    with node(given, tmp_path_factory.mktemp("node")) as here:
        yield started(here)


def started(here: Node) -> Pod:
    pod = here.pod("StatefulSet", "portcullis-postgresql", "postgres")
    pod.start("postgresql", ["sh", "-ec", ENTRYPOINT, "--"], PATH=f"{PROGRAMS}:/usr/bin:/bin:/usr/sbin:/sbin")
    pod.wait("postgresql", "startupProbe")
    return pod


def ask(pod: Pod, statement: str, address: str, password: str = PASSWORD) -> str:
    words = ("psql", "--no-psqlrc", "--tuples-only", "--no-align", f"--command={statement}", address)
    ran = pod.execute("postgresql", "env", f"PGPASSWORD={password}", f"{PROGRAMS}/{words[0]}", *words[1:])
    return (ran.stdout + ran.stderr).strip()


VERIFIED = (
    "host=portcullis-postgresql.portcullis.svc user=portcullis dbname=portcullis "
    "sslmode=verify-full sslrootcert=/run/portcullis/tls/ca.crt"
)


def test_the_gateway_gets_in_with_tls_and_its_password(pod: Pod) -> None:
    assert ask(pod, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", VERIFIED) == "t"
    assert ask(pod, "CREATE TABLE kept (id int); SELECT count(*) FROM kept", VERIFIED).endswith("0")


@pytest.mark.parametrize(
    "address",
    [
        VERIFIED.replace("sslmode=verify-full", "sslmode=disable"),
        VERIFIED.replace("user=portcullis", "user=postgres"),
        VERIFIED.replace("dbname=portcullis", "dbname=postgres"),
    ],
    ids=["without TLS", "as the superuser", "elsewhere"],
)
def test_nobody_else_gets_in(pod: Pod, address: str) -> None:
    assert "no pg_hba.conf entry" in ask(pod, "SELECT 1", address)


def test_nobody_gets_in_with_another_password(pod: Pod) -> None:
    assert "password authentication failed" in ask(pod, "SELECT 1", VERIFIED, "another")


def test_its_role_is_nobody_special(pod: Pod) -> None:
    attributes = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert ask(pod, attributes, VERIFIED) == "f|f|f"


def test_it_answers_the_kubelet_and_keeps_no_password_in_sight(pod: Pod) -> None:
    assert pod.probe("postgresql", "livenessProbe")
    assert pod.probe("postgresql", "readinessProbe")
    assert PASSWORD not in Path(f"/proc/{pod.main['postgresql'].pid}/cmdline").read_text()
