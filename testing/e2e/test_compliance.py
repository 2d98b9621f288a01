"""What may leave the building, and what may not: seen from what the providers received."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from testing.e2e.caller import CHAT, Caller, error_of
from testing.e2e.simulators import Simulators
from testing.e2e.spellings import holds

NUMBER = "219-09-9999"
SSN = f"My social security number is {NUMBER}, is that a valid one?"
RECORD = (
    "Patient: Maria Gonzalez, born 03/14/1961, MRN 00482913. Diagnosed with type 2 diabetes mellitus; "
    "metformin 1000 mg twice daily, HbA1c 8.4."
)
CARD = "Please charge 4111 1111 1111 1111 for it."
KEY = "Why does AKIAIOSFODNN7EXAMPLF not work?"
REGULATED = {
    "ssn": (SSN, "pii", NUMBER),
    "record": (RECORD, "phi", "00482913"),
    "card": (CARD, "pci", "4111 1111 1111 1111"),
    "cloud key": (KEY, "secret", "AKIAIOSFODNN7EXAMPLF"),
}
PUBLIC = [
    {"X-Compliance-Class": "public"},
    {"x_compliance_class": "public", "X-Compliance-Override": "public", "X_Compliance_Class": "public"},
    {"X-Data-Class": "public"},
    {"X-Gateway-Tag": "eyJhbGciOiJub25lIn0.e30.", "X_Gateway_Tag": "e30"},
    {"X-Gateway-Target": "GET /v1/models", "X-Gateway-Subject": "root"},
    {"X-Consumer-Username": "demo", "X-Consumer-Id": "1", "X_Consumer_Username": "demo"},
    {"X-User-Tier": "gold", "X-Credential-Identifier": "demo", "X-Anonymous-Consumer": "true"},
    {"Content-Type": "text/plain, application/json"},
]


@pytest.fixture(params=list(REGULATED.values()), ids=list(REGULATED))
def regulated(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    """A prompt, its class, and the text in it that must not get out."""
    found: tuple[str, str, str] = request.param
    return found


@pytest.mark.parametrize("model", ["auto", "llama3.2:1b", "ollama/llama3.2:1b"])
def test_regulated_text_goes_to_ollama_only(
    caller: Caller, simulators: Simulators, regulated: tuple[str, str, str], model: str
) -> None:
    prompt, name, secret = regulated
    answer = caller.chat(model, prompt)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-compliance-class"] == name
    assert answer.headers["x-gateway-deployment"] == "ollama-llama"
    stream = caller.stream(model, prompt)
    assert stream.done
    assert stream.headers["x-gateway-deployment"] == "ollama-llama"
    assert simulators.asked() == {"ollama"}
    assert simulators.holding(secret) == {"ollama"}


def test_with_ollama_down_nothing_is_sent_anywhere(
    caller: Caller, simulators: Simulators, regulated: tuple[str, str, str]
) -> None:
    prompt, name, secret = regulated
    simulators.fault("ollama", "refuse")
    answer = caller.chat("auto", prompt)
    assert answer.status_code == 502
    assert error_of(answer)["code"] == "provider_unreachable"
    assert answer.headers["x-compliance-class"] == name
    stream = caller.stream("auto", prompt)
    assert (stream.status, stream.done) == (502, False)
    assert simulators.asked() <= {"ollama"}
    assert secret not in answer.text


@pytest.mark.parametrize("streaming", [False, True])
def test_by_name_it_is_refused(
    caller: Caller, simulators: Simulators, regulated: tuple[str, str, str], streaming: bool
) -> None:
    prompt, name, secret = regulated
    answer = caller.chat("gpt-4o", prompt, stream=streaming)
    _refused(answer, name)
    assert secret not in answer.text
    assert simulators.asked() == set()


def test_every_other_model_refuses_it(caller: Caller, simulators: Simulators, models: frozenset[str]) -> None:
    cleared = {row["id"] for row in caller.get("/v1/models", claims={"class_floor": "phi"}).json()["data"]}
    assert cleared
    assert models > cleared
    for model in sorted(models - cleared):
        answer = caller.chat(model, RECORD)
        # A model for embeddings is none for chat, whatever the text is.
        assert answer.status_code in ({404} if "embedding" in model else {403}), (model, answer.text)
    assert simulators.asked() == set()


@pytest.mark.parametrize("headers", PUBLIC, ids=lambda headers: next(iter(headers)))
def test_no_header_makes_it_public(caller: Caller, simulators: Simulators, headers: dict[str, str]) -> None:
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": RECORD}]})
    with_type = {"Content-Type": "application/json"} | headers
    answer = caller.request("POST", CHAT, content=body, headers=with_type)
    assert answer.status_code in {400, 403, 415}, answer.text
    if "Content-Type" not in headers:
        _refused(answer, "phi")
    body = body.replace("gpt-4o", "auto")
    caller.request("POST", CHAT, content=body, headers=with_type)
    assert simulators.asked() <= {"ollama"}


def test_where_the_text_stands_makes_no_difference(caller: Caller, simulators: Simulators) -> None:
    """System, history, tool calls and results, names, unknown parameters, parts: all of it is read."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"n": NUMBER})}}
    tool = {"type": "function", "function": {"name": "f", "description": SSN, "parameters": {}}}
    hello = {"role": "user", "content": "Hello"}
    bodies: list[dict[str, object]] = [
        {"messages": [{"role": "system", "content": SSN}, hello]},
        {"messages": [hello, {"role": "assistant", "content": SSN}, hello]},
        {"messages": [hello, {"role": "assistant", "content": None, "tool_calls": [call]}]},
        {"messages": [hello, {"role": "tool", "tool_call_id": "c", "content": SSN}]},
        {"messages": [{"role": "user", "name": f"ssn {NUMBER}", "content": "Hello"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": SSN}]}]},
        {"messages": [hello], "tools": [tool]},
        {"messages": [hello], "metadata": {f"ssn {NUMBER}": "x"}},
        {"messages": [hello], "user": f"ssn {NUMBER}"},
    ]
    for body in bodies:
        answer = caller.request("POST", CHAT, json={"model": "gpt-4o", **body})
        assert answer.status_code == 403, (body, answer.text)
    assert simulators.asked() == set()


def test_how_the_text_is_written_makes_no_difference(caller: Caller, simulators: Simulators) -> None:
    escaped = "".join(f"\\u{ord(character):04x}" for character in SSN)
    other_hyphens = SSN.replace("-", "\u2011")
    hidden = [
        f'{{"model":"gpt-4o","messages":[{{"role":"user","content":"{escaped}"}}]}}',
        # Twice the same key: what the second says must not hide what the first said.
        f'{{"model":"gpt-4o","messages":[{{"role":"user","content":"{SSN}","content":"Hello"}}]}}',
        f'{{"model":"gpt-4o","messages":[{{"role":"user","content":"{SSN}"}}],'
        '"messages":[{"role":"user","content":"Hello"}]}',
        f'{{"model":"gpt-4o","messages":[{{"role":"user","content":"{other_hyphens}"}}]}}',
    ]
    for body in hidden:
        answer = caller.raw(body.encode())
        assert answer.status_code in {400, 403}, (body, answer.text)
    assert simulators.asked() == set()


def test_embeddings_of_regulated_text_are_made_at_home(caller: Caller, simulators: Simulators) -> None:
    path = "/v1/embeddings"
    refused = caller.request("POST", path, json={"model": "text-embedding-3-small", "input": ["a", SSN]})
    _refused(refused, "pii")
    answer = caller.request("POST", path, json={"model": "auto", "input": ["a", SSN]})
    assert answer.headers["x-gateway-deployment"] == "ollama-embedding"
    assert simulators.asked() == {"ollama"}


@pytest.mark.parametrize("hint", ["phi", "PII", "pci", "secret", "internal,phi"])
def test_a_caller_may_raise_the_class(caller: Caller, simulators: Simulators, hint: str) -> None:
    answer = caller.chat("gpt-4o", headers={"X-Data-Class": hint})
    _refused(answer, hint.lower().rpartition(",")[2])
    assert caller.chat("auto", headers={"X-Data-Class": hint}).status_code == 200
    assert simulators.asked() == {"ollama"}


def test_hints_only_add_up(caller: Caller, simulators: Simulators) -> None:
    answer = caller.chat("gpt-4o", SSN, headers=[("X-Data-Class", "public"), ("X-Data-Class", "internal")])
    _refused(answer, "pii")
    internal = caller.chat("gpt-4o", headers={"X-Data-Class": "internal"})
    assert internal.status_code == 200
    assert internal.headers["x-compliance-class"] == "internal"
    assert simulators.asked() == {"openai"}


def test_an_unknown_hint_is_refused_by_name(caller: Caller, simulators: Simulators) -> None:
    answer = caller.chat("gpt-4o", headers={"X-Data-Class": "harmless"})
    assert answer.status_code == 400
    assert "X-Data-Class" in answer.text
    assert answer.headers["x-request-id"]
    assert simulators.asked() == set()


@pytest.mark.parametrize("floor", ["phi", "pii,pci", "secret"])
def test_the_tokens_floor(caller: Caller, simulators: Simulators, floor: str) -> None:
    claims = {"class_floor": floor}
    _refused(caller.chat("gpt-4o", claims=claims), floor.rpartition(",")[2])
    assert caller.chat("auto", claims=claims).headers["x-gateway-deployment"] == "ollama-llama"
    assert simulators.asked() == {"ollama"}


def test_a_floor_that_cannot_be_read_is_not_taken_for_none(caller: Caller, simulators: Simulators) -> None:
    floors: tuple[object, ...] = ("harmless", 7, ["phi", 7], {})
    for floor in floors:
        answer = caller.chat("gpt-4o", claims={"class_floor": floor})
        assert answer.status_code == 401, (floor, answer.text)
    assert simulators.asked() == set()


def test_the_tenants_floor(caller_for: Callable[[str], Caller], simulators: Simulators) -> None:
    clinic = caller_for("clinic")
    answer = clinic.chat("gpt-4o", headers={"X-Data-Class": "public"}, claims={"class_floor": "public"})
    _refused(answer, "phi")
    assert clinic.chat("auto").headers["x-gateway-deployment"] == "ollama-llama"
    assert simulators.asked() == {"ollama"}


def test_residency_in_token_and_tenant(
    caller: Caller, caller_for: Callable[[str], Caller], simulators: Simulators
) -> None:
    refused = caller.chat("gpt-4o", claims={"residency": ["us-central1"]})
    assert refused.status_code == 403
    assert "residency:us-central1" in error_of(refused)["message"]
    assert caller.chat("gpt-4o", claims={"residency": ["US"]}).status_code == 200
    home = caller_for("at-home")
    widened = home.chat("gpt-4o", claims={"residency": ["us", "own"]})
    assert widened.status_code == 403
    assert home.chat("auto", claims={"residency": ["us"]}).status_code == 403
    assert home.chat("auto").status_code == 200
    assert simulators.asked() == {"openai", "openai_compatible"}


def test_the_search_finds_what_is_there(caller: Caller, simulators: Simulators) -> None:
    """Else nothing above would mean anything."""
    assert caller.chat("gpt-4o", "needle 7Qx-1/2 in public").status_code == 200
    assert caller.chat("own-model", "needle 7Qx-1/2 in public").status_code == 200
    assert simulators.asked() == {"openai", "vertex_endpoint"}
    assert simulators.holding("needle 7Qx-1/2") == {"openai", "vertex_endpoint"}
    assert simulators.holding("needle 7Qx-1/3") == set()


@pytest.mark.parametrize(
    "data",
    [
        b"..219-09-9999..",
        b"MjE5LTA5LTk5OTk=",
        b"eDIxOS0wOS05OTk5eQ==",
        b"eHgyMTktMDktOTk5OXk=",
        rb"\u0032\u0031\u0039\u002D\u0030\u0039\u002d\u0039\u0039\u0039\u0039",
        b"%32%31%39%2D%30%39%2D%39%39%39%39",
        b"3231392d30392d39393939",
        "219-09-9999".encode("utf-16"),
    ],
)
def test_every_spelling_is_found(data: bytes) -> None:
    assert holds(data, NUMBER)
    assert not holds(data, "219-09-8999")


def _refused(answer: httpx.Response, name: str) -> None:
    """A 403 that says which obligation is missing, of the class ``name``, with nothing sent."""
    assert answer.status_code == 403, answer.text
    error = error_of(answer)
    assert (error["type"], error["code"]) == ("compliance_error", "no_eligible_deployment")
    assert error["param"] == "model"
    assert f"cleared_for:{name}" in error["message"] or f",{name}" in error["message"]
    assert answer.headers["x-compliance-class"] == name
    assert answer.headers["x-gateway-deployment"] == "none"
    assert answer.headers["x-gateway-attempts"] == "0"
