"""Amazon Bedrock: Converse, ConverseStream, embeddings by InvokeModel; SigV4 or a long-term key."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

import orjson

from testing.simulators import eventstream, vectors
from testing.simulators.aws_roles import Roles
from testing.simulators.messages import Headers, Json, Refusal, Request, Response, json_response
from testing.simulators.reply import Ask, Reply, Steer, Tool, argument_pieces, characters, compose
from testing.simulators.sigv4 import check_signature

_ERRORS = {
    400: ("ValidationException", "The provided request is not valid"),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: (
        "ResourceNotFoundException",
        "Could not resolve the foundation model from the provided model identifier.",
    ),
    408: ("ModelTimeoutException", "The request took too long to process"),
    424: ("ModelErrorException", "The request failed due to an error while processing the model."),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    500: (
        "InternalServerException",
        "The system encountered an unexpected error during processing. Try again.",
    ),
    503: ("ServiceUnavailableException", "Bedrock is unable to process your request."),
}
_STOP = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use"}


class Bedrock:
    """bedrock-runtime.{region}.amazonaws.com, any region may be signed for; and the roles of sts.{region}."""

    def __init__(self, name: str, key_id: str, secret: str, bearer: str) -> None:
        self.name = name
        self._key_id, self._secret, self._bearer = key_id, secret, bearer
        self._roles = Roles()

    def respond(self, request: Request, how: Steer) -> Response:
        """The answer to a request; Refusal for what Bedrock refuses."""
        if (request.method, request.path) == ("POST", "/"):
            return self._roles.assume(request)
        self._check(request)
        match request.method, request.segments:
            case "POST", ("model", model, "converse"):
                return self._converse(_known(model), request, how)
            case "POST", ("model", model, "converse-stream"):
                return self._converse_stream(_known(model), request, how)
            case "POST", ("model", model, "invoke"):
                return _invoke(_known(model), request, how)
            case _:
                raise Refusal(
                    404, "Unable to determine service/operation name", kind="UnknownOperationException"
                )

    def error(self, refusal: Refusal, request: Request) -> Response:
        """The kind in a header, the message in the body."""
        if request.path == "/":
            return self._roles.error(refusal)
        kind, message = _ERRORS.get(refusal.status, _ERRORS[503 if refusal.status > 500 else 400])
        if refusal.status == 401:
            kind, message = (
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        headers = (*_headers(request), ("x-amzn-errortype", refusal.kind or kind), *refusal.headers)
        return json_response({"message": refusal.message or message}, refusal.status, headers)

    def _check(self, request: Request) -> None:
        bearer = request.bearer()
        if bearer is None:
            check_signature(request, self._key_id, self._secret, "bedrock", self._roles)
        elif not hmac.compare_digest(bearer.encode(), self._bearer.encode()):
            message = "Authentication failed: Please make sure your API Key is valid."
            raise Refusal(403, message, kind="AccessDeniedException")

    def _converse(self, model: str, request: Request, how: Steer) -> Response:
        reply = compose(_ask(self.name, model, request.json()), how, request.body)
        value: Json = {
            "output": {"message": {"role": "assistant", "content": [_block(reply)]}},
            "stopReason": _STOP[reply.finish],
            "metrics": {"latencyMs": 7},
        }
        if how.usage != "missing":
            value["usage"] = _usage(reply)
        response = json_response(value, headers=_headers(request))
        if how.usage == "twice":
            again = b',"usage":' + orjson.dumps(_usage(reply, 1)) + b"}"
            return Response(200, response.headers, response.body[:-1] + again)
        return response

    def _converse_stream(self, model: str, request: Request, how: Steer) -> Response:
        reply = compose(_ask(self.name, model, request.json()), how, request.body)
        frames = [eventstream.event(kind, orjson.dumps(value)) for kind, value in _events(reply, how)]
        error = orjson.dumps({"message": _ERRORS[424][1], "originalStatusCode": 500})
        return Response(
            200,
            (("content-type", "application/vnd.amazon.eventstream"), *_headers(request)),
            pieces=tuple(frames),
            tail=2,  # messageStop and metadata
            error_piece=eventstream.fault("modelStreamErrorException", error),
            garbage_piece=eventstream.corrupt(frames[1]),
        )


def _known(model: str) -> str:
    if model.startswith("missing"):
        raise Refusal(400, "The provided model identifier is invalid.", kind="ValidationException")
    return model


def _ask(provider: str, model: str, body: Json) -> Ask:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "The messages field must have at least one message.", kind="ValidationException")
    config = body.get("toolConfig") or {}
    specs = [tool["toolSpec"] for tool in config.get("tools") or () if "toolSpec" in tool]
    tools = tuple(
        Tool(str(spec.get("name")), (spec.get("inputSchema") or {}).get("json") or {}) for spec in specs
    )
    most = (body.get("inferenceConfig") or {}).get("maxTokens")
    shape = (body.get("outputConfig") or {}).get("textFormat") or {}
    schema = ((shape.get("structure") or {}).get("jsonSchema") or {}).get("schema")
    return Ask(
        provider,
        model,
        characters([messages, body.get("system")]),
        most,
        tools,
        _choice(config.get("toolChoice")),
        json=bool(shape),
        schema=orjson.loads(schema) if schema else None,
    )


def _choice(choice: Any) -> str:
    match choice:
        case {"tool": {"name": name}}:
            return str(name)
        case {"any": _}:
            return "required"
        case _:
            return "auto"


def _block(reply: Reply) -> Json:
    if reply.call is None:
        return {"text": reply.text}
    return {
        "toolUse": {
            "toolUseId": f"tooluse_{reply.mark}",
            "name": reply.call.name,
            "input": reply.call.arguments,
        }
    }


def _usage(reply: Reply, extra: int = 0) -> Json:
    completion = reply.completion_tokens + extra
    return {
        "inputTokens": reply.prompt_tokens,
        "outputTokens": completion,
        "totalTokens": reply.prompt_tokens + completion,
        "cacheReadInputTokens": 0,
        "cacheWriteInputTokens": 0,
    }


def _events(reply: Reply, how: Steer) -> list[tuple[str, Json]]:
    extras: Iterable[int] = {"missing": (), "once": (0,), "twice": (0, 1)}[how.usage]
    events: list[tuple[str, Json]] = [("messageStart", {"role": "assistant"})]
    if reply.call is None:
        deltas: list[Json] = [{"text": text} for text in reply.deltas]
    else:
        start = {"toolUseId": f"tooluse_{reply.mark}", "name": reply.call.name}
        events.append(("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": start}}))
        deltas = [{"toolUse": {"input": piece}} for piece in argument_pieces(reply.call)]
    events += [("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}) for delta in deltas]
    events += [
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": _STOP[reply.finish]}),
    ]
    metrics = {"metrics": {"latencyMs": 7}}
    return events + [("metadata", {"usage": _usage(reply, extra)} | metrics) for extra in extras]


def _invoke(model: str, request: Request, how: Steer) -> Response:
    """Titan's and Cohere's embeddings. Unlike Cohere, the texts are not sent back."""
    body = request.json()
    if "cohere.embed" in model:
        texts = [str(text) for text in body.get("texts") or ()]
        size = int(body.get("output_dimension") or 1024)
        found = [vectors.embed(text, size) for text in texts]
        kinds = body.get("embedding_types")
        embeddings: Any = dict.fromkeys(kinds, found) if kinds else found
        response_type = "embeddings_by_type" if kinds else "embeddings_floats"
        value: Json = {
            "id": "simulated",
            "embeddings": embeddings,
            "response_type": response_type,
            "texts": [],
        }
    elif "titan-embed" in model:
        texts = [str(body.get("inputText") or "")]
        value = {"embedding": vectors.embed(texts[0], int(body.get("dimensions") or 1024))}
        if how.usage != "missing":
            value["inputTextTokenCount"] = vectors.tokens(texts[0])
    else:
        raise Refusal(400, "The simulator invokes Titan and Cohere embeddings only; chat goes by Converse.")
    count = str(sum(vectors.tokens(text) for text in texts))
    counted = (("x-amzn-bedrock-input-token-count", count), ("x-amzn-bedrock-invocation-latency", "7"))
    return json_response(value, headers=(*_headers(request), *counted))


def _headers(request: Request) -> Headers:
    return (("x-amzn-requestid", f"00000000-0000-4000-8000-{request.number:012x}"),)
