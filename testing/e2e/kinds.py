"""The eight kinds of provider, each with a model that `configs/gateway/gateway.yaml` serves through it."""

from __future__ import annotations

from dataclasses import dataclass

from testing.e2e.prepared import impatient


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind's name (also its simulator's), and the row that the tests ask."""

    name: str
    provider: str
    deployment: str
    model: str

    @property
    def qualified_model(self) -> str:
        return f"{self.provider}/{self.model}"

    @property
    def impatient_model(self) -> str:
        """The same, with short deadlines."""
        return impatient(self.model)


KINDS = (
    Kind("vertex_ai", "vertex_ai", "vertex-gemini-flash", "gemini-3.5-flash-lite"),
    Kind("openai", "openai", "openai-gpt-4o", "gpt-4o"),
    Kind("bedrock", "bedrock", "bedrock-claude-sonnet", "claude-3-5-sonnet-bedrock"),
    Kind("anthropic", "anthropic", "anthropic-claude-sonnet", "claude-sonnet-4-6"),
    Kind("groq", "groq", "groq-llama-70b", "llama-3.3-70b-versatile"),
    Kind("openai_compatible", "vllm", "vllm-llama", "llama-3.1-8b-instruct"),
    Kind("vertex_endpoint", "vertex_endpoint", "vertex-endpoint-own", "own-model"),
    Kind("ollama", "ollama", "ollama-llama", "llama3.2:1b"),
)
