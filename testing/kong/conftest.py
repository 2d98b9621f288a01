from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.identity_provider import IdentityProvider, identity_provider


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider
