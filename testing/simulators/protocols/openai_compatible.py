"""An OpenAI-compatible server of one's own: vLLM, also as KServe puts it under /openai."""

from __future__ import annotations

from testing.simulators.messages import Headers, Json, Refusal, Request, Response, json_response
from testing.simulators.protocols.openai import OpenAI
from testing.simulators.reply import CREATED, Reply, Steer


class OpenAICompatible(OpenAI):
    """`vllm serve --api-key`: everything under /v1 wants the key, /health does not."""

    prefixes = ("/v1", "/openai/v1")
    models = ("qwen2.5-7b-instruct", "bge-small-en")
    owner = "vllm"

    def headers(self, request: Request) -> Headers:
        """vLLM sends no headers of its own."""
        return (("server", "uvicorn"),)

    def check(self, request: Request) -> None:
        """One word for a missing and a wrong key."""
        try:
            super().check(request)
        except Refusal:
            raise Refusal(401, "Unauthorized") from None

    def error(self, refusal: Refusal, request: Request) -> Response:
        """vLLM's names for the kinds; the code is the status."""
        headers = (*self.headers(request), *refusal.headers)
        if refusal.status == 401:
            return json_response({"error": "Unauthorized"}, 401, headers)
        kinds = {
            400: "BadRequestError",
            404: "NotFoundError",
            429: "RateLimitError",
            503: "ServiceUnavailableError",
        }
        value = {
            "message": refusal.message or "simulated refusal",
            "type": kinds.get(refusal.status, "InternalServerError"),
            "param": refusal.param,
            "code": refusal.status,
        }
        return json_response({"error": value}, refusal.status, headers)

    def usage(self, reply: Reply, extra: int = 0) -> Json:
        """No details unless the server was started with them."""
        completion = reply.completion_tokens + extra
        return {
            "prompt_tokens": reply.prompt_tokens,
            "total_tokens": reply.prompt_tokens + completion,
            "completion_tokens": completion,
            "prompt_tokens_details": None,
        }

    def completion(self, value: Json, reply: Reply) -> Json:
        """Fields that vLLM always sends."""
        return value | {"service_tier": None, "system_fingerprint": None, "prompt_logprobs": None}

    def chunks(self, values: list[Json], reply: Reply, how: Steer) -> list[Json]:
        """Nothing beside OpenAI's fields."""
        return values

    def model(self, name: str) -> Json:
        """vLLM tells how long a context may be."""
        longest = {"root": name, "parent": None, "max_model_len": 32_768}
        return {"id": name, "object": "model", "created": CREATED, "owned_by": self.owner} | longest

    def elsewhere(self, request: Request, how: Steer) -> Response:
        """Health, version and metrics need no key."""
        match request.method, request.path:
            case (("GET" | "HEAD"), "/health"):
                return Response(200, self.headers(request))
            case "GET", "/version":
                return json_response({"version": "0.0-simulated"}, headers=self.headers(request))
            case "GET", "/metrics":
                text = b"# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 0.0\n"
                return Response(200, (("content-type", "text/plain; version=0.0.4; charset=utf-8"),), text)
            case _:
                return json_response({"detail": "Not Found"}, 404, self.headers(request))
