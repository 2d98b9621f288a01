from __future__ import annotations

import pytest

from testing.kubernetes import rendering


@pytest.fixture(scope="session")
def kubectl() -> str:
    """Its path; a test that needs it skips without."""
    if rendering.KUBECTL is None:
        pytest.skip(rendering.WITHOUT_KUBECTL)
    return rendering.KUBECTL
