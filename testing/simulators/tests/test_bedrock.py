"""Bedrock, with botocore as the one who signs and reads frames."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import botocore.session
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, EventStreamError

from testing.simulators.aws_roles import ROLE, WEB_IDENTITY
from testing.simulators.launch import Simulators

CLAUDE = "anthropic.claude-3-5-sonnet-20240620-v1:0"
MESSAGES = [{"role": "user", "content": [{"text": "Hello there"}]}]
CONFIG = Config(retries={"max_attempts": 0}, read_timeout=10)


@contextmanager
def _client(simulators: Simulators, secret: str | None = None, region: str = "us-east-1") -> Iterator[Any]:
    env = simulators.env("bedrock")
    client = botocore.session.Session().create_client(
        "bedrock-runtime",
        region_name=region,
        endpoint_url=simulators.base_url("bedrock"),
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=secret or env["AWS_SECRET_ACCESS_KEY"],
        config=CONFIG,
    )
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def client(simulators: Simulators) -> Iterator[Any]:
    with _client(simulators) as found:
        yield found


def test_converse(client: Any) -> None:
    answer = client.converse(modelId=CLAUDE, messages=MESSAGES, system=[{"text": "Be brief."}])
    text = answer["output"]["message"]["content"][0]["text"]
    assert text.startswith(f"[simulated bedrock] {CLAUDE}")
    assert "20 characters" in text
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    assert usage["inputTokens"] + usage["outputTokens"] == usage["totalTokens"]
    assert answer["ResponseMetadata"]["RequestId"]


def test_converse_stream_in_order_with_the_same_words_and_usage(client: Any) -> None:
    whole = client.converse(modelId=CLAUDE, messages=MESSAGES)
    events = list(client.converse_stream(modelId=CLAUDE, messages=MESSAGES)["stream"])
    kinds = [next(iter(event)) for event in events]
    assert kinds[0] == "messageStart"
    assert kinds[-3:] == ["contentBlockStop", "messageStop", "metadata"]
    assert set(kinds[1:-3]) == {"contentBlockDelta"}
    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events[1:-3])
    assert text == whole["output"]["message"]["content"][0]["text"]
    assert events[-1]["metadata"]["usage"] == whole["usage"]


def test_tools(client: Any) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    spec = {"toolSpec": {"name": "find", "inputSchema": {"json": schema}}}
    ask: Any = {"modelId": CLAUDE, "messages": MESSAGES}
    ask["toolConfig"] = {"tools": [spec], "toolChoice": {"tool": {"name": "find"}}}
    whole = client.converse(**ask)
    use = whole["output"]["message"]["content"][0]["toolUse"]
    assert (use["name"], use["input"], whole["stopReason"]) == ("find", {"n": 1}, "tool_use")
    events = list(client.converse_stream(**ask)["stream"])
    assert events[1]["contentBlockStart"]["start"]["toolUse"]["name"] == "find"
    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
    assert json.loads("".join(delta["delta"]["toolUse"]["input"] for delta in deltas)) == {"n": 1}


def test_max_tokens(client: Any) -> None:
    answer = client.converse(modelId=CLAUDE, messages=MESSAGES, inferenceConfig={"maxTokens": 2})
    assert (answer["stopReason"], answer["usage"]["outputTokens"]) == ("max_tokens", 2)


def test_structured_output(simulators: Simulators) -> None:
    schema = json.dumps({"type": "object", "properties": {"a": {"type": "boolean"}}})
    shape = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}}
    answer = _bearer_post(simulators, {"messages": MESSAGES, "outputConfig": shape})
    assert json.loads(answer.json()["output"]["message"]["content"][0]["text"]) == {"a": True}


def test_embeddings_of_titan_and_cohere(client: Any) -> None:
    titan = client.invoke_model(
        modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "one", "dimensions": 256})
    )
    value = json.load(titan["body"])
    assert (len(value["embedding"]), value["inputTextTokenCount"]) == (256, 1)
    cohere = client.invoke_model(
        modelId="cohere.embed-english-v3", body=json.dumps({"texts": ["one", "two"], "input_type": "x"})
    )
    value = json.load(cohere["body"])
    assert [len(row) for row in value["embeddings"]] == [1024, 1024]
    assert value["texts"] == []


def test_any_region_may_be_signed_for(simulators: Simulators) -> None:
    with _client(simulators, region="eu-central-1") as client:
        assert client.converse(modelId=CLAUDE, messages=MESSAGES)["stopReason"] == "end_turn"
    [exchange] = simulators.recordings("bedrock")["exchanges"]
    assert "eu-central-1/bedrock" in dict(exchange["headers"])["Authorization"]


def test_a_wrong_secret_is_refused(simulators: Simulators) -> None:
    with _client(simulators, secret="wrong") as client, pytest.raises(ClientError) as raised:
        client.converse(modelId=CLAUDE, messages=MESSAGES)
    assert raised.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def _signed(simulators: Simulators, body: bytes, service: str = "bedrock") -> tuple[str, dict[str, str]]:
    env = simulators.env("bedrock")
    url = f"{simulators.base_url('bedrock')}/model/{CLAUDE.replace(':', '%3A')}/converse"
    request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=body)
    credentials = Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    return url, dict(request.headers)


def test_the_signature_covers_body_path_and_headers(simulators: Simulators) -> None:
    body = json.dumps({"messages": MESSAGES}).encode()
    url, headers = _signed(simulators, body)
    assert httpx.post(url, content=body, headers=headers).status_code == 200
    changes: list[tuple[str, bytes, dict[str, str]]] = [
        (url, body + b" ", headers),
        (url.replace("sonnet", "haiku"), body, headers),
        (f"{url}?x=1", body, headers),
        (url, body, headers | {"content-type": "text/plain"}),
        (url, body, headers | {"X-Amz-Date": "20200101T000000Z"}),
    ]
    for changed_url, changed_body, changed_headers in changes:
        answer = httpx.post(changed_url, content=changed_body, headers=changed_headers)
        assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (403, "InvalidSignatureException")


def test_unsigned_and_signed_for_something_else(simulators: Simulators) -> None:
    body = json.dumps({"messages": MESSAGES}).encode()
    url, headers = _signed(simulators, body, service="s3")
    assert httpx.post(url, content=body, headers=headers).status_code == 403
    answer = httpx.post(url, content=body)
    assert answer.status_code == 403
    assert answer.json() == {"message": "Missing Authentication Token"}


def _bearer_post(simulators: Simulators, body: Any, key: str | None = None) -> httpx.Response:
    given = simulators.addresses["providers"]["bedrock"]["instead"]["AWS_BEARER_TOKEN_BEDROCK"]
    url = f"{simulators.base_url('bedrock')}/model/{CLAUDE.replace(':', '%3A')}/converse"
    return httpx.post(url, json=body, headers={"authorization": f"Bearer {key or given}"})


def test_a_long_term_key_instead_of_a_signature(simulators: Simulators) -> None:
    body = {"messages": MESSAGES}
    assert _bearer_post(simulators, body).json()["stopReason"] == "end_turn"
    refused = _bearer_post(simulators, body, key="wrong")
    assert (refused.status_code, refused.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")


def test_errors_carry_their_kind_in_a_header(client: Any) -> None:
    with pytest.raises(client.exceptions.ValidationException, match="model identifier is invalid"):
        client.converse(modelId="missing.model", messages=MESSAGES)
    with pytest.raises(client.exceptions.ValidationException, match="at least one message"):
        client.converse(modelId=CLAUDE, messages=[])


def test_faults_that_botocore_tells_apart(simulators: Simulators, client: Any) -> None:
    simulators.fault("bedrock", "429")
    with pytest.raises(client.exceptions.ThrottlingException):
        client.converse(modelId=CLAUDE, messages=MESSAGES)
    simulators.fault("bedrock", "malformed")
    with pytest.raises(ChecksumMismatch):
        _streamed(client)
    simulators.fault("bedrock", "error-event")
    with pytest.raises(EventStreamError, match="modelStreamErrorException"):
        _streamed(client)
    simulators.fault("bedrock", "no-terminator")
    assert _streamed(client)[-1] == "contentBlockStop"


def _streamed(client: Any) -> list[str]:
    with closing(client.converse_stream(modelId=CLAUDE, messages=MESSAGES)["stream"]) as stream:
        return [next(iter(event)) for event in stream]


def test_a_role_is_assumed_and_its_keys_are_good(simulators: Simulators) -> None:
    url = simulators.base_url("bedrock")
    session = botocore.session.Session()
    options = {"region_name": "us-east-1", "endpoint_url": url, "config": CONFIG}
    unsigned = {"aws_access_key_id": "-", "aws_secret_access_key": "-"}
    with closing(session.create_client("sts", **options, **unsigned)) as sts:
        wanted = {"RoleArn": ROLE, "RoleSessionName": "test", "WebIdentityToken": f"{WEB_IDENTITY}.a.b"}
        given = sts.assume_role_with_web_identity(**wanted)["Credentials"]
        for change in ({"WebIdentityToken": "other"}, {"RoleArn": f"{ROLE}-of-another"}):
            with pytest.raises(ClientError):
                sts.assume_role_with_web_identity(**wanted | change)
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    with closing(session.create_client("bedrock-runtime", **options, **keys)) as client:
        assert client.converse(modelId=CLAUDE, messages=MESSAGES)["stopReason"] == "end_turn"
    for name, value in keys.items():
        wrong = keys | {name: f"{value}x"}
        with (
            closing(session.create_client("bedrock-runtime", **options, **wrong)) as client,
            pytest.raises(ClientError),
        ):
            client.converse(modelId=CLAUDE, messages=MESSAGES)
