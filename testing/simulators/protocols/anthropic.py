"""Anthropic Messages: JSON and named server-sent events."""

from __future__ import annotations

import hmac
from typing import Any

import orjson

from testing.simulators.messages import Headers, Json, Refusal, Request, Response, json_response, sse
from testing.simulators.reply import Ask, Reply, Steer, Tool, argument_pieces, characters, compose

_KINDS = {
    400: ("invalid_request_error", "Invalid request"),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "Your credit balance is too low to access the Anthropic API."),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "Not found"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your account's rate limit. Please try again later."),
    504: ("timeout_error", "Request timed out"),
    529: ("overloaded_error", "Overloaded"),
}
_STOP = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use"}
_RESET = "2026-12-31T23:59:59Z"


class Anthropic:
    """api.anthropic.com."""

    models = ("claude-sonnet-4-6", "claude-haiku-4-5")

    def __init__(self, name: str, key: str) -> None:
        self.name = name
        self._key = key

    def respond(self, request: Request, how: Steer) -> Response:
        """The answer to a request; Refusal for what Anthropic refuses."""
        self._check(request)
        match request.method, request.path:
            case "POST", "/v1/messages":
                return self._messages(request, how)
            case "POST", "/v1/messages/count_tokens":
                body = request.json()
                count = max(1, characters([body.get("system"), body.get("messages")]) // 4)
                return json_response({"input_tokens": count}, headers=self._headers(request))
            case "GET", "/v1/models":
                data = [_model(name) for name in self.models]
                value = {
                    "data": data,
                    "has_more": False,
                    "first_id": data[0]["id"],
                    "last_id": data[-1]["id"],
                }
                return json_response(value, headers=self._headers(request))
            case _:
                raise Refusal(404, "Not found")

    def error(self, refusal: Refusal, request: Request) -> Response:
        """Anthropic's error object."""
        kind, message = _KINDS.get(refusal.status, ("api_error", "Internal server error"))
        value = {
            "type": "error",
            "error": {"type": refusal.kind or kind, "message": refusal.message or message},
            "request_id": _request_id(request),
        }
        return json_response(value, refusal.status, (*self._headers(request), *refusal.headers))

    def _check(self, request: Request) -> None:
        given = request.header("x-api-key")
        if not given:
            raise Refusal(401, "x-api-key header is required")
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            raise Refusal(401)
        if not request.header("anthropic-version"):
            raise Refusal(400, "anthropic-version: header is required")

    def _headers(self, request: Request) -> Headers:
        limits: list[tuple[str, str]] = []
        for what, most in (
            ("requests", 4000),
            ("tokens", 480_000),
            ("input-tokens", 400_000),
            ("output-tokens", 80_000),
        ):
            name = f"anthropic-ratelimit-{what}"
            limits += [
                (f"{name}-limit", str(most)),
                (f"{name}-remaining", str(most - 1)),
                (f"{name}-reset", _RESET),
            ]
        return (("request-id", _request_id(request)), ("anthropic-organization-id", "simulated"), *limits)

    def _messages(self, request: Request, how: Steer) -> Response:
        body = request.json()
        ask = _ask(self.name, body)
        reply = compose(ask, how, request.body)
        if body.get("stream"):
            return self._stream(ask.model, reply, request, how)
        value = _message(ask.model, reply) | {
            "content": [_block(reply)],
            "stop_reason": _STOP[reply.finish],
            "stop_sequence": None,
        }
        if how.usage != "missing":
            value["usage"] = _usage(reply, reply.completion_tokens)
        response = json_response(value, headers=self._headers(request))
        if how.usage == "twice":
            again = orjson.dumps(_usage(reply, reply.completion_tokens + 1))
            return Response(200, response.headers, response.body[:-1] + b',"usage":' + again + b"}")
        return response

    def _stream(self, model: str, reply: Reply, request: Request, how: Steer) -> Response:
        error = self.error(Refusal(529), request).body
        return Response(
            200,
            (
                ("content-type", "text/event-stream; charset=utf-8"),
                ("cache-control", "no-cache"),
                *self._headers(request),
            ),
            pieces=tuple(sse(event, event["type"]) for event in _events(model, reply, how)),
            error_piece=b"event: error\ndata: " + error + b"\n\n",
            garbage_piece=b'event: content_block_delta\ndata: {"type":"content_block_delta","inde\n\n',
        )


def _ask(provider: str, body: Json) -> Ask:
    for field in ("model", "max_tokens", "messages"):
        if not body.get(field):
            raise Refusal(400, f"{field}: Field required")
    if not isinstance(body["messages"], list):
        raise Refusal(400, "messages: Input should be a valid list")
    model = str(body["model"])
    if model.startswith("missing"):
        raise Refusal(404, f"model: {model}")
    shape = body.get("output_format") or (body.get("output_config") or {}).get("format") or {}
    tools = tuple(
        Tool(str(tool.get("name")), tool.get("input_schema") or {}) for tool in body.get("tools") or ()
    )
    return Ask(
        provider,
        model,
        characters([body.get("system"), body["messages"]]),
        body["max_tokens"],
        tools,
        _choice(body.get("tool_choice")),
        json=bool(shape),
        schema=shape.get("schema"),
    )


def _choice(choice: Any) -> str:
    match choice:
        case {"type": "tool", "name": name}:
            return str(name)
        case {"type": "any"}:
            return "required"
        case _:
            return "auto"


def _message(model: str, reply: Reply) -> Json:
    return {"id": f"msg_{reply.mark}", "type": "message", "role": "assistant", "model": model}


def _block(reply: Reply) -> Json:
    if reply.call is None:
        return {"type": "text", "text": reply.text}
    return {
        "type": "tool_use",
        "id": f"toolu_{reply.mark}",
        "name": reply.call.name,
        "input": reply.call.arguments,
    }


def _usage(reply: Reply, output: int) -> Json:
    return {
        "input_tokens": reply.prompt_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output,
        "service_tier": "standard",
    }


def _events(model: str, reply: Reply, how: Steer) -> list[Json]:
    start = _message(model, reply) | {"content": [], "stop_reason": None, "stop_sequence": None}
    end: Json = {
        "type": "message_delta",
        "delta": {"stop_reason": _STOP[reply.finish], "stop_sequence": None},
    }
    if how.usage != "missing":
        start["usage"] = _usage(reply, 1)
        end["usage"] = {"output_tokens": reply.completion_tokens}
    again = end | {"usage": {"output_tokens": reply.completion_tokens + 1}}
    if reply.call is None:
        block: Json = {"type": "text", "text": ""}
        deltas: list[Json] = [{"type": "text_delta", "text": text} for text in reply.deltas]
    else:
        block = _block(reply) | {"input": {}}
        deltas = [
            {"type": "input_json_delta", "partial_json": piece}
            for piece in ("", *argument_pieces(reply.call))
        ]
    return [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        *((end, again) if how.usage == "twice" else (end,)),
        {"type": "message_stop"},
    ]


def _model(name: str) -> Json:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}


def _request_id(request: Request) -> str:
    return f"req_{request.number:024x}"
