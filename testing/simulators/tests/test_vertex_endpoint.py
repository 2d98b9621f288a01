"""The direct Vertex endpoint, with Google's own gRPC client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from testing.simulators.launch import Simulators
from testing.simulators.tests.grpc_calls import BODY, ENDPOINT, Caller
from testing.simulators.tests.tokens import google_token


@pytest.fixture
async def caller(simulators: Simulators) -> AsyncIterator[Caller]:
    token = google_token(simulators)
    found = Caller(simulators, token)
    yield found
    await found.close()


async def test_raw_predict(caller: Caller) -> None:
    answer = await caller.raw()
    value = json.loads(answer.data)
    assert answer.content_type == "application/json"
    assert value["model"] == "123"
    assert value["choices"][0]["message"]["content"].startswith("[simulated vertex_endpoint] 123")
    assert value["usage"]["prompt_tokens"] == 3


async def test_stream_raw_predict_carries_the_containers_events(caller: Caller) -> None:
    whole = json.loads((await caller.raw()).data)
    pieces = await caller.stream(body=BODY | {"stream_options": {"include_usage": True}})
    assert {piece.content_type for piece in pieces} == {"text/event-stream; charset=utf-8"}
    assert pieces[-1].data == b"data: [DONE]\n\n"
    chunks = [json.loads(piece.data[6:]) for piece in pieces[:-1]]
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks[:-1])
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"] == whole["usage"]


async def test_predict(caller: Caller) -> None:
    answer = await caller.predict({"content": "one"}, {"other": "two"})
    assert len(answer.predictions[0]["embeddings"]["values"]) == 64
    assert "simulated vertex_endpoint" in answer.predictions[1]


@pytest.mark.parametrize("token", [None, "ya29.invented"])
async def test_the_bearer_is_checked(simulators: Simulators, token: str | None) -> None:
    caller = Caller(simulators, token)
    with pytest.raises(Exception, match="authentication") as raised:
        await caller.raw()
    await caller.close()
    assert raised.value.grpc_status_code is grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        (ENDPOINT.replace("sim-project", "other"), grpc.StatusCode.PERMISSION_DENIED),
        (ENDPOINT.replace("123", "missing-1"), grpc.StatusCode.NOT_FOUND),
        ("projects/x", grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_the_endpoint_is_checked(caller: Caller, endpoint: str, code: grpc.StatusCode) -> None:
    assert await _code(caller.raw(endpoint)) is code


async def test_a_body_that_the_container_refuses(caller: Caller) -> None:
    assert await _code(caller.raw(body={"messages": []})) is grpc.StatusCode.INVALID_ARGUMENT
    assert await _code(caller.raw(body={"messages": [{}], "tools": 7})) is grpc.StatusCode.INVALID_ARGUMENT


async def test_every_message_is_recorded(simulators: Simulators, caller: Caller) -> None:
    await caller.raw(body={"messages": [{"role": "user", "content": "needle"}], "store": False})
    exchange = simulators.exchange("vertex_endpoint")
    assert b"needle" in exchange["raw"]
    assert exchange["target"] == "/google.cloud.aiplatform.v1.PredictionService/RawPredict"
    assert dict(exchange["headers"])["authorization"].startswith("Bearer ya29.")
    assert (exchange["status"], exchange["ended"]) == (200, "answered")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (500, grpc.StatusCode.INTERNAL),
        (503, grpc.StatusCode.UNAVAILABLE),
        (529, grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_statuses_by_a_metadata_key(caller: Caller, status: int, code: grpc.StatusCode) -> None:
    assert await _code(caller.raw(ENDPOINT, ("x-simulator-fault", str(status)))) is code


async def test_retry_after_is_trailing_metadata(caller: Caller) -> None:
    with pytest.raises(Exception, match="exhausted") as raised:
        await caller.raw(ENDPOINT, ("x-simulator-fault", "429; retry_after=3"))
    trailing = raised.value.errors[0].trailing_metadata()  # type: ignore[attr-defined]
    assert ("retry-after", "3") in [(key, value) for key, value in trailing]


async def test_a_stall_ends_with_the_callers_patience(simulators: Simulators, caller: Caller) -> None:
    simulators.fault("vertex_endpoint", "stall", after=1)
    pieces = aiter(await caller.opened(patience=0.5))
    assert (await anext(pieces)).data.startswith(b"data: ")
    with pytest.raises(Exception, match="Deadline"):
        await anext(pieces)
    assert simulators.exchange("vertex_endpoint")["client_left"] is True


@pytest.mark.parametrize("fault", ["reset", "cut", "error-event"])
async def test_a_broken_stream_is_an_error_after_its_first_pieces(
    simulators: Simulators, caller: Caller, fault: str
) -> None:
    simulators.fault("vertex_endpoint", fault, times=1)
    with pytest.raises(Exception, match=r"503|499|Socket closed|unavailable|CANCELLED|Cancelled"):
        await caller.stream()
    assert len(await caller.stream()) > 5


async def test_refused_connections_until_the_fault_is_cleared(simulators: Simulators, caller: Caller) -> None:
    assert await caller.raw()
    simulators.fault("vertex_endpoint", "refuse")
    assert await _code(caller.raw()) is grpc.StatusCode.UNAVAILABLE
    simulators.control("DELETE", "/faults/vertex_endpoint")
    second = Caller(simulators, google_token(simulators))
    assert await second.raw()
    await second.close()


async def test_steered_and_large_answers(simulators: Simulators, caller: Caller) -> None:
    simulators.fault("vertex_endpoint", "usage-missing")
    assert "usage" not in json.loads((await caller.raw()).data)
    simulators.fault("vertex_endpoint", "large", bytes=1_000_000)
    assert len(json.loads((await caller.raw()).data)["choices"][0]["message"]["content"]) == 1_000_000


async def _code(call: Any) -> grpc.StatusCode:
    with pytest.raises(Exception, match=r"\d{3}") as raised:
        await call
    code: grpc.StatusCode = raised.value.grpc_status_code  # type: ignore[attr-defined]
    return code
