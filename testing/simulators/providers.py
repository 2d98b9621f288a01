"""The providers: a row each, with how it talks, where its API begins, and the credentials that it accepts."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from testing.simulators.google_identity import GoogleIdentity
from testing.simulators.protocols.anthropic import Anthropic
from testing.simulators.protocols.bedrock import Bedrock
from testing.simulators.protocols.groq import Groq
from testing.simulators.protocols.ollama import Ollama
from testing.simulators.protocols.openai import OpenAI
from testing.simulators.protocols.openai_compatible import OpenAICompatible
from testing.simulators.protocols.vertex import Vertex
from testing.simulators.simulator import Service


@dataclass(frozen=True, slots=True)
class Credentials:
    """Drawn at start, so that nothing outside the simulators can accept them."""

    openai: str = field(default_factory=lambda: f"sk-simulated-{secrets.token_hex(16)}")
    anthropic: str = field(default_factory=lambda: f"sk-ant-simulated-{secrets.token_hex(16)}")
    groq: str = field(default_factory=lambda: f"gsk_simulated{secrets.token_hex(16)}")
    openai_compatible: str = field(default_factory=lambda: f"simulated-{secrets.token_hex(16)}")
    aws_key_id: str = field(default_factory=lambda: f"AKIASIM{secrets.token_hex(7)[:13].upper()}")
    aws_secret: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    bedrock_bearer: str = field(default_factory=lambda: f"simulated-bedrock-{secrets.token_hex(32)}")
    google: GoogleIdentity = field(default_factory=GoogleIdentity)


@dataclass(frozen=True, slots=True)
class Provider:
    """A row. A client's base URL ends with `base_path`; it reads its credentials from `env`."""

    name: str
    service: Callable[[str, Credentials], Service]
    base_path: str
    env: Callable[[Credentials], dict[str, str]]


def _bedrock(name: str, drawn: Credentials) -> Bedrock:
    return Bedrock(name, drawn.aws_key_id, drawn.aws_secret, drawn.bedrock_bearer)


PROVIDERS = (
    Provider("openai", lambda name, c: OpenAI(name, c.openai), "/v1", lambda c: {"OPENAI_API_KEY": c.openai}),
    Provider(
        "anthropic",
        lambda name, c: Anthropic(name, c.anthropic),
        "",
        lambda c: {"ANTHROPIC_API_KEY": c.anthropic},
    ),
    Provider("groq", lambda name, c: Groq(name, c.groq), "/openai/v1", lambda c: {"GROQ_API_KEY": c.groq}),
    Provider("ollama", lambda name, _: Ollama(name, None), "", lambda _: {}),
    Provider(
        "openai_compatible",
        lambda name, c: OpenAICompatible(name, c.openai_compatible),
        "/v1",
        lambda c: {"OPENAI_COMPATIBLE_API_KEY": c.openai_compatible},
    ),
    Provider("vertex_ai", lambda name, c: Vertex(name, c.google), "", lambda _: {}),
    Provider(
        "bedrock",
        _bedrock,
        "",
        lambda c: {
            "AWS_ACCESS_KEY_ID": c.aws_key_id,
            "AWS_SECRET_ACCESS_KEY": c.aws_secret,
            "AWS_REGION": "us-east-1",
        },
    ),
)
"""Those behind HTTP; `vertex_endpoint` speaks gRPC and stands in `fleet.py`."""
