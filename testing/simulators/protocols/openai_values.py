"""The JSON of OpenAI's chat completions: what a request asks, and the whole or the chunks of the answer."""

from __future__ import annotations

from typing import Any

from testing.simulators.messages import Json, Refusal
from testing.simulators.reply import CREATED, Ask, Reply, Tool, argument_pieces, characters


def ask_of(provider: str, body: Json) -> Ask:
    """What a chat completion asks; Refusal for what OpenAI refuses."""
    model, messages = body.get("model"), body.get("messages")
    if not isinstance(model, str) or not model:
        raise Refusal(400, "you must provide a model parameter")
    if not isinstance(messages, list) or not messages:
        raise Refusal(
            400,
            "Missing required parameter: 'messages'.",
            param="messages",
            code="missing_required_parameter",
        )
    if model.startswith("missing"):
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise Refusal(404, message, code="model_not_found")
    _check_stream_options(body)
    shape = body.get("response_format") or {}
    return Ask(
        provider,
        model,
        characters(messages),
        body.get("max_completion_tokens") or body.get("max_tokens"),
        tuple(_tools(body)),
        _choice(body.get("tool_choice")),
        json=shape.get("type") in ("json_object", "json_schema"),
        schema=(shape.get("json_schema") or {}).get("schema"),
    )


def ask_of_prompt(provider: str, body: Json) -> Ask:
    """What an older completion asks."""
    _check_stream_options(body)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refusal(400, "you must provide a model parameter")
    return Ask(provider, model, characters(body.get("prompt") or ""), body.get("max_tokens"))


def text_values(model: str, reply: Reply, stream: bool) -> list[Json]:
    """An older completion without usage: the chunks of a stream, else the one whole."""
    base = {"id": f"cmpl-{reply.mark}", "object": "text_completion", "created": CREATED, "model": model}

    def value(text: str, finish: str | None) -> Json:
        return base | {"choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": finish}]}

    if not stream:
        return [value(reply.text, _finish(reply))]
    return [*(value(text, None) for text in reply.deltas), value("", _finish(reply))]


def _check_stream_options(body: Json) -> None:
    if body.get("stream_options") and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise Refusal(400, message, param="stream_options")


def _tools(body: Json) -> list[Tool]:
    functions = [tool.get("function") or {} for tool in body.get("tools") or ()]
    return [Tool(str(function.get("name")), function.get("parameters") or {}) for function in functions]


def _choice(choice: Any) -> str:
    if isinstance(choice, dict):
        return str((choice.get("function") or {}).get("name", "required"))
    return str(choice or "auto")


def completion_value(model: str, reply: Reply, choices: int) -> Json:
    """A whole chat completion without usage."""
    message: Json = {"role": "assistant", "content": reply.text, "refusal": None, "annotations": []}
    if reply.call:
        function = {"name": reply.call.name, "arguments": reply.call.text}
        message |= {
            "content": None,
            "tool_calls": [{"id": _call_id(reply), "type": "function", "function": function}],
        }
    rest = {"message": message, "logprobs": None, "finish_reason": _finish(reply)}
    return {
        "id": f"chatcmpl-{reply.mark}",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [{"index": index} | rest for index in range(choices)],
    }


def chunk_values(model: str, reply: Reply, choices: int) -> list[Json]:
    """The chunks of a streamed chat completion without usage."""
    base = {
        "id": f"chatcmpl-{reply.mark}",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": model,
    }

    def chunk(index: int, delta: Json, finish: str | None = None) -> Json:
        return base | {
            "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}]
        }

    values = []
    for index in range(choices):
        values += [chunk(index, delta) for delta in _deltas(reply)]
        values.append(chunk(index, {}, _finish(reply)))
    return values


def _deltas(reply: Reply) -> list[Json]:
    if reply.call is None:
        start: Json = {"role": "assistant", "content": "", "refusal": None}
        return [start, *({"content": text} for text in reply.deltas)]
    function = {"name": reply.call.name, "arguments": ""}
    call = {"index": 0, "id": _call_id(reply), "type": "function", "function": function}
    pieces = argument_pieces(reply.call)
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        *({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces),
    ]


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.finish == "tool" else reply.finish


def _call_id(reply: Reply) -> str:
    return f"call_{reply.mark}"
