"""The order of the steps, with a providers' room that is scripted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from compliance.classes import ComplianceClass
from gateway.errors import (
    ModelNotFound,
    NotCleared,
    ProviderError,
    ProviderRejected,
    ProviderUnreachable,
    StreamInterrupted,
    Unavailable,
)
from gateway.observability import Metrics, RequestRecord
from gateway.pipeline import Pipeline
from gateway.types import Caller, ChatRequest, Deployment, EmbeddingsRequest

Make = Callable[..., Deployment]
TODAY = date(2026, 11, 21)


def caller(*categories: str, models: tuple[str, ...] = ("*",)) -> Caller:
    return Caller(
        "demo",
        "ann",
        None,
        None,
        frozenset({"inference"}),
        (models,),
        ComplianceClass(frozenset(categories)),
        (),
    )


def asked(model: str) -> ChatRequest:
    return ChatRequest(model, stream=False, include_usage=False, payload={"messages": []})


def record_for(who: Caller) -> RequestRecord:
    return RequestRecord("id", compliance=who.compliance, caller=who)


def pipeline(rows: list[Deployment], room: Any) -> Pipeline:
    return Pipeline(rows, room, Metrics(), today=lambda: TODAY)


@pytest.fixture
def rows(deployment: Make) -> list[Deployment]:
    cleared = frozenset({"internal", "pii", "phi", "pci", "secret"})
    return [deployment("cloud", cleared_for=frozenset({"internal"})), deployment("own", cleared_for=cleared)]


@pytest.mark.parametrize(
    ("categories", "expected"), [((), "cloud"), (("internal",), "cloud"), (("phi",), "own")]
)
async def test_auto_takes_the_first_cleared(
    rows: list[Deployment], scripted: Any, categories: tuple[str, ...], expected: str
) -> None:
    who = caller(*categories)
    record = record_for(who)
    await pipeline(rows, scripted).chat(asked("auto"), who, record)
    assert [name for name, _ in scripted.asked] == [expected]
    assert record.deployment is not None
    assert record.deployment.id == expected
    assert record.attempts == 1


async def test_a_model_that_is_not_cleared_is_never_asked(rows: list[Deployment], scripted: Any) -> None:
    who = caller("phi")
    with pytest.raises(NotCleared, match=r"cleared_for:phi") as refusal:
        await pipeline(rows, scripted).chat(asked("cloud/m-cloud"), who, record_for(who))
    assert refusal.value.param == "model"
    assert scripted.asked == []


async def test_nothing_else_is_asked_when_the_only_cleared_one_fails(
    rows: list[Deployment], scripted: Any
) -> None:
    scripted.script["own"] = ProviderUnreachable("down", provider="own")
    who = caller("phi")
    with pytest.raises(ProviderUnreachable):
        await pipeline(rows, scripted).chat(asked("auto"), who, record_for(who))
    assert [name for name, _ in scripted.asked] == ["own"]


async def test_the_next_deployment_of_a_model_is_asked_when_one_fails(
    deployment: Make, scripted: Any, answer: Any
) -> None:
    rows = [deployment("a", model="m"), deployment("b", model="m")]
    scripted.script = {"a": ProviderUnreachable("down", provider="a"), "b": answer()}
    who = caller()
    record = record_for(who)
    await pipeline(rows, scripted).chat(asked("m"), who, record)
    assert [name for name, _ in scripted.asked] == ["a", "b"]
    assert (record.attempts, record.deployment) == (2, rows[1])


async def test_a_request_that_is_wrong_is_not_tried_elsewhere(
    deployment: Make, scripted: Any, answer: Any
) -> None:
    rows = [deployment("a", model="m"), deployment("b", model="m")]
    scripted.script = {"a": ProviderRejected("wrong", provider="a"), "b": answer()}
    who = caller()
    with pytest.raises(ProviderRejected):
        await pipeline(rows, scripted).chat(asked("m"), who, record_for(who))
    assert len(scripted.asked) == 1


async def test_a_model_beyond_the_callers_list_does_not_exist(rows: list[Deployment], scripted: Any) -> None:
    who = caller(models=("own/*",))
    with pytest.raises(ModelNotFound):
        await pipeline(rows, scripted).chat(asked("m-cloud"), who, record_for(who))


async def test_a_provider_that_is_not_set_up_is_said(rows: list[Deployment], scripted: Any) -> None:
    bare = replace(
        rows[0], provider=replace(rows[0].provider, unavailable="no credentials; set OPENAI_API_KEY")
    )
    who = caller()
    with pytest.raises(Unavailable, match="OPENAI_API_KEY"):
        await pipeline([bare], scripted).chat(asked("auto"), who, record_for(who))


async def test_cost_is_usage_times_price(rows: list[Deployment], scripted: Any) -> None:
    who = caller()
    record = record_for(who)
    await pipeline(rows, scripted).chat(asked("auto"), who, record)
    assert record.cost == Decimal("0.14")


async def test_an_answer_without_usage_has_no_cost(
    rows: list[Deployment], scripted: Any, answer: Any
) -> None:
    scripted.script["cloud"] = answer(usage=None)
    who = caller()
    record = record_for(who)
    await pipeline(rows, scripted).chat(asked("auto"), who, record)
    assert (record.cost, record.usage) == (None, None)


async def test_vectors_go_through_the_same_policy(rows: list[Deployment], scripted: Any) -> None:
    who = caller("pii")
    request = EmbeddingsRequest("auto", base64=False, payload={"input": "x"})
    await pipeline(rows, scripted).embed(request, who, record_for(who))
    assert [name for name, _ in scripted.asked] == ["own"]


async def test_a_stream_settles_at_its_end(rows: list[Deployment], scripted: Any, chunks: Any) -> None:
    scripted.script["cloud"] = chunks("a", "b")
    who = caller()
    record = record_for(who)
    stream = await pipeline(rows, scripted).chat_stream(asked("auto"), who, record)
    assert len([chunk async for chunk in stream]) == 3
    assert (record.outcome, record.cost) == ("ok", Decimal("0.14"))
    assert scripted.closed == ["cloud"]


async def test_a_stream_that_breaks_says_so(rows: list[Deployment], scripted: Any, chunks: Any) -> None:
    scripted.script["cloud"] = [*chunks("a", usage=None), StreamInterrupted("broke", provider="cloud")]
    who = caller()
    record = record_for(who)
    stream = await pipeline(rows, scripted).chat_stream(asked("auto"), who, record)
    with pytest.raises(StreamInterrupted):
        _ = [chunk async for chunk in stream]
    assert record.outcome == "stream_interrupted"


async def test_a_stream_that_is_left_closes_the_upstream(
    rows: list[Deployment], scripted: Any, chunks: Any
) -> None:
    scripted.script["cloud"] = chunks("a", "b")
    who = caller()
    record = record_for(who)
    stream = await pipeline(rows, scripted).chat_stream(asked("auto"), who, record)
    await anext(stream)
    await stream.aclose()
    assert scripted.closed == ["cloud"]
    assert record.outcome == "stream_abandoned"


async def test_the_usable_models_are_those_cleared_and_listed(rows: list[Deployment], scripted: Any) -> None:
    line = pipeline(rows, scripted)
    assert [row.id for row in line.usable(caller())] == ["cloud", "own"]
    assert [row.id for row in line.usable(caller("phi"))] == ["own"]
    assert [row.id for row in line.usable(caller(models=("m-cloud",)))] == ["cloud"]


def test_every_provider_error_is_one_family() -> None:
    assert issubclass(StreamInterrupted, ProviderError)
