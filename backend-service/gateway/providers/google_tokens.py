"""Access tokens of Google accounts: one refresher an account for the whole process.

google-auth refreshes with blocking HTTP, so that runs in a thread; callers that come meanwhile wait for the
same one. A token is renewed ahead of its end while the old one still serves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from gateway.errors import ProviderError
from gateway.providers import failures
from gateway.types import Provider

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
REFRESH_S = 20.0


class GoogleTokens:
    """The tokens of one provider row's account: its service-account file, else what the platform gives."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._credentials: Any = None
        self._refreshing: asyncio.Task[None] | None = None

    async def token(self) -> str:
        """A token that is valid now. Raises ``ProviderError`` when there is none to be had."""
        state = self._state()
        if state == "fresh":
            return str(self._credentials.token)
        refreshing = self._refresh()
        if state != "stale":
            # Shielded: a caller that leaves must not take the token from the others.
            await asyncio.shield(refreshing)
        return str(self._credentials.token)

    def forget(self) -> None:
        """The provider refused the token: the next call gets a new one."""
        if self._credentials is not None:
            self._credentials.token = None

    async def aclose(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    def _state(self) -> str:
        return "missing" if self._credentials is None else str(self._credentials.token_state.name).lower()

    def _refresh(self) -> asyncio.Task[None]:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refreshed(), name="google-token")
            self._refreshing.add_done_callback(_retrieve)
        return self._refreshing

    async def _refreshed(self) -> None:
        try:
            async with asyncio.timeout(REFRESH_S):
                if self._credentials is None:
                    self._credentials = await asyncio.to_thread(self._load)
                await asyncio.to_thread(_refresh, self._credentials)
        except TimeoutError:
            raise failures.timed_out(self._provider, REFRESH_S) from None
        except ProviderError:
            raise
        except Exception as error:
            raise self._failure(error) from None

    def _load(self) -> Any:
        from google.auth import default  # noqa: PLC0415 - only for rows that need it: 15 MB
        from google.oauth2 import service_account  # noqa: PLC0415

        path = self._provider.credentials.get("GOOGLE_APPLICATION_CREDENTIALS")
        if path:
            return service_account.Credentials.from_service_account_file(path, scopes=SCOPES)
        credentials, _ = default(scopes=SCOPES)
        return credentials

    def _failure(self, error: Exception) -> ProviderError:
        from google.auth.exceptions import RefreshError, TransportError  # noqa: PLC0415

        if isinstance(error, TransportError) or (isinstance(error, RefreshError) and error.retryable):
            return failures.unreachable(self._provider)
        if isinstance(error, RefreshError):
            return failures.misconfigured(self._provider, "its account was refused a token")
        return failures.misconfigured(self._provider, "its account's credentials could not be read")


def _refresh(credentials: Any) -> None:
    """Blocks. A session of our own, so that no proxy or netrc of the environment takes part."""
    from google.auth.transport.requests import Request  # noqa: PLC0415
    from requests import Session  # noqa: PLC0415

    with Session() as session:
        session.trust_env = False
        request: Callable[..., Any] = Request(session)
        credentials.refresh(request)


def _retrieve(task: asyncio.Task[None]) -> None:
    """Whoever waits gets the error; one of a refresh ahead of time has nobody, and the old token still
    serves."""
    if not task.cancelled():
        task.exception()
