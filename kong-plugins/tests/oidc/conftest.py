from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oidc.settings import Settings, read_settings
from testing.identity_provider import AUDIENCE, IdentityProvider, identity_provider


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def settings_for() -> Callable[..., Settings]:
    """Settings that believe this provider, with what else the row or the whole holds."""

    def make(idp: IdentityProvider, leeway_s: float = 60, **row: Any) -> Settings:
        issuer = {"issuer": idp.issuer, "consumer": "acme", "audience": [AUDIENCE], **row}
        return read_settings({"issuers": [issuer], "leeway_s": leeway_s})

    return make
