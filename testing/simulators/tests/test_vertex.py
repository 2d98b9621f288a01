"""Gemini on Vertex AI, with google-auth as the one who asks for tokens."""

from __future__ import annotations

import json
import stat
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.auth.transport.requests
import httpx
import pytest
import requests
from google.oauth2 import service_account

from testing.simulators.launch import Simulators
from testing.simulators.tests.tokens import SCOPE, account, assertion, exchange

MODELS = "/v1/projects/sim-project/locations/us-central1/publishers/google/models"
GEMINI = f"{MODELS}/gemini-2.5-flash"
BODY: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hello there"}]}]}


def _token(simulators: Simulators) -> str:
    credentials = service_account.Credentials.from_service_account_info(account(simulators), scopes=[SCOPE])
    with requests.Session() as session:
        credentials.refresh(google.auth.transport.requests.Request(session))
    return str(credentials.token)


@pytest.fixture
def http(simulators: Simulators) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {_token(simulators)}"}
    with httpx.Client(base_url=simulators.base_url("vertex_ai"), headers=headers, timeout=10) as found:
        yield found


def test_the_key_file_is_for_its_owner_only(simulators: Simulators) -> None:
    path = Path(simulators.env("vertex_ai")["GOOGLE_APPLICATION_CREDENTIALS"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert simulators.env("vertex_endpoint") == simulators.env("vertex_ai")


def test_a_good_assertion_is_exchanged(simulators: Simulators) -> None:
    answer = exchange(simulators, assertion(simulators)).json()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3599
    assert answer["access_token"].startswith("ya29.")


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "someone@else.example"}, "invalid_grant"),
        ({"aud": "https://elsewhere.example/token"}, "invalid_grant"),
        ({"exp": 1_700_000_000, "iat": 1_699_999_000}, "invalid_grant"),
        ({"exp": 4_000_000_000}, "invalid_grant"),
        ({"scope": "openid"}, "invalid_scope"),
    ],
)
def test_bad_claims_are_refused(simulators: Simulators, claims: dict[str, Any], error: str) -> None:
    answer = exchange(simulators, assertion(simulators, **claims))
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_another_key_an_altered_and_an_unsigned_assertion_are_refused(simulators: Simulators) -> None:
    good = assertion(simulators)
    head, claims, signature = good.split(".")
    altered = urlsafe_b64encode(json.dumps({"iss": "x"}).encode()).decode().rstrip("=")
    unsigned = urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for signed in (f"{head}.{altered}.{signature}", f"{unsigned}.{claims}.", f"{head}.{claims}", ""):
        answer = exchange(simulators, signed)
        assert answer.status_code == 400
        assert answer.json()["error"] in ("invalid_grant", "invalid_request")
    assert exchange(simulators, good, grant="password").json()["error"] == "unsupported_grant_type"


def test_generate_content(http: httpx.Client) -> None:
    answer = http.post(f"{GEMINI}:generateContent", json=BODY)
    value = answer.json()
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    candidate = value["candidates"][0]
    assert candidate["content"]["role"] == "model"
    assert candidate["content"]["parts"][0]["text"].startswith("[simulated vertex_ai] gemini-2.5-flash")
    assert candidate["finishReason"] == "STOP"
    usage = value["usageMetadata"]
    assert usage["promptTokenCount"] + usage["candidatesTokenCount"] == usage["totalTokenCount"]
    assert value["modelVersion"] == "gemini-2.5-flash"


def test_streams_as_events_and_as_an_array_say_the_same(http: httpx.Client) -> None:
    whole = http.post(f"{GEMINI}:generateContent", json=BODY).json()
    events = http.post(f"{GEMINI}:streamGenerateContent?alt=sse", json=BODY)
    array = http.post(f"{GEMINI}:streamGenerateContent", json=BODY)
    assert events.headers["content-type"] == "text/event-stream"
    assert events.content.endswith(b"}\r\n\r\n")
    assert b"[DONE]" not in events.content
    blocks = events.text.split("\r\n\r\n")[:-1]
    chunks = [json.loads(block.removeprefix("data: ")) for block in blocks]
    assert array.json() == chunks
    text = "".join(chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks)
    assert text == whole["candidates"][0]["content"]["parts"][0]["text"]
    assert chunks[-1]["usageMetadata"] == whole["usageMetadata"]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    assert all("finishReason" not in chunk["candidates"][0] for chunk in chunks[:-1])
    assert "promptTokenCount" not in chunks[0]["usageMetadata"]


def test_tools_json_and_length(http: httpx.Client) -> None:
    function = {"name": "find", "parameters": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}}
    calling = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["find"]}}
    body = BODY | {"tools": [{"functionDeclarations": [function]}], "toolConfig": calling}
    call = {"functionCall": {"name": "find", "args": {"n": 1}}}
    whole = http.post(f"{GEMINI}:generateContent", json=body).json()
    assert whole["candidates"][0]["content"]["parts"] == [call]
    stream = http.post(f"{GEMINI}:streamGenerateContent", json=body).json()
    assert stream[0]["candidates"][0]["content"]["parts"] == [call]
    shaped = BODY | {"generationConfig": {"responseMimeType": "application/json"}}
    parts = http.post(f"{GEMINI}:generateContent", json=shaped).json()["candidates"][0]["content"]["parts"]
    assert json.loads(parts[0]["text"])["simulated"] is True
    short = http.post(f"{GEMINI}:generateContent", json=BODY | {"generationConfig": {"maxOutputTokens": 2}})
    assert short.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_embeddings_by_both_methods(http: httpx.Client) -> None:
    instances = {"instances": [{"content": "one"}, {"content": "two"}], "parameters": {}}
    predicted = http.post(f"{MODELS}/text-embedding-005:predict", json=instances).json()
    rows = [row["embeddings"] for row in predicted["predictions"]]
    assert [len(row["values"]) for row in rows] == [768, 768]
    assert rows[0]["statistics"] == {"truncated": False, "token_count": 1}
    assert predicted["metadata"] == {"billableCharacterCount": 6}
    content = {"content": {"parts": [{"text": "one"}]}, "outputDimensionality": 768}
    embedded = http.post(f"{MODELS}/gemini-embedding-2:embedContent", json=content).json()
    assert embedded["embedding"]["values"] == rows[0]["values"]


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer ya29.invented"}])
def test_a_call_needs_a_bearer_that_was_given(simulators: Simulators, header: dict[str, str]) -> None:
    url = f"{simulators.base_url('vertex_ai')}{GEMINI}:generateContent"
    answer = httpx.post(url, json=BODY, headers=header)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (401, 401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert error["details"][0]["domain"] == "googleapis.com"


def test_a_withdrawn_bearer_is_no_longer_accepted(simulators: Simulators, http: httpx.Client) -> None:
    assert http.post(f"{GEMINI}:generateContent", json=BODY).status_code == 200
    simulators.control("DELETE", "/tokens")
    assert http.post(f"{GEMINI}:generateContent", json=BODY).status_code == 401


def test_errors_have_googles_shape(http: httpx.Client) -> None:
    other = GEMINI.replace("sim-project", "other-project")
    for path, status, name in (
        (f"{other}:generateContent", 403, "PERMISSION_DENIED"),
        (f"{MODELS}/missing-model:generateContent", 404, "NOT_FOUND"),
        (f"{GEMINI}:inventContent", 404, "NOT_FOUND"),
        ("/v1/elsewhere", 404, "NOT_FOUND"),
    ):
        answer = http.post(path, json=BODY)
        assert (answer.status_code, answer.json()["error"]["status"]) == (status, name)
    empty = http.post(f"{GEMINI}:generateContent", json={})
    assert (empty.status_code, empty.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    array = http.post(f"{GEMINI}:streamGenerateContent", json={}).json()
    assert array[0]["error"]["code"] == 400
