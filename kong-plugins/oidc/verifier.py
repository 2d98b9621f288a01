"""Is this token good, and whose? Remembers what it has verified, as long as that stays true."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import Final

from oidc import fetch
from oidc.keys import KeySet
from oidc.provider import Provider
from oidc.settings import Issuer, Settings
from oidc.tokens import Claimed, TokenError, claimed, verify

MAX_REMEMBERED: Final = 8192


@dataclass(frozen=True, slots=True)
class _Verified:
    """`keys` are those it was verified with: once the issuer publishes others, it is verified again."""

    issuer: Issuer
    keys: KeySet
    expires_at: float


class Verifier:
    """For any number of threads. `len()` is how many tokens are remembered."""

    def __init__(self, settings: Settings, remembered: int = MAX_REMEMBERED) -> None:
        self._most = remembered
        self._leeway_s = settings.leeway_s
        self._issuers = settings.issuers
        get = partial(fetch.get, ca_file=settings.ca_file)
        self._providers = {name: Provider(issuer, get) for name, issuer in settings.issuers.items()}
        self._lock = threading.Lock()
        self._remembered: OrderedDict[bytes, _Verified] = OrderedDict()

    def __len__(self) -> int:
        return len(self._remembered)

    def verify(self, token: str) -> Issuer:
        """The issuer of a good token. Raises TokenError, or ProviderDown when nobody can tell."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._recall(digest)
        if known is not None:
            return known
        claims = claimed(token)
        issuer = self._issuer(claims)
        keys = self._providers[issuer.name].keys_for(claims.kid)
        candidates = keys.fitting(claims.kid, claims.algorithm)
        expires_at = verify(token, candidates, claims.algorithm, issuer, self._leeway_s)
        self._remember(digest, _Verified(issuer, keys, expires_at))
        return issuer

    def would_wait(self, token: str) -> bool:
        """Whether `verify` might wait for an issuer."""
        try:
            claims = claimed(token)
            return self._providers[self._issuer(claims).name].would_wait(claims.kid)
        except TokenError:
            return False

    def take_problems(self) -> list[str]:
        """What went wrong with issuers since the last call, for the log."""
        return [problem for provider in self._providers.values() if (problem := provider.take_problem())]

    def _issuer(self, claims: Claimed) -> Issuer:
        issuer = self._issuers.get(claims.issuer)
        if issuer is None:
            raise TokenError("unknown issuer")
        if claims.algorithm not in issuer.algorithms:
            raise TokenError("algorithm not allowed")
        return issuer

    def _recall(self, digest: bytes) -> Issuer | None:
        known = self._remembered.get(digest)
        if known is None:
            return None
        valid = known.expires_at + self._leeway_s > time.time()
        if valid and self._providers[known.issuer.name].current is known.keys:
            return known.issuer
        with self._lock:
            self._remembered.pop(digest, None)
        return None

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        with self._lock:
            self._remembered[digest] = verified
            while len(self._remembered) > self._most:
                self._remembered.popitem(last=False)
