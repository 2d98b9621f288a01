"""What a gateway has to reach outside, as its configuration says, and nothing else.

The host of a deployment is the one that requests to it are held to (``origin_and_path``, ``address_of``), so
the list cannot say something else than the gateway does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import ProviderError
from gateway.providers.aws_roles import sts_url
from gateway.providers.litellm_kinds import KINDS, origin_and_path
from gateway.providers.vertex_channel import address_of
from gateway.proxy import Proxy
from gateway.types import Deployment, ProviderKind

GOOGLE_TOKENS = "https://oauth2.googleapis.com"

ACCOUNTS: Mapping[ProviderKind, Callable[[Deployment], str]] = MappingProxyType(
    {
        # For the key file of a service account. Workload identity asks the node, not the internet.
        ProviderKind.VERTEX_AI: lambda _: GOOGLE_TOKENS,
        ProviderKind.VERTEX_ENDPOINT: lambda _: GOOGLE_TOKENS,
        # For a role.
        ProviderKind.BEDROCK: sts_url,
    }
)
"""Where the accounts of a kind get their tokens."""


@dataclass(frozen=True, slots=True, order=True)
class Host:
    """A name or address and a port that is reached with TLS."""

    name: str
    port: int

    def __str__(self) -> str:
        return f"{f'[{self.name}]' if ':' in self.name else self.name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Egress:
    """``hosts`` are asked by the backend, ``issuers`` by Kong; sorted.

    ``left_out`` says what is not among them, and why.
    """

    hosts: tuple[Host, ...]
    issuers: tuple[Host, ...]
    left_out: tuple[str, ...]


def egress_of(
    deployments: Iterable[Deployment],
    issuers: Mapping[str, Any] | None = None,
    proxy: Proxy | None = None,
) -> Egress:
    """The hosts of all deployments, whether or not their credentials are there, and of identity providers.

    With a proxy, only those of the deployments that it serves.
    """
    hosts: set[Host] = set()
    left_out: set[str] = set()
    for deployment in deployments:
        provider = deployment.provider
        try:
            url = _url(deployment)
        except ProviderError:
            left_out.add(f"{provider.name}: it has no address yet")
            continue
        if urlsplit(url).scheme != "https":
            left_out.add(f"{provider.name}: {url} is asked without TLS, and so is a server of your own")
            continue
        if proxy is not None and not proxy.serves(url):
            left_out.add(f"{provider.name}: {url} is exempt from the proxy (NO_PROXY)")
            continue
        hosts.add(_host(url))
        if provider.kind in ACCOUNTS:
            hosts.add(_host(ACCOUNTS[provider.kind](deployment)))
    rows = issuers["issuers"] if issuers else ()
    for row in rows:
        if "jwks_uri" not in row:
            left_out.add(f"{row['issuer']}: its keys may stand on another host; a jwks_uri would tell")
    asked = {_host(row.get("jwks_uri") or row["issuer"]) for row in rows}
    return Egress(tuple(sorted(hosts)), tuple(sorted(asked)), tuple(sorted(left_out)))


def _url(deployment: Deployment) -> str:
    if deployment.provider.kind is ProviderKind.VERTEX_ENDPOINT:
        return f"https://{address_of(deployment)}"
    return origin_and_path(KINDS[deployment.provider.kind], deployment)[0]


def _host(url: str) -> Host:
    parts = urlsplit(url)
    return Host((parts.hostname or "").rstrip("."), parts.port or 443)
