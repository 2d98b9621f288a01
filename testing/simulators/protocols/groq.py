"""Groq: OpenAI's shape, with `x_groq` and timings."""

from __future__ import annotations

from testing.simulators.messages import Headers, Json, Refusal, Request, Response, json_response
from testing.simulators.protocols.openai import OpenAI
from testing.simulators.reply import Reply, Steer


class Groq(OpenAI):
    """api.groq.com/openai/v1."""

    prefixes = ("/openai/v1",)
    models = ("llama-3.3-70b-versatile", "llama-3.1-8b-instant")
    owner = "Meta"

    def headers(self, request: Request) -> Headers:
        """Requests are counted by the day, tokens by the minute."""
        return (
            ("x-request-id", f"req_{request.number:026x}"),
            ("x-groq-region", "simulated"),
            ("x-ratelimit-limit-requests", "14400"),
            ("x-ratelimit-limit-tokens", "18000"),
            ("x-ratelimit-remaining-requests", "14399"),
            ("x-ratelimit-remaining-tokens", "17997"),
            ("x-ratelimit-reset-requests", "2m59.56s"),
            ("x-ratelimit-reset-tokens", "7.66s"),
        )

    def error(self, refusal: Refusal, request: Request) -> Response:
        """Without `param` unless there is one; a 429 is about tokens."""
        value = {
            "message": refusal.message or "simulated refusal",
            "type": refusal.kind or "invalid_request_error",
        }
        if refusal.status == 401:
            value = {"message": "Invalid API Key", "type": "invalid_request_error", "code": "invalid_api_key"}
        elif refusal.status == 429:
            message = (
                refusal.message or "Rate limit reached on tokens per minute (TPM). Please try again later."
            )
            value = {"message": message, "type": "tokens", "code": "rate_limit_exceeded"}
        elif refusal.status >= 500:
            value = {"message": refusal.message or "Internal Server Error", "type": "internal_server_error"}
        elif refusal.code:
            value["code"] = refusal.code
        return json_response({"error": value}, refusal.status, (*self.headers(request), *refusal.headers))

    def usage(self, reply: Reply, extra: int = 0) -> Json:
        """Tokens with the seconds they took."""
        completion = reply.completion_tokens + extra
        return {
            "queue_time": 0.001,
            "prompt_tokens": reply.prompt_tokens,
            "prompt_time": 0.002,
            "completion_tokens": completion,
            "completion_time": 0.003,
            "total_tokens": reply.prompt_tokens + completion,
            "total_time": 0.005,
        }

    def completion(self, value: Json, reply: Reply) -> Json:
        """`service_tier` is always there: LiteLLM fails on an answer without it."""
        return value | {
            "system_fingerprint": "fp_simulated",
            "x_groq": {"id": f"req_{reply.mark}", "seed": 1},
            "service_tier": "on_demand",
        }

    def chunks(self, values: list[Json], reply: Reply, how: Steer) -> list[Json]:
        """`x_groq` in the first chunk, and with the usage in the one that has the finish reason."""
        values = [value | {"system_fingerprint": "fp_simulated"} for value in values]
        mark = {"id": f"req_{reply.mark}"}
        values[0]["x_groq"] = mark | {"seed": 1}
        values[-1]["x_groq"] = mark if how.usage == "missing" else mark | {"usage": self.usage(reply)}
        return values
