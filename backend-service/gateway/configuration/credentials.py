"""Which credentials open a provider, and whether the real one or its simulator is used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gateway.configuration.schema import ProviderRow
from gateway.settings import Settings
from gateway.types import Provider, ProviderKind


@dataclass(frozen=True, slots=True)
class Needs:
    """What a kind of provider takes from the environment.

    One of the groups in ``any_of`` is enough; no groups means that none is needed. ``address`` is the
    variable that overrides the row's address.
    """

    any_of: tuple[tuple[str, ...], ...] = ()
    optional: tuple[str, ...] = ()
    address: str | None = None


NEEDS: Mapping[ProviderKind, Needs] = {
    ProviderKind.OPENAI: Needs((("OPENAI_API_KEY",),)),
    ProviderKind.ANTHROPIC: Needs((("ANTHROPIC_API_KEY",),)),
    ProviderKind.GROQ: Needs((("GROQ_API_KEY",),)),
    ProviderKind.OLLAMA: Needs(address="OLLAMA_BASE_URL"),
    ProviderKind.OPENAI_COMPATIBLE: Needs(
        optional=("OPENAI_COMPATIBLE_API_KEY",), address="OPENAI_COMPATIBLE_BASE_URL"
    ),
    ProviderKind.VERTEX_AI: Needs((("GOOGLE_CLOUD_PROJECT",),), ("GOOGLE_APPLICATION_CREDENTIALS",)),
    ProviderKind.VERTEX_ENDPOINT: Needs(
        (("GOOGLE_CLOUD_PROJECT", "VERTEX_ENDPOINT_ID"),), ("GOOGLE_APPLICATION_CREDENTIALS",)
    ),
    ProviderKind.BEDROCK: Needs(
        (
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            ("AWS_BEARER_TOKEN_BEDROCK",),
            ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        ),
        ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_STS"),
    ),
}


def resolve_provider(name: str, row: ProviderRow, settings: Settings) -> Provider:
    """The provider with its credentials, or its simulator where the simulators' file stands in for it.

    One that lacks something says so in ``unavailable``: its deployments are then never chosen.
    """
    if settings.simulators_file and (stand_in := _simulators(settings.simulators_file).get(row.kind.value)):
        return Provider(name, row.kind, stand_in["base_url"], stand_in.get("env", {}), simulated=True)
    needs = NEEDS[row.kind]
    address = settings.addresses.get(needs.address) if needs.address else None
    return Provider(
        name=name,
        kind=row.kind,
        base_url=address or row.base_url,
        credentials=_credentials(needs, settings.credentials),
        unavailable=missing(row.kind, settings, row.base_url),
    )


def missing(kind: ProviderKind, settings: Settings, base_url: str | None = None) -> str | None:
    """What to set so that a provider of ``kind`` can be asked; None when all is there."""
    needs = NEEDS[kind]
    if needs.address and not (settings.addresses.get(needs.address) or base_url):
        return f"no address; set {needs.address}"
    credentials = _credentials(needs, settings.credentials)
    if not needs.any_of or any(all(name in credentials for name in group) for group in needs.any_of):
        return None
    ways = " or ".join(" and ".join(group) for group in needs.any_of)
    return f"no credentials; set {ways}"


def _credentials(needs: Needs, all_credentials: Mapping[str, str]) -> Mapping[str, str]:
    wanted = {name for group in needs.any_of for name in group} | set(needs.optional)
    found = {name: value for name, value in all_credentials.items() if name in wanted}
    if "GOOGLE_CLOUD_PROJECT" in wanted and "GOOGLE_CLOUD_PROJECT" not in found:
        found |= _project_of(found.get("GOOGLE_APPLICATION_CREDENTIALS"))
    return found


def _project_of(service_account_file: str | None) -> dict[str, str]:
    """A service account's file names its project, so that the file alone is enough."""
    if service_account_file is None:
        return {}
    try:
        project = json.loads(Path(service_account_file).read_text(encoding="utf-8")).get("project_id")
    except (OSError, ValueError, AttributeError):
        return {}
    return {"GOOGLE_CLOUD_PROJECT": project} if isinstance(project, str) else {}


@cache
def _simulators(path: Path) -> Mapping[str, Mapping[str, Any]]:
    providers: Mapping[str, Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["providers"]
    return providers
