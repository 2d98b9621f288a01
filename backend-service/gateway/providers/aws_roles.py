"""Key pairs of an AWS role, for accounts that get a token of the cluster's instead of keys (IRSA on EKS).

The token's file is read anew each time, for the cluster replaces it. Keys are renewed ahead of their end
while the old ones serve; callers that have none wait for the same request.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from gateway.providers import connecting, failures
from gateway.proxy import Proxy
from gateway.types import Deployment, JsonObject, Provider

REFRESH_S = 20.0
AHEAD_S = 600.0
LAST_S = 30.0
MAX_ANSWER_BYTES = 64 * 1024

_ROLE, _TOKEN_FILE, _ADDRESS = "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ENDPOINT_URL_STS"
_OWN = ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID")


@dataclass(frozen=True, slots=True)
class RoleKeys:
    """Good until ``expires_at``, in seconds of the epoch."""

    key_id: str = field(repr=False)
    secret: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: float

    def arguments(self) -> JsonObject:
        """As LiteLLM takes them."""
        return {
            "aws_access_key_id": self.key_id,
            "aws_secret_access_key": self.secret,
            "aws_session_token": self.session_token,
        }


def assumes(provider: Provider) -> bool:
    """Whether the account is a role; keys of its own come before it."""
    given = provider.credentials
    return bool(given.get(_ROLE) and given.get(_TOKEN_FILE)) and not any(map(given.get, _OWN))


def sts_url(deployment: Deployment) -> str:
    """Where roles are assumed: in the deployment's own region."""
    suffix = ".cn" if deployment.region.startswith("cn-") else ""
    regional = f"https://sts.{deployment.region}.amazonaws.com{suffix}"
    return deployment.provider.credentials.get(_ADDRESS) or regional


class AwsRoles:
    """The roles of all accounts that have one, a key pair for each region."""

    def __init__(self, session: aiohttp.ClientSession, proxy: Proxy | None = None) -> None:
        self._session = session
        self._proxy = proxy
        self._roles: dict[tuple[str, str], _Role] = {}

    async def keys(self, deployment: Deployment) -> RoleKeys:
        """Keys that are valid now. Raises ``ProviderError`` when there are none to be had."""
        key = (deployment.provider.name, sts_url(deployment))
        if key not in self._roles:
            self._roles[key] = _Role(deployment.provider, key[1], self._session, self._proxy)
        return await self._roles[key].keys()

    async def aclose(self) -> None:
        for role in self._roles.values():
            await role.aclose()


class _Role:
    def __init__(
        self, provider: Provider, url: str, session: aiohttp.ClientSession, proxy: Proxy | None
    ) -> None:
        self._provider = provider
        self._url = url
        self._session = session
        self._proxy = proxy if proxy and proxy.serves(url) else None
        self._asking: asyncio.Task[RoleKeys] | None = None
        self._keys: RoleKeys | None = None

    async def keys(self) -> RoleKeys:
        left_s = self._keys.expires_at - time.time() if self._keys else 0.0
        if self._keys is not None and left_s > LAST_S:
            if left_s < AHEAD_S:
                self._ask()
            return self._keys
        # Shielded: a caller that leaves must not take the keys from the others.
        return await asyncio.shield(self._ask())

    async def aclose(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _ask(self) -> asyncio.Task[RoleKeys]:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._asked(), name="aws-role")
            # One ahead of time has nobody who waits for its error; the old keys serve.
            self._asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._asking

    async def _asked(self) -> RoleKeys:
        try:
            token = await asyncio.to_thread(Path(self._provider.credentials[_TOKEN_FILE]).read_text, "utf-8")
        except (OSError, ValueError):
            raise failures.misconfigured(self._provider, "the token of its role could not be read") from None
        try:
            async with asyncio.timeout(REFRESH_S):
                status, answer = await self._exchanged(token.strip())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            host = urlsplit(self._url).hostname or ""
            raise connecting.failure_of(error, self._provider, host, self._proxy) from None
        if status in {400, 401, 403}:
            raise failures.misconfigured(self._provider, f"its role was refused (HTTP {status})")
        if status != 200:
            raise failures.unreachable(self._provider, f"its role could not be assumed (HTTP {status})")
        keys = _read(answer)
        if keys is None:
            raise failures.bad_answer(self._provider)
        self._keys = keys
        return keys

    async def _exchanged(self, token: str) -> tuple[int, str]:
        form = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": self._provider.credentials[_ROLE],
            "RoleSessionName": "portcullis",
            "WebIdentityToken": token,
        }
        async with self._session.post(
            self._url,
            data=form,
            allow_redirects=False,
            proxy=self._proxy.address if self._proxy else None,
            proxy_headers=self._proxy.headers if self._proxy else None,
        ) as response:
            body = bytearray()
            async for piece in response.content.iter_chunked(MAX_ANSWER_BYTES):
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    break
            return response.status, body.decode("utf-8", "replace")


def _read(answer: str) -> RoleKeys | None:
    found = [
        re.search(rf"<{name}>\s*([^<]+?)\s*</{name}>", answer)
        for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    ]
    if not all(found):
        return None
    key_id, secret, session_token, expires = (match[1] for match in found if match)
    try:
        return RoleKeys(key_id, secret, session_token, datetime.fromisoformat(expires).timestamp())
    except ValueError:
        return None
