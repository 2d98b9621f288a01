"""The gateway under test and its callers. One gateway a worker; a given one is used by one test at a time."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from testing.e2e import own
from testing.e2e.caller import Caller
from testing.e2e.kinds import KINDS, Kind
from testing.e2e.log import Log
from testing.e2e.simulators import Simulators
from testing.e2e.under_test import Gateway, from_environment

GIVEN = from_environment(os.environ)
ENOUGH = 50
"""Requests that most tests are content with."""


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The given gateway, else one that is started for this worker."""
    if GIVEN is not None:
        yield GIVEN
        return
    with own.running(tmp_path_factory.mktemp("gateway") / "state") as started:
        yield started


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """Faults and recordings of a given gateway are shared by all workers: one test after the other."""
    if GIVEN is None:
        yield
        return
    name = hashlib.sha256(GIVEN.url.encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"portcullis-e2e-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(autouse=True)
def _within_limits(_alone: None, gateway: Gateway, client: httpx.Client) -> None:
    """Where all tests share one tenant of a given gateway that limits it: wait for its next minute."""
    if GIVEN is None or len(gateway.pool) > 1:
        return
    left = Caller(gateway, gateway.pool[0], client).get("/v1/models").headers
    if int(left.get("x-ratelimit-remaining-hour", "1000")) < ENOUGH:
        pytest.skip("the tenant's hour is used up: start the gateway with --no-limits")
    if int(left.get("x-ratelimit-remaining-minute", "1000")) < ENOUGH:
        time.sleep(int(left["ratelimit-reset"]))


@pytest.fixture(scope="session")
def next_tenant(gateway: Gateway) -> Callable[[], str | None]:
    """Tenants of the pool, one after the other, and none that another worker takes."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    numbers = itertools.count(worker if GIVEN else 0, workers if GIVEN else 1)
    return lambda: gateway.pool[next(numbers) % len(gateway.pool)]


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    """For everything that is asked over HTTP."""
    with httpx.Client(timeout=30, trust_env=False) as opened:
        yield opened


@pytest.fixture
def caller_for(gateway: Gateway, client: httpx.Client) -> Callable[[str | None], Caller]:
    """Callers by their tenant's name; skips where the gateway has no such tenant."""

    def make(tenant: str | None) -> Caller:
        if tenant is not None and tenant not in gateway.credentials:
            pytest.skip(f"GATEWAY_CONSUMERS has no consumer {tenant!r}")
        return Caller(gateway, tenant, client)

    return make


@pytest.fixture
def caller(caller_for: Callable[[str | None], Caller], next_tenant: Callable[[], str | None]) -> Caller:
    """A caller whose tenant no other test uses at the same time."""
    return caller_for(next_tenant())


@pytest.fixture
def next_caller(
    caller_for: Callable[[str | None], Caller], next_tenant: Callable[[], str | None]
) -> Callable[[], Caller]:
    """Another one each time, for tests that ask more often than one tenant may."""
    return lambda: caller_for(next_tenant())


@pytest.fixture(scope="session")
def models(gateway: Gateway, client: httpx.Client, next_tenant: Callable[[], str | None]) -> frozenset[str]:
    """The models that the gateway under test serves."""
    answer = Caller(gateway, next_tenant(), client).get("/v1/models")
    assert answer.status_code == 200, answer.text
    return frozenset(row["id"] for row in answer.json()["data"])


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest, models: frozenset[str]) -> Kind:
    """Each kind of provider in turn."""
    wanted: Kind = request.param
    if wanted.model not in models:
        pytest.skip(f"the gateway serves no {wanted.model}")
    return wanted


@pytest.fixture
def impatient(models: frozenset[str]) -> None:
    """Skips where the models with short deadlines are missing."""
    if not any(kind.impatient_model in models for kind in KINDS):
        pytest.skip("the gateway serves no models with short deadlines (testing/e2e/prepared.py)")


@pytest.fixture
def simulators(gateway: Gateway, client: httpx.Client) -> Iterator[Simulators]:
    """The simulators, with nothing recorded and no fault waiting."""
    if gateway.simulators_url is None:
        pytest.skip("SIMULATORS_URL is not set")
    control = Simulators(gateway.simulators_url, client)
    control.no_faults()
    control.forget()
    yield control
    control.no_faults()


@pytest.fixture
def backend_url(gateway: Gateway) -> str:
    """The backend's own address, round the edge."""
    if gateway.backend_url is None:
        pytest.skip("BACKEND_URL is not set")
    return gateway.backend_url


@pytest.fixture
def management_url(gateway: Gateway) -> str:
    """The operator's port."""
    if gateway.management_url is None:
        pytest.skip("GATEWAY_MANAGEMENT_URL is not set")
    return gateway.management_url


@pytest.fixture
def log(gateway: Gateway) -> Log:
    """The backend's log."""
    if gateway.log is None:
        pytest.skip("GATEWAY_LOG is not set")
    return Log(gateway.log)


@pytest.fixture
def pid(gateway: Gateway) -> int:
    """The backend's process."""
    if gateway.pid is None:
        pytest.skip("GATEWAY_PID is not set")
    return gateway.pid
