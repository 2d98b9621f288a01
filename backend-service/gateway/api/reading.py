"""From a body's bytes to a checked request. Every refusal names the field."""

from __future__ import annotations

from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from gateway.api.schemas import ChatBody, EmbeddingsBody, PromptBody
from gateway.errors import InvalidRequest, UnsupportedMediaType
from gateway.types import ChatRequest, EmbeddingsRequest, JsonObject

#: JSON nested deeper than this is nobody's request; libraries further down recurse.
MAX_DEPTH = 64
#: The names that pydantic puts into a path for the member of a union that it tried.
UNION_MEMBERS = frozenset({"str", "int", "float", "bool", "list", "dict"})
Body = TypeVar("Body", bound=BaseModel)


def read_chat(request: Request) -> ChatRequest:
    """`POST /v1/chat/completions`. Raises InvalidRequest or UnsupportedMediaType."""
    payload = _read_json(request)
    body = _checked(ChatBody, payload)
    payload.pop("model")
    payload.pop("stream", None)
    payload.pop("stream_options", None)
    options = body.stream_options
    return ChatRequest(body.model, bool(body.stream), bool(options and options.include_usage), payload)


def read_embeddings(request: Request) -> EmbeddingsRequest:
    """`POST /v1/embeddings`. Raises InvalidRequest or UnsupportedMediaType."""
    payload = _read_json(request)
    body = _checked(EmbeddingsBody, payload)
    payload.pop("model")
    payload.pop("encoding_format", None)
    return EmbeddingsRequest(body.model, body.encoding_format == "base64", payload)


def read_prompt(request: Request) -> ChatRequest:
    """`POST /chat`: one prompt. Raises InvalidRequest or UnsupportedMediaType."""
    body = _checked(PromptBody, _read_json(request))
    messages = [{"role": "user", "content": body.prompt}]
    return ChatRequest(body.model, stream=False, include_usage=False, payload={"messages": messages})


def _read_json(request: Request) -> JsonObject:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType("Send the header Content-Type: application/json.", param="content-type")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body uncompressed.", param="content-encoding")
    body: bytes = request.state.body
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The decoder's own message quotes nothing of the body, only what it expected and where.
        raise InvalidRequest(f"The body is not valid JSON: {error.msg}, line {error.lineno}.") from None
    if not isinstance(payload, dict):
        raise InvalidRequest("The body must be a JSON object.")
    if _too_deep(body, payload):
        raise InvalidRequest(f"The body is nested deeper than {MAX_DEPTH} levels.")
    return payload


def _checked(model: type[Body], payload: JsonObject) -> Body:
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        # Of the members of a union, the one that was meant got furthest.
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        first = max(faults, key=lambda fault: len(fault["loc"]))
        path = _path(first["loc"])
        raise InvalidRequest(f"{path or 'The body'}: {first['msg']}.", param=path or None) from None


def _path(location: tuple[int | str, ...]) -> str:
    """``("messages", 0, "content")`` as OpenAI writes it: ``messages[0].content``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isidentifier() and part.islower() and part not in UNION_MEMBERS:
            path += f".{part}" if path else part
    return path


def _too_deep(body: bytes, payload: Any) -> bool:
    """Whether ``payload`` is nested deeper than MAX_DEPTH; looked at only where brackets abound."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    level = [payload]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
