"""The endpoints that the edge routes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from gateway.api import introspection
from gateway.api.answering import EventStream, json_answer, unless_caller_leaves, with_base64_vectors
from gateway.api.reading import read_chat, read_embeddings, read_prompt
from gateway.api.schemas import ChatBody, EmbeddingsBody, PromptBody, body_of
from gateway.api.state import admit, gateway_of, record_of
from gateway.observability.label_values import HEALTH

router = APIRouter()


@router.post("/v1/chat/completions", openapi_extra=body_of(ChatBody), tags=["inference"])
async def chat_completions(request: Request) -> Response:
    """A chat completion in OpenAI's shape, as JSON or as a stream of events."""
    caller, record = admit(request, "chat"), record_of(request)
    with record.step("read"):
        asked = read_chat(request)
    pipeline = gateway_of(request).pipeline
    record.stream = asked.stream
    if asked.stream:
        chunks = await unless_caller_leaves(request, pipeline.chat_stream(asked, caller, record))
        return EventStream(chunks, include_usage=asked.include_usage)
    answer = await unless_caller_leaves(request, pipeline.chat(asked, caller, record))
    return json_answer(answer.payload)


@router.post("/v1/embeddings", openapi_extra=body_of(EmbeddingsBody), tags=["inference"])
async def embeddings(request: Request) -> Response:
    """Vectors in OpenAI's shape."""
    caller, record = admit(request, "embeddings"), record_of(request)
    with record.step("read"):
        asked = read_embeddings(request)
    answer = await unless_caller_leaves(request, gateway_of(request).pipeline.embed(asked, caller, record))
    return json_answer(with_base64_vectors(answer.payload) if asked.base64 else answer.payload)


@router.post("/chat", openapi_extra=body_of(PromptBody), tags=["inference"])
async def chat(request: Request) -> Response:
    """One prompt in, one text out."""
    caller, record = admit(request, "chat"), record_of(request)
    with record.step("read"):
        asked = read_prompt(request)
    answer = await unless_caller_leaves(request, gateway_of(request).pipeline.chat(asked, caller, record))
    assert record.deployment is not None
    return json_answer(
        {
            "response": answer.payload["choices"][0]["message"].get("content") or "",
            "model": record.deployment.model,
            "provider": record.deployment.provider.name,
            "usage": answer.payload.get("usage"),
        }
    )


@router.get("/v1/models", tags=["inference"])
async def models(request: Request) -> dict[str, Any]:
    """The models that this caller may use, for the class that its requests have at least."""
    caller = admit(request, "models")
    return introspection.models(gateway_of(request).pipeline.usable(caller))


@router.get("/v1/models/{model:path}", tags=["inference"])
async def model(request: Request, model: str) -> dict[str, Any]:
    """One of them."""
    caller = admit(request, "models")
    return introspection.model(model, gateway_of(request).pipeline.usable(caller))


@router.head("/health", include_in_schema=False)
@router.get("/health", tags=["operation"])
async def health(request: Request, response: Response) -> dict[str, str]:
    """Whether to send requests here: the process answers, and is not about to end (503).

    Whether it can work is `/ready` on the management port.
    """
    record_of(request).operation = HEALTH
    if gateway_of(request).lifecycle.draining:
        response.status_code = 503
        return {"status": "draining"}
    return {"status": "ok"}


@router.get("/providers", tags=["operation"])
async def providers(request: Request) -> dict[str, Any]:
    """Providers and their deployments: what is set up, simulated, and cleared for what."""
    admit(request, "providers")
    return introspection.providers(gateway_of(request).configuration)


@router.get("/settings", tags=["operation"])
async def settings(request: Request) -> dict[str, Any]:
    """What the environment says, without a secret. Needs the scope `admin`."""
    admit(request, "settings", scope="admin")
    return gateway_of(request).settings.public()


@router.get("/config", tags=["operation"])
async def config(request: Request) -> dict[str, Any]:
    """`gateway.yaml` as it is in force; it holds no secret. Needs the scope `admin`."""
    admit(request, "config", scope="admin")
    return dict(gateway_of(request).configuration.document)


@router.get("/redis-test", tags=["operation"])
async def redis_test(request: Request) -> dict[str, Any]:
    """Writes to and reads from the shared store. Needs the scope `admin`."""
    admit(request, "redis-test", scope="admin")
    gateway = gateway_of(request)
    return await introspection.shared_store(gateway.settings, gateway.checks)
