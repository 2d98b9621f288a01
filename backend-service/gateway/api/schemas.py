"""The bodies' shapes, as far as the gateway must know them. Every other parameter passes through unread."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
ModelName = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Number = StrictInt | StrictFloat


class Open(BaseModel):
    """Knows some fields, lets the others be."""

    model_config = ConfigDict(extra="allow")


class Part(Open):
    """A part of a message's content: text, image_url, input_audio, file, refusal."""

    type: StrictStr
    text: StrictStr | None = None


class Message(Open):
    """One message."""

    role: Role
    content: StrictStr | list[Part] | None = None
    name: StrictStr | None = None
    tool_calls: list[dict[str, Any]] | None = None


class StreamOptions(Open):
    """`include_usage` asks for a last chunk with the usage."""

    include_usage: StrictBool | None = None


class ChatBody(Open):
    """OpenAI's chat completion request."""

    model: ModelName = Field(description='A model, with or without its provider, or "auto".')
    messages: list[Message] = Field(min_length=1)
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    presence_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    n: Annotated[StrictInt, Field(ge=1, le=128)] | None = None
    max_tokens: Annotated[StrictInt, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[StrictInt, Field(ge=1)] | None = None
    seed: StrictInt | None = None
    stop: StrictStr | list[StrictStr] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: StrictStr | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    user: StrictStr | None = None


class EmbeddingsBody(Open):
    """OpenAI's embeddings request."""

    model: ModelName
    input: (
        Annotated[StrictStr, Field(min_length=1)]
        | Annotated[list[StrictStr], Field(min_length=1, max_length=2048)]
        | Annotated[list[StrictInt], Field(min_length=1)]
        | Annotated[list[list[StrictInt]], Field(min_length=1, max_length=2048)]
    )
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[StrictInt, Field(ge=1)] | None = None
    user: StrictStr | None = None


class PromptBody(BaseModel):
    """The short way to ask one thing."""

    model_config = ConfigDict(extra="forbid")

    prompt: Annotated[StrictStr, Field(min_length=1)]
    model: ModelName = "auto"


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI description of a JSON body, for endpoints that read it themselves."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def component_schemas() -> dict[str, Any]:
    """The schemas that `body_of` refers to."""
    found: dict[str, Any] = {}
    for model in (ChatBody, EmbeddingsBody, PromptBody):
        found |= model.model_json_schema(ref_template="#/components/schemas/{model}").get("$defs", {})
    return found
