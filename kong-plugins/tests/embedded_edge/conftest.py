import pytest

from testing.edge import Backend


@pytest.fixture
def backend() -> Backend:
    return Backend()
