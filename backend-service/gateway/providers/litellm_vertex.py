"""Our Google tokens, put where LiteLLM looks for its own.

Its own refresh goes through ``requests``, which follows the environment's proxies, and would be a second
refresher beside the one that direct Vertex endpoints use. LiteLLM keeps credentials in a mapping of its
handlers, by the value of ``vertex_credentials`` and the project; a fresh token found there is used as it
is. If a later version no longer looks there, it fails on our key, which is no credential, and the contract
tests say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.providers.litellm_kinds import vertex_key
from gateway.types import Deployment


@dataclass(frozen=True, slots=True)
class HeldToken:
    """What LiteLLM asks of credentials; always fresh, since ours are renewed elsewhere."""

    token: str
    token_state: Any
    quota_project_id: None = None
    expired: bool = False


def hand_over(litellm: Any, deployment: Deployment, token: str) -> None:
    """Let the next calls of this provider row use ``token``."""
    from google.auth.credentials import TokenState  # noqa: PLC0415

    project = deployment.provider.credentials.get("GOOGLE_CLOUD_PROJECT") or "none"
    for handler in _handlers(litellm):
        handler._credentials_project_mapping[vertex_key(deployment), project] = (
            HeldToken(token, TokenState.FRESH),
            project,
        )


def _handlers(litellm: Any) -> tuple[Any, ...]:
    main = litellm.main
    return (
        main.vertex_chat_completion,
        main.vertex_partner_models_chat_completion,
        main.vertex_embedding,
        main.google_batch_embeddings,
    )
