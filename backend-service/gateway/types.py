"""The nouns that the rooms share. Frozen values without behaviour that needs I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from compliance.classes import ComplianceClass

JsonObject = dict[str, Any]


class Operation(StrEnum):
    """What a deployment can be asked to do."""

    CHAT = "chat"
    EMBEDDINGS = "embeddings"


class ProviderKind(StrEnum):
    """The protocols that the gateway speaks upstream; a provider row names one."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GROQ = "groq"
    OLLAMA = "ollama"
    OPENAI_COMPATIBLE = "openai_compatible"
    VERTEX_AI = "vertex_ai"
    BEDROCK = "bedrock"
    VERTEX_ENDPOINT = "vertex_endpoint"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for one token of each sort. ``Decimal``, because money is."""

    input_per_token: Decimal
    output_per_token: Decimal
    cached_input_per_token: Decimal
    cache_write_per_token: Decimal


@dataclass(frozen=True, slots=True)
class Agreement:
    """The contract under which a deployment may see regulated data; not valid after ``expires``."""

    ref: str
    expires: date


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines of one attempt, in seconds.

    ``total_s`` bounds a JSON answer, ``first_chunk_s`` the wait for a stream's first chunk, ``stall_s`` the
    wait between two chunks, ``stream_s`` a whole stream.
    """

    total_s: float = 120.0
    first_chunk_s: float = 60.0
    stall_s: float = 60.0
    stream_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Provider:
    """An account at a provider: where it is and what opens it.

    ``credentials`` holds values that must never be shown, by the names of the environment variables that they
    came from (``OPENAI_API_KEY``); hence no ``repr``. ``unavailable`` says what is missing to ask it.
    """

    name: str
    kind: ProviderKind
    base_url: str | None
    credentials: Mapping[str, str] = field(repr=False)
    simulated: bool = False
    unavailable: str | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One model at one provider in one region: what is cleared, priced, routed to and asked.

    ``model`` is the name callers use, ``upstream_model`` the provider's own. ``cleared_for`` holds the
    categories that it may see beyond public data. ``region`` is where the data is processed.
    """

    id: str
    provider: Provider
    model: str
    upstream_model: str
    operations: frozenset[Operation]
    region: str
    cleared_for: frozenset[str]
    agreement: Agreement | None
    price: Price
    timeouts: Timeouts = Timeouts()

    @property
    def qualified_model(self) -> str:
        """The model's name with its provider's in front: ``openai/gpt-4o``."""
        return f"{self.provider.name}/{self.model}"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer. ``input`` holds all input tokens, cached and cache-writing ones among them."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer in OpenAI's shape. ``usage`` is None where the provider gave none."""

    payload: JsonObject
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """One ``chat.completion.chunk`` of a stream. The chunk that carries ``usage`` may have no choices."""

    payload: JsonObject
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """What a tenant's row in ``gateway.yaml`` grants; tokens only narrow it.

    ``models`` are patterns (``*``, ``gpt-*``, ``ollama/*``); ``floor`` is the class that every request of the
    tenant has at least.
    """

    name: str
    floor: ComplianceClass
    models: tuple[str, ...]
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and with what class at least: the tag joined with the tenant's row.

    A model may be used if *each* of ``model_lists`` has a pattern that matches it.
    """

    tenant: str
    subject: str
    tier: str | None
    project: str | None
    scopes: frozenset[str]
    model_lists: tuple[tuple[str, ...], ...]
    compliance: ComplianceClass
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat request that has been read and checked.

    ``payload`` is the caller's own body without ``model``, ``stream`` and ``stream_options``: parameters that
    the gateway does not know pass through in it. ``include_usage``: the caller wants a stream's usage chunk.
    """

    model: str
    stream: bool
    include_usage: bool
    payload: JsonObject


@dataclass(frozen=True, slots=True)
class EmbeddingsRequest:
    """An embeddings request that has been read and checked; ``base64`` is the asked encoding of vectors."""

    model: str
    base64: bool
    payload: JsonObject
