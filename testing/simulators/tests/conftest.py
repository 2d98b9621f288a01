"""One process of simulators per test file; every test begins without faults and recordings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.simulators.launch import Simulators, running


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    """The simulators of this file."""
    with running(tmp_path_factory.mktemp("state")) as simulators:
        yield simulators


@pytest.fixture
def simulators(process: Simulators) -> Simulators:
    """The simulators of this file, as new."""
    process.reset()
    return process
