"""OpenAI's Chat Completions, Embeddings and Models; the shape that four other providers speak too."""

from __future__ import annotations

import hmac

import orjson

from testing.simulators import vectors
from testing.simulators.messages import Headers, Json, Refusal, Request, Response, json_response, sse
from testing.simulators.protocols.openai_values import (
    ask_of,
    ask_of_prompt,
    chunk_values,
    completion_value,
    text_values,
)
from testing.simulators.reply import CREATED, Reply, Steer, compose

_KINDS = {
    400: ("invalid_request_error", None, "Invalid request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: (
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    404: (
        "invalid_request_error",
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
    500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
    503: ("server_error", None, "The engine is currently overloaded, please try again later"),
}
_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
    "auth (i.e. Authorization: Bearer YOUR_KEY)."
)
_DIMENSIONS = {"text-embedding-3-large": 3072, "text-embedding-3-small": 1536, "text-embedding-ada-002": 1536}
_MOST_CHOICES = 8


class OpenAI:
    """api.openai.com. Who speaks the same with an accent overrides the methods without underscore."""

    prefixes: tuple[str, ...] = ("/v1",)
    models: tuple[str, ...] = ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small", "text-embedding-3-large")
    owner = "openai"

    def __init__(self, name: str, key: str | None) -> None:
        self.name = name
        self._key = key

    def respond(self, request: Request, how: Steer) -> Response:
        """The answer to a request; Refusal for what this provider refuses."""
        prefix = next((prefix for prefix in self.prefixes if request.path.startswith(f"{prefix}/")), None)
        if prefix is None:
            return self.elsewhere(request, how)
        self.check(request)
        match request.method, request.path.removeprefix(prefix):
            case "POST", "/chat/completions":
                return self.answer(request.json(), request, how)
            case "POST", "/completions":
                return self._completion(request, how)
            case "POST", "/embeddings":
                return self._embeddings(request, how)
            case "GET", "/models":
                return json_response({"object": "list", "data": [self.model(name) for name in self.models]})
            case "GET", path if path.startswith("/models/"):
                return json_response(self.model(path.removeprefix("/models/")))
            case _:
                return self.elsewhere(request, how)

    def error(self, refusal: Refusal, request: Request) -> Response:
        """OpenAI's error object with all four of its keys."""
        kind, code, message = _KINDS.get(refusal.status, _KINDS[500 if refusal.status >= 500 else 400])
        if refusal.code == "insufficient_quota":
            kind, message = "insufficient_quota", _QUOTA
        value = {
            "message": f"{refusal.message or message}",
            "type": refusal.kind or kind,
            "param": refusal.param,
            "code": refusal.code or (None if refusal.message and refusal.status in (400, 404) else code),
        }
        return json_response({"error": value}, refusal.status, (*self.headers(request), *refusal.headers))

    def check(self, request: Request) -> None:
        """Refuse a request without this provider's key."""
        given = request.bearer()
        if given is None:
            raise Refusal(401, _NO_KEY, kind="invalid_request_error", code="missing_api_key")
        if self._key is None or not hmac.compare_digest(given.encode(), self._key.encode()):
            raise Refusal(401, f"Incorrect API key provided: {_masked(given)}.", code="invalid_api_key")

    def headers(self, request: Request) -> Headers:
        """Beside content-type: the request id and what is left of the limits."""
        return (
            ("x-request-id", f"req_{request.number:032x}"),
            ("openai-organization", "simulated"),
            ("openai-version", "2020-10-01"),
            ("openai-processing-ms", "7"),
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-limit-tokens", "2000000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-remaining-tokens", "1999000"),
            ("x-ratelimit-reset-requests", "6ms"),
            ("x-ratelimit-reset-tokens", "30ms"),
        )

    def usage(self, reply: Reply, extra: int = 0) -> Json:
        """Usage of a chat completion; `extra` completion tokens are wrong on purpose."""
        completion = reply.completion_tokens + extra
        none = {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        }
        return {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": reply.prompt_tokens + completion,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": none,
        }

    def completion(self, value: Json, reply: Reply) -> Json:
        """Add this provider's own fields to a whole answer."""
        return value | {"service_tier": "default", "system_fingerprint": "fp_simulated"}

    def chunks(self, values: list[Json], reply: Reply, how: Steer) -> list[Json]:
        """Add this provider's own fields to the chunks of a stream."""
        return [value | {"service_tier": "default", "system_fingerprint": "fp_simulated"} for value in values]

    def model(self, name: str) -> Json:
        """A row of the list of models."""
        return {"id": name, "object": "model", "created": CREATED, "owned_by": self.owner}

    def elsewhere(self, request: Request, how: Steer) -> Response:
        """What is not under one of the prefixes, or not known there."""
        raise Refusal(404, f"Invalid URL ({request.method} {request.path})", kind="invalid_request_error")

    def answer(self, body: Json, request: Request, how: Steer) -> Response:
        """A chat completion, streamed if the body asks for it."""
        ask = ask_of(self.name, body)
        reply = compose(ask, how, request.body)
        choices = min(_MOST_CHOICES, body.get("n") or 1)
        if not body.get("stream"):
            return self._whole(completion_value(ask.model, reply, choices), reply, request, how)
        return self._stream(chunk_values(ask.model, reply, choices), reply, body, request, how)

    def _completion(self, request: Request, how: Steer) -> Response:
        """The older completions, of a prompt."""
        body = request.json()
        ask = ask_of_prompt(self.name, body)
        reply = compose(ask, how, request.body)
        values = text_values(ask.model, reply, bool(body.get("stream")))
        if not body.get("stream"):
            return self._whole(values[0], reply, request, how)
        return self._stream(values, reply, body, request, how)

    def _stream(self, values: list[Json], reply: Reply, body: Json, request: Request, how: Steer) -> Response:
        asked = bool((body.get("stream_options") or {}).get("include_usage"))
        values = self.chunks(values, reply, how)
        if asked:
            values = [value | {"usage": None} for value in values]
            last = {key: values[-1][key] for key in ("id", "object", "created", "model")}
            extras = {"missing": (), "once": (0,), "twice": (0, 1)}[how.usage]
            values += [last | {"choices": [], "usage": self.usage(reply, extra)} for extra in extras]
        return Response(
            200,
            (("content-type", "text/event-stream; charset=utf-8"), *self.headers(request)),
            pieces=(*(sse(value) for value in values), b"data: [DONE]\n\n"),
            error_piece=b"data: " + self.error(Refusal(500), request).body + b"\n\n",
            garbage_piece=b'data: {"id":"chatcmpl-simulated","choices":[{"delta":{"con\n\n',
        )

    def _whole(self, value: Json, reply: Reply, request: Request, how: Steer) -> Response:
        value = self.completion(value, reply)
        if how.usage != "missing":
            value["usage"] = self.usage(reply)
        response = json_response(value, headers=self.headers(request))
        if how.usage == "twice":
            return _twice(response, self.usage(reply, 1))
        return response

    def _embeddings(self, request: Request, how: Steer) -> Response:
        body = request.json()
        model, given = body.get("model"), body.get("input")
        if not isinstance(model, str):
            raise Refusal(400, "you must provide a model parameter")
        if not given or not isinstance(given, str | list):
            raise Refusal(400, "'$.input' is invalid. Please check the API reference.", param="input")
        inputs = [given] if isinstance(given, str) or isinstance(given[0], int) else given
        size = body.get("dimensions") or _DIMENSIONS.get(model, 768)
        found = [vectors.embed(text if isinstance(text, str) else repr(text), size) for text in inputs]
        encode = vectors.as_base64 if body.get("encoding_format") == "base64" else list
        data = [
            {"object": "embedding", "index": at, "embedding": encode(vector)}
            for at, vector in enumerate(found)
        ]
        value: Json = {"object": "list", "data": data, "model": model}
        total = sum(vectors.tokens(text) for text in inputs)
        if how.usage != "missing":
            value["usage"] = {"prompt_tokens": total, "total_tokens": total}
        return json_response(value, headers=self.headers(request))


def _twice(response: Response, usage: Json) -> Response:
    body = response.body[:-1] + b',"usage":' + orjson.dumps(usage) + b"}"
    return Response(response.status, response.headers, body)


def _masked(key: str) -> str:
    """As OpenAI does: the ends of a long key, the rest as stars."""
    return f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}" if len(key) > 16 else "*" * len(key)
