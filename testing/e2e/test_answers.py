"""Every kind of provider answers, as JSON and as a stream, through the whole path."""

from __future__ import annotations

from decimal import Decimal

import httpx

from testing.e2e.caller import Caller, Streamed
from testing.e2e.kinds import Kind
from testing.e2e.log import Log

CLASSES = ("public", "internal", "pii", "pci", "phi", "secret")


def test_json(caller: Caller, kind: Kind) -> None:
    answer = caller.chat(kind.model, "Say hello")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["object"] == "chat.completion"
    (choice,) = body["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["finish_reason"] == "stop"
    _said_by(kind, answer.headers, choice["message"]["content"])
    usage = body["usage"]
    assert usage["prompt_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert Decimal(answer.headers["x-gateway-cost-usd"]) >= 0


def test_a_name_may_carry_its_provider(caller: Caller, kind: Kind) -> None:
    answer = caller.chat(kind.qualified_model)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-gateway-deployment"] == kind.deployment


def test_stream(caller: Caller, kind: Kind) -> None:
    stream = caller.stream(kind.model, "Say hello")
    _complete(stream, kind)
    assert all("usage" not in event for event in stream.events), "usage was not asked for"
    ids = {event["id"] for event in stream.events}
    assert len(ids) == 1
    finishes = [choice["finish_reason"] for event in stream.events for choice in event["choices"]]
    assert finishes[-1] == "stop"
    assert set(finishes[:-1]) == {None}


def test_stream_with_usage(caller: Caller, kind: Kind) -> None:
    stream = caller.stream(kind.model, "Say hello", stream_options={"include_usage": True})
    _complete(stream, kind)
    *others, last = stream.events
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] > 0
    assert last["usage"]["completion_tokens"] > 0
    assert all(event["usage"] is None for event in others)


def test_the_short_way(caller: Caller, kind: Kind) -> None:
    answer = caller.request("POST", "/chat", json={"prompt": "Say hello", "model": kind.model})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["model"], body["provider"]) == (kind.model, kind.provider)
    _said_by(kind, answer.headers, body["response"])


def test_auto_takes_the_first_that_is_cleared(caller: Caller) -> None:
    answer = caller.chat("auto", "Say hello")
    assert answer.status_code == 200
    listed = caller.get("/v1/models").json()["data"]
    assert answer.headers["x-gateway-provider"] == listed[0]["owned_by"]


def test_the_log_line_says_the_same(caller: Caller, log: Log) -> None:
    answer = caller.chat("gpt-4o", "Say hello", claims={"sub": "somebody"})
    line = log.request(answer.headers["x-request-id"])
    usage = answer.json()["usage"]
    assert line["message"] == "request"
    assert (line["method"], line["route"], line["status"]) == ("POST", "/v1/chat/completions", 200)
    assert (line["tenant"], line["subject"]) == (caller.tenant, "somebody")
    assert (line["compliance_class"], line["outcome"], line["attempts"]) == ("public", "ok", 1)
    assert (line["deployment"], line["provider"]) == ("openai-gpt-4o", "openai")
    assert line["simulated"] == (answer.headers.get("x-gateway-simulated") == "true")
    assert line["input_tokens"] == usage["prompt_tokens"]
    assert line["output_tokens"] == usage["completion_tokens"]
    assert line["cost_usd"] == answer.headers["x-gateway-cost-usd"]


def test_a_stream_has_its_cost_in_the_log(caller: Caller, log: Log) -> None:
    stream = caller.stream("gpt-4o", "Say hello")
    line = log.request(stream.headers["x-request-id"])
    assert line["stream"] is True
    assert line["output_tokens"] > 0
    assert Decimal(line["cost_usd"]) > 0


def test_a_request_id_of_the_callers_is_kept_when_it_is_sane(caller: Caller, log: Log) -> None:
    answer = caller.chat("gpt-4o", headers={"X-Request-Id": "mine-0123456789"})
    assert answer.headers["x-request-id"] == "mine-0123456789"
    assert log.request("mine-0123456789")["status"] == 200
    for bad in ("with space", "x" * 65, "a\tb", "<script>"):
        replaced = caller.chat("gpt-4o", headers={"X-Request-Id": bad}).headers["x-request-id"]
        assert replaced != bad
        assert replaced.isascii()
        assert len(replaced) == 36


def _complete(stream: Streamed, kind: Kind) -> None:
    assert stream.status == 200, stream.events
    assert stream.done
    assert stream.error is None
    assert all(event["object"] == "chat.completion.chunk" for event in stream.events)
    assert len(stream.events) > 2, "it came in one piece"
    _said_by(kind, stream.headers, stream.text)


def _said_by(kind: Kind, headers: httpx.Headers, text: str) -> None:
    """The answer is the provider's that was asked for, and its headers say so."""
    assert text
    assert headers["x-gateway-deployment"] == kind.deployment
    assert headers["x-gateway-provider"] == kind.provider
    assert headers["x-gateway-attempts"] == "1"
    assert headers["x-compliance-class"] in CLASSES
    assert float(headers["x-gateway-overhead-ms"]) > 0
    assert headers["x-gateway-cache"] == "off"
    assert headers["x-request-id"]
    if headers.get("x-gateway-simulated") == "true":
        assert text.startswith(f"[simulated {kind.name}]")
    else:
        assert "[simulated" not in text
