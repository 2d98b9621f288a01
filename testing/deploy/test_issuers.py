"""`./deploy.sh local` believes the identity providers that a file names."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from testing.identity_provider import AUDIENCE, IdentityProvider, identity_provider

DEPLOY = str(Path(__file__).resolve().parents[2] / "deploy.sh")
CLEAN = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DEPLOY, "local", *arguments],
        check=False,
        env=CLEAN | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Starts a gateway whose state is in `state`."""
    state = ("--state", str(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    yield lambda **environment: run("--detach", "--simulate", "--port", "0", *state, **environment)
    run("stop", *state)


def status(url: str, token: str) -> int:
    request = urllib.request.Request(f"{url}/v1/models", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def issuers(idp: IdentityProvider, consumer: str = "demo") -> str:
    row: dict[str, Any] = {"issuer": idp.issuer, "audience": [AUDIENCE], "consumer": consumer}
    return yaml.safe_dump({"issuers": [row]})


@pytest.mark.parametrize("where", ["in its state folder", "named by the environment"])
def test_either_token_is_taken(
    where: str, start: Callable[..., Any], tmp_path: Path, idp: IdentityProvider
) -> None:
    named = where == "named by the environment"
    file = tmp_path / ("other.yaml" if named else "state/issuers.yaml")
    file.write_text(issuers(idp))
    started = start(**({"PORTCULLIS_ISSUERS": str(file)} if named else {}))
    assert started.returncode == 0, started.stderr
    ready = json.loads(started.stdout)
    assert status(ready["url"], ready["token"]) == 200
    assert status(ready["url"], idp.token()) == 200
    assert status(ready["url"], idp.token(aud="another")) == 401


def test_an_issuer_of_an_unknown_tenant_stops_the_start(
    start: Callable[..., Any], tmp_path: Path, idp: IdentityProvider
) -> None:
    (tmp_path / "state" / "issuers.yaml").write_text(issuers(idp, "nobody"))
    started = start()
    assert started.returncode != 0
    assert f"issuer {idp.issuer}: there is no consumer 'nobody'; there are clinic, demo" in started.stderr
