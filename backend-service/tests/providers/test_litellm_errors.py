"""Every exception that LiteLLM has, and what it is raised from, becomes one of ours."""

from __future__ import annotations

import inspect

import aiohttp
import pytest

from gateway.errors import ProviderBadAnswer, ProviderError, ProviderRejected, StreamInterrupted
from gateway.providers import litellm_load, protocols
from gateway.providers.connecting import new_session
from gateway.providers.litellm_errors import TRANSLATIONS, translate
from gateway.providers.wire import Call
from gateway.types import Provider, ProviderKind

PROVIDER = Provider("acme", ProviderKind.OPENAI, None, {})
SECRET = "xyzzy-4711"


def _call(session: aiohttp.ClientSession) -> Call:
    return Call(PROVIDER, session, "http://127.0.0.1:1", "/", protocols.OPENAI)


def test_every_exception_of_litellm_is_in_the_table() -> None:
    exceptions = vars(litellm_load.load().exceptions)
    names = {
        name
        for name, value in exceptions.items()
        if inspect.isclass(value) and issubclass(value, Exception) and not name.startswith("_")
    }
    assert len(names) > 30
    assert names - TRANSLATIONS.keys() == set()
    assert TRANSLATIONS.keys() - names == {"Closed"}


@pytest.mark.parametrize("name", sorted(TRANSLATIONS))
async def test_each_becomes_ours_without_its_words(name: str) -> None:
    kind = type(name, (Exception,), {})
    async with new_session() as session:
        ours = translate(kind(SECRET), _call(session), ["temperature"])
    assert isinstance(ours, ProviderError)
    assert ours.provider == "acme"
    assert SECRET not in str(ours) + repr(ours) + str(vars(ours))


async def test_what_has_no_row_is_blamed_on_the_request_before_an_answer_and_on_the_answer_after() -> None:
    async with new_session() as session:
        call = _call(session)
        assert isinstance(translate(KeyError(SECRET), call, []), ProviderRejected)
        call.answered = True
        assert isinstance(translate(KeyError(SECRET), call, []), ProviderBadAnswer)
        call.streaming = True
        assert isinstance(translate(KeyError(SECRET), call, []), StreamInterrupted)


async def test_what_the_wire_saw_comes_first() -> None:
    async with new_session() as session:
        call = _call(session)
        seen = ProviderBadAnswer("seen", provider="acme")
        call.fail(seen)
        assert translate(TimeoutError(), call, []) is seen


async def test_the_note_tells_type_and_place_only() -> None:
    async with new_session() as session:
        try:
            int(SECRET)
        except ValueError as error:
            ours = translate(error, _call(session), [])
    (note,) = ours.__notes__
    assert note.startswith("ValueError at test_litellm_errors.py:")
    assert SECRET not in note


async def test_an_unsupported_parameter_is_named_if_it_is_in_the_request() -> None:
    error = type("UnsupportedParamsError", (Exception,), {})(f"no: ['logit_bias'], {SECRET}")
    async with new_session() as session:
        assert translate(error, _call(session), ["logit_bias"]).param == "logit_bias"
        assert translate(error, _call(session), ["temperature"]).param is None
