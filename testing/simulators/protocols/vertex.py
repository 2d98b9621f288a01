"""Vertex AI: Gemini with its own JSON, and text embeddings. Bearers come from its token endpoint."""

from __future__ import annotations

from urllib.parse import parse_qsl

import orjson

from testing.simulators import vectors
from testing.simulators.google_identity import PROJECT, GoogleIdentity
from testing.simulators.messages import Headers, Json, Refusal, Request, Response, json_response, sse
from testing.simulators.protocols.gemini import ask_of, chunk_values, first_of, usage_of, whole_value
from testing.simulators.reply import Steer, characters, compose

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_PERMISSION = "aiplatform.endpoints.predict"
MESSAGES = {
    401: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
    "other valid authentication credential.",
    403: f"Permission '{_PERMISSION}' denied on the resource (or it may not exist).",
    404: "Publisher Model was not found or your project does not have access to it.",
    429: "Resource exhausted. Please try again later.",
    500: "Internal error encountered.",
    503: "The service is currently unavailable.",
}
_TYPE = ("content-type", "application/json; charset=UTF-8")
_DIMENSIONS = {"gemini-embedding-001": 3072, "gemini-embedding-2": 3072}


class Vertex:
    """{location}-aiplatform.googleapis.com, and oauth2.googleapis.com's /token."""

    def __init__(self, name: str, identity: GoogleIdentity) -> None:
        self.name = name
        self._identity = identity

    def respond(self, request: Request, how: Steer) -> Response:
        """The answer to a request; Refusal for what Google refuses."""
        if (request.method, request.path) == ("POST", "/token"):
            return self._token(request)
        check_bearer(self._identity, request.bearer())
        model, verb = _resource(request)
        match verb:
            case "generateContent":
                return self._generate(model, request, how)
            case "streamGenerateContent":
                return self._stream(model, request, how)
            case "countTokens":
                total = max(1, characters(request.json()) // 4)
                return json_response({"totalTokens": total}, headers=_headers())
            case "predict":
                return _predict(model, request.json())
            case "embedContent":
                return _embed_content(model, request.json(), how)
            case _:
                raise Refusal(404, f"Method {verb!r} is unknown.")

    def error(self, refusal: Refusal, request: Request) -> Response:
        """Google's error object; a stream that is a JSON array has it in an array."""
        value = error_value(refusal)
        array = ":streamGenerateContent" in request.path and request.query.get("alt") != "sse"
        extra = (
            (("www-authenticate", 'Bearer realm="https://accounts.google.com/"'),)
            if refusal.status == 401
            else ()
        )
        content = [value] if array else value
        return json_response(content, refusal.status, (*_headers(), *extra, *refusal.headers), _TYPE[1])

    def _token(self, request: Request) -> Response:
        try:
            answer = self._identity.exchange(dict(parse_qsl(request.body.decode("latin-1"))))
        except ValueError as problem:
            error, _, description = str(problem).partition(": ")
            return json_response(
                {"error": error, "error_description": description}, 400, _headers(), _TYPE[1]
            )
        return json_response(answer, headers=_headers(), content_type=_TYPE[1])

    def _generate(self, model: str, request: Request, how: Steer) -> Response:
        reply = compose(ask_of(self.name, model, request.json()), how, request.body)
        value = whole_value(model, reply)
        if how.usage != "missing":
            value["usageMetadata"] = usage_of(reply)
        response = json_response(value, headers=_headers(), content_type=_TYPE[1])
        if how.usage == "twice":
            again = orjson.dumps(usage_of(reply, 1))
            return Response(200, response.headers, response.body[:-1] + b',"usageMetadata":' + again + b"}")
        return response

    def _stream(self, model: str, request: Request, how: Steer) -> Response:
        reply = compose(ask_of(self.name, model, request.json()), how, request.body)
        values = chunk_values(model, reply, how)
        error = error_value(Refusal(503))
        if request.query.get("alt") == "sse":
            return Response(
                200,
                (("content-type", "text/event-stream"), *_headers()),
                pieces=tuple(sse(value, newline="\r\n") for value in values),
                error_piece=sse(error, newline="\r\n"),
                garbage_piece=b'data: {"candidates": [{"content": {"ro\r\n\r\n',
            )
        rows = [
            (b"[" if number == 0 else b",\r\n") + orjson.dumps(value) for number, value in enumerate(values)
        ]
        return Response(
            200,
            (_TYPE, *_headers()),
            pieces=(*rows, b"]"),
            tail=2,
            error_piece=b",\r\n" + orjson.dumps(error) + b"]",
            garbage_piece=b',\r\n{"candidates": [{"content": {"ro',
        )


def check_bearer(identity: GoogleIdentity, token: str | None) -> None:
    """Refuse a call without a bearer that the token endpoint gave."""
    if token is None:
        message = "Request is missing required authentication credential. Expected OAuth 2 access token."
        raise Refusal(401, message, code="CREDENTIALS_MISSING")
    if not identity.knows(token):
        raise Refusal(401, code="ACCESS_TOKEN_TYPE_UNSUPPORTED")


def error_value(refusal: Refusal) -> Json:
    """The error object of Google's APIs."""
    status = refusal.status if refusal.status in STATUSES else 503 if refusal.status > 500 else 400
    error: Json = {
        "code": refusal.status,
        "message": refusal.message or MESSAGES.get(status, "Request contains an invalid argument."),
        "status": refusal.kind or STATUSES[status],
    }
    if status == 401:
        info = "type.googleapis.com/google.rpc.ErrorInfo"
        metadata = {"service": "aiplatform.googleapis.com"}
        reason = refusal.code or "ACCESS_TOKEN_TYPE_UNSUPPORTED"
        error["details"] = [
            {"@type": info, "reason": reason, "domain": "googleapis.com", "metadata": metadata}
        ]
    return {"error": error}


def _resource(request: Request) -> tuple[str, str]:
    """Model and verb out of /v1/projects/P/locations/L/publishers/google/models/M:verb."""
    match request.method, request.segments:
        case "POST", (
            "v1" | "v1beta1",
            "projects",
            project,
            "locations",
            _,
            "publishers",
            "google",
            "models",
            last,
        ):
            model, _, verb = last.rpartition(":")
        case "POST", ("v1" | "v1beta1", "projects", project, "locations", _, "endpoints", last):
            model, _, verb = last.rpartition(":")
        case _:
            raise Refusal(404, f"The requested URL {request.path} was not found on this server.")
    if project != PROJECT:
        resource = f"//aiplatform.googleapis.com/projects/{project}"
        raise Refusal(
            403,
            f"Permission '{_PERMISSION}' denied on resource '{resource}' (or it may not exist).",
        )
    if not model or model.startswith("missing"):
        raise Refusal(
            404, f"Publisher Model `{model}` was not found or your project does not have access to it."
        )
    return model, verb


def _predict(model: str, body: Json) -> Response:
    texts = [str(instance.get("content", "")) for instance in body.get("instances") or ()]
    if not texts:
        raise Refusal(400, "Empty instances.")
    size = int((body.get("parameters") or {}).get("outputDimensionality") or _DIMENSIONS.get(model, 768))
    predictions = [
        {
            "embeddings": {
                "values": vectors.embed(text, size),
                "statistics": {"truncated": False, "token_count": vectors.tokens(text)},
            }
        }
        for text in texts
    ]
    metadata = {"billableCharacterCount": sum(len(text) for text in texts)}
    return json_response(
        {"predictions": predictions, "metadata": metadata}, headers=_headers(), content_type=_TYPE[1]
    )


def _embed_content(model: str, body: Json, how: Steer) -> Response:
    parts = (body.get("content") or {}).get("parts") or []
    text = " ".join(str(part.get("text", "")) for part in parts)
    config = first_of(body, "embedContentConfig", "embed_content_config") or body
    size = int(config.get("outputDimensionality") or _DIMENSIONS.get(model, 768))
    value: Json = {"embedding": {"values": vectors.embed(text, size)}, "truncated": False}
    if how.usage != "missing":
        count = vectors.tokens(text)
        value["usageMetadata"] = {"promptTokenCount": count, "totalTokenCount": count}
    return json_response(value, headers=_headers(), content_type=_TYPE[1])


def _headers() -> Headers:
    return (
        ("vary", "Origin, X-Origin, Referer"),
        ("server", "scaffolding on HTTPServer2"),
        ("x-frame-options", "SAMEORIGIN"),
    )
