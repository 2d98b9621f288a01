"""Ollama: its own API in newline-delimited JSON, and OpenAI's under /v1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from testing.simulators import vectors
from testing.simulators.messages import Headers, Json, Refusal, Request, Response, json_response
from testing.simulators.protocols.openai import OpenAI
from testing.simulators.reply import Ask, Reply, Steer, Tool, characters, compose

_AT = "2026-09-21T13:46:40.000000000Z"
_CONTEXT = 131_072
_DIMENSIONS = 768
_MESSAGES = {
    400: "invalid request",
    404: "not found",
    429: "too many requests",
    503: "server busy, please try again",
}


class Ollama(OpenAI):
    """`ollama serve`: no key, streams unless told not to."""

    models = ("llama3.2:latest", "nomic-embed-text:latest")
    owner = "library"

    def check(self, request: Request) -> None:
        """Ollama ignores keys."""

    def headers(self, request: Request) -> Headers:
        """Ollama sends no headers of its own."""
        return ()

    def error(self, refusal: Refusal, request: Request) -> Response:
        """A bare string under "error", OpenAI's object under /v1."""
        if request.path.startswith("/v1/"):
            return super().error(refusal, request)
        message = refusal.message or _MESSAGES.get(refusal.status, "simulated refusal")
        return json_response({"error": message}, refusal.status, refusal.headers)

    def elsewhere(self, request: Request, how: Steer) -> Response:
        """Ollama's own API."""
        match request.method, request.path:
            case (("GET" | "HEAD"), "/"):
                return Response(200, (("content-type", "text/plain; charset=utf-8"),), b"Ollama is running")
            case "GET", "/api/version":
                return json_response({"version": "0.0.0-simulated"})
            case "GET", "/api/tags":
                return json_response({"models": [_tag(name) for name in self.models]})
            case "POST", "/api/show":
                return self._show(request)
            case "POST", "/api/chat":
                return self._talk(request, how, _chat_line)
            case "POST", "/api/generate":
                return self._talk(request, how, _generate_line)
            case "POST", "/api/embed":
                return self._embed(request, how)
            case "POST", "/api/embeddings":
                text = str(request.json().get("prompt") or "")
                return json_response({"embedding": vectors.embed(text, _DIMENSIONS)})
            case _:
                return Response(404, (("content-type", "text/plain"),), b"404 page not found")

    def _talk(self, request: Request, how: Steer, line: Callable[[Reply, str], Json]) -> Response:
        body = request.json()
        ask = _ask(self.name, body)
        reply = compose(ask, how, request.body)
        base: Json = {"model": ask.model, "created_at": _AT}
        end: Json = {"done": True, "done_reason": "length" if reply.finish == "length" else "stop"}
        end |= _usage(reply, how)
        if body.get("stream") is False:
            whole = base | line(reply, reply.text) | end
            return json_response(whole, content_type="application/json; charset=utf-8")
        values = [base | line(reply, text) | {"done": False} for text in (reply.deltas or ("",))]
        values.append(base | line(replace(reply, call=None), "") | end)
        if how.usage == "twice":
            values.append(values[-1] | {"eval_count": reply.completion_tokens + 1})
        return Response(
            200,
            (("content-type", "application/x-ndjson"),),
            pieces=tuple(orjson.dumps(value) + b"\n" for value in values),
            error_piece=b'{"error":"an error was encountered while running the model: simulated"}\n',
            garbage_piece=b'{"model":"simulated","message":{"role":"assist\n',
        )

    def _show(self, request: Request) -> Response:
        body = request.json()
        name = _model(body.get("model") or body.get("name"))
        info: Json = {
            "general.architecture": "llama",
            "general.parameter_count": 3_212_749_888,
            "llama.context_length": _CONTEXT,
        }
        return json_response(
            {
                "license": "simulated",
                "modelfile": f"FROM {name}",
                "parameters": "",
                "template": "{{ .System }}{{ if .Tools }}{{ .Tools }}{{ end }}{{ .Prompt }}",
                "details": _tag(name)["details"],
                "model_info": info | {"llama.embedding_length": _DIMENSIONS},
                "capabilities": ["completion", "tools"],
                "modified_at": _AT,
            }
        )

    def _embed(self, request: Request, how: Steer) -> Response:
        body = request.json()
        model, given = _model(body.get("model")), body.get("input")
        texts = given if isinstance(given, list) else [given or ""]
        found = [vectors.embed(str(text), int(body.get("dimensions") or _DIMENSIONS)) for text in texts]
        value: Json = {
            "model": model,
            "embeddings": found,
            "total_duration": 2_000_000,
            "load_duration": 1_000_000,
        }
        if how.usage != "missing":
            value["prompt_eval_count"] = sum(vectors.tokens(text) for text in texts)
        return json_response(value)


def _model(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise Refusal(400, "model is required")
    if name.startswith("missing"):
        raise Refusal(404, f"model '{name}' not found")
    return name


def _ask(provider: str, body: Json) -> Ask:
    messages = body.get("messages") or []
    functions = [tool.get("function") or {} for tool in body.get("tools") or ()]
    tools = tuple(Tool(str(function.get("name")), function.get("parameters") or {}) for function in functions)
    answered = bool(messages) and messages[-1].get("role") == "tool"
    shape = body.get("format")
    return Ask(
        provider,
        _model(body.get("model")),
        characters([messages, body.get("prompt"), body.get("system")]),
        (body.get("options") or {}).get("num_predict"),
        tools,
        # Ollama knows no tool_choice: a model that is offered tools uses one, until it has the result.
        "required" if tools and not answered else "auto",
        json=bool(shape),
        schema=shape if isinstance(shape, dict) else None,
    )


def _chat_line(reply: Reply, text: str) -> Json:
    message: Json = {"role": "assistant", "content": text}
    if reply.call:
        message["tool_calls"] = [{"function": {"name": reply.call.name, "arguments": reply.call.arguments}}]
    return {"message": message}


def _generate_line(reply: Reply, text: str) -> Json:
    return {"response": text}


def _without_call(reply: Reply) -> Reply:
    return Reply(reply.deltas, None, reply.finish, reply.prompt_tokens, reply.completion_tokens, reply.mark)


def _usage(reply: Reply, how: Steer) -> Json:
    spent = {"total_duration": 5_000_000, "load_duration": 1_000_000}
    if how.usage == "missing":
        return spent
    return spent | {
        "prompt_eval_count": reply.prompt_tokens,
        "prompt_eval_duration": 1_000_000,
        "eval_count": reply.completion_tokens,
        "eval_duration": 3_000_000,
    }


def _tag(name: str) -> Json:
    details = {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "3.2B",
        "quantization_level": "Q4_K_M",
    }
    return {
        "name": name,
        "model": name,
        "modified_at": _AT,
        "size": 2_019_393_189,
        "digest": "0" * 64,
        "details": details,
    }
