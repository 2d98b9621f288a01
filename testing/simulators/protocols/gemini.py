"""The JSON of Gemini's generateContent: what a request asks, and the whole or the chunks of the answer."""

from __future__ import annotations

from typing import Any

from testing.simulators.messages import Json, Refusal
from testing.simulators.reply import Ask, Reply, Steer, Tool, characters

_AT = "2026-09-21T13:46:40.000000Z"


def ask_of(provider: str, model: str, body: Json) -> Ask:
    """What a request asks; Refusal for what Vertex refuses."""
    contents = body.get("contents")
    if not contents:
        raise Refusal(400, "Unable to submit request because at least one contents field is required.")
    config = body.get("generationConfig") or body.get("generation_config") or {}
    declared = [
        tool
        for group in body.get("tools") or ()
        for tool in group.get("functionDeclarations") or group.get("function_declarations") or ()
    ]
    tools = tuple(
        Tool(str(t.get("name")), t.get("parameters") or t.get("parametersJsonSchema") or {}) for t in declared
    )
    instruction = body.get("systemInstruction") or body.get("system_instruction")
    return Ask(
        provider,
        model,
        characters([contents, instruction]),
        config.get("maxOutputTokens") or config.get("max_output_tokens"),
        tools,
        _choice(body),
        json=first_of(config, "responseMimeType", "response_mime_type") == "application/json",
        schema=first_of(
            config, "responseSchema", "response_schema", "responseJsonSchema", "response_json_schema"
        ),
    )


def chunk_values(model: str, reply: Reply, how: Steer) -> list[Json]:
    """The chunks of a stream; the last has finish reason and usage."""
    parts = [_part(reply)] if reply.call else [{"text": text} for text in reply.deltas]
    values = []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        value = (
            _candidate(reply, [part], last)
            | {"usageMetadata": {"trafficType": "ON_DEMAND"}}
            | _common(model, reply)
        )
        if last and how.usage != "missing":
            value["usageMetadata"] = usage_of(reply)
        values.append(value)
    if how.usage == "twice":
        empty = _candidate(reply, [{"text": ""}], last=True)
        values.append(empty | {"usageMetadata": usage_of(reply, 1)} | _common(model, reply))
    return values


def _choice(body: Json) -> str:
    config = first_of(body, "toolConfig", "tool_config") or {}
    calling = first_of(config, "functionCallingConfig", "function_calling_config") or {}
    if str(calling.get("mode")).upper() != "ANY":
        return "auto"
    return str((first_of(calling, "allowedFunctionNames", "allowed_function_names") or ["required"])[0])


def _part(reply: Reply) -> Json:
    if reply.call:
        return {"functionCall": {"name": reply.call.name, "args": reply.call.arguments}}
    return {"text": reply.text}


def _candidate(reply: Reply, parts: list[Json], last: bool) -> Json:
    candidate: Json = {"content": {"role": "model", "parts": parts}}
    if last:
        candidate["finishReason"] = "MAX_TOKENS" if reply.finish == "length" else "STOP"
        candidate["avgLogprobs"] = -0.25
    return {"candidates": [candidate]}


def _common(model: str, reply: Reply) -> Json:
    return {"modelVersion": model, "createTime": _AT, "responseId": reply.mark}


def usage_of(reply: Reply, extra: int = 0) -> Json:
    """Usage; `extra` completion tokens are wrong on purpose."""
    completion = reply.completion_tokens + extra
    return {
        "promptTokenCount": reply.prompt_tokens,
        "candidatesTokenCount": completion,
        "totalTokenCount": reply.prompt_tokens + completion,
        "trafficType": "ON_DEMAND",
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": reply.prompt_tokens}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": completion}],
    }


def first_of(value: Json, *names: str) -> Any:
    """The first that is there: proto JSON takes lowerCamelCase and snake_case."""
    return next((value[name] for name in names if name in value), None)


def whole_value(model: str, reply: Reply) -> Json:
    """A whole answer without usage."""
    return _candidate(reply, [_part(reply)], last=True) | _common(model, reply)
