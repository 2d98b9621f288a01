"""The keys of one issuer: fetched when they are needed, kept while it is down, rotated as it rotates them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import orjson

from oidc.fetch import FetchError, get
from oidc.keys import KeysError, KeySet, read_key_set
from oidc.settings import Issuer, SettingsError, check_url

WAIT_S: Final = 1.0
"""The longest that a request waits for keys. Below the plugin server's deadline of 1.5 s an event."""
FRESH_S: Final = 300.0
"""Keys older than this are fetched anew, while the old ones serve."""
UNKNOWN_KID_S: Final = 60.0
"""An unknown `kid` has the keys fetched at most this often: anybody can send one."""
RETRY_S: Final = 60.0
RETRY_WITHOUT_KEYS_S: Final = 5.0


class ProviderDown(Exception):
    """There are no keys, and the issuer does not give any."""


class Provider:
    """The keys of an issuer, for any number of threads.

    A fetch runs in a thread of its own, one at a time; whoever needs its result waits for it at most WAIT_S.
    Keys that were once read are used until the issuer publishes others.
    """

    def __init__(
        self,
        issuer: Issuer,
        fetch: Callable[[str], bytes] = get,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._keys_at = self._tried_at = self._unknown_at = float("-inf")
        self._running: threading.Event | None = None
        self._problem: str | None = None

    @property
    def current(self) -> KeySet | None:
        """The keys as they are now. Has them fetched anew when they are old, without waiting."""
        if self._keys is not None and self._clock() - self._keys_at > FRESH_S:
            with self._lock:
                self._start_if_due()
        return self._keys

    def keys_for(self, kid: str | None) -> KeySet:
        """The keys, after the issuer has been asked if `kid` is unknown and it may be asked. ProviderDown."""
        deadline = time.monotonic() + WAIT_S
        while (keys := self.current) is None or not keys.knows(kid):
            running = self._running_or_started()
            if running is None or not running.wait(max(0.0, deadline - time.monotonic())):
                break
        if self._keys is None:
            raise ProviderDown(self._issuer.name)
        return self._keys

    def would_wait(self, kid: str | None) -> bool:
        """Whether `keys_for` might wait."""
        keys = self._keys
        if keys is not None and keys.knows(kid):
            return False
        with self._lock:
            return self._running is not None or self._due(self._clock())

    def take_problem(self) -> str | None:
        """Why the last fetch failed, for the log; once."""
        if self._problem is None:
            return None
        with self._lock:
            problem, self._problem = self._problem, None
        return problem

    def _running_or_started(self) -> threading.Event | None:
        """The fetch under way, begun now if it may be; None when the issuer has been asked too recently."""
        with self._lock:
            now = self._clock()
            if self._running is None and self._due(now):
                if self._keys is not None:
                    self._unknown_at = now
                self._start(now)
            return self._running

    def _due(self, now: float) -> bool:
        if self._keys is None:
            return now - self._tried_at > RETRY_WITHOUT_KEYS_S
        return now - self._unknown_at > UNKNOWN_KID_S

    def _start_if_due(self) -> None:
        now = self._clock()
        if self._running is None and now - self._keys_at > FRESH_S and now - self._tried_at > RETRY_S:
            self._start(now)

    def _start(self, now: float) -> None:
        self._tried_at = now
        self._running = threading.Event()
        try:
            threading.Thread(target=self._run, args=(self._running,), daemon=True, name="oidc-keys").start()
        except BaseException:
            self._running.set()
            self._running = None
            raise

    def _run(self, done: threading.Event) -> None:
        keys, problem = None, None
        try:
            keys = self._ask()
        except (FetchError, KeysError, SettingsError) as error:
            problem = str(error)
        except Exception as error:
            problem = type(error).__name__
        finally:
            with self._lock:
                if keys is not None:
                    self._keys_at = self._clock()
                    # The same object when nothing has changed: what was verified with it stays verified.
                    if self._keys is None or keys.content != self._keys.content:
                        self._keys = keys
                self._problem = problem and f"the keys of {self._issuer.name} cannot be read: {problem}"
                self._running = None
            done.set()

    def _ask(self) -> KeySet:
        return read_key_set(self._fetch(self._issuer.jwks_uri or self._discover()))

    def _discover(self) -> str:
        """Where the issuer says that its keys are (OpenID Connect Discovery 1.0, section 4.3)."""
        try:
            document = orjson.loads(self._fetch(self._issuer.discovery_uri))
        except orjson.JSONDecodeError:
            raise KeysError("the discovery document is not JSON") from None
        if not isinstance(document, dict) or document.get("issuer") != self._issuer.name:
            raise KeysError("the discovery document names another issuer")
        uri = document.get("jwks_uri")
        check_url("jwks_uri of the discovery document", uri)
        assert isinstance(uri, str)
        if urlsplit(uri).scheme == "http" and urlsplit(self._issuer.name).scheme != "http":
            raise KeysError("the discovery document leads from https to http")
        return uri
