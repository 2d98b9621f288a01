"""The simulators, once for all tests of a worker, and the names under which they are asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.egress.world import World, world
from testing.simulators.launch import running


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with running(folder) as simulators, world(simulators, folder) as made:
        yield made
