"""A model of one's own on a Vertex AI endpoint: PredictionService, OpenAI-shaped bodies in HttpBody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, struct_pb2

from testing.simulators import vectors
from testing.simulators.google_identity import PROJECT, GoogleIdentity
from testing.simulators.messages import Json, Refusal, Request, Response, json_response
from testing.simulators.protocols.openai_compatible import OpenAICompatible
from testing.simulators.protocols.vertex import check_bearer
from testing.simulators.reply import Steer

SERVICE = "google.cloud.aiplatform.v1.PredictionService"

_FIELD = descriptor_pb2.FieldDescriptorProto
_VALUE = ".google.protobuf.Value"
# The fields that we use, from googleapis' httpbody.proto and prediction_service.proto: name, number, type or
# message, repeated. google-cloud-aiplatform itself would cost 60 MB.
_MESSAGES: dict[str, tuple[tuple[str, int, str, bool], ...]] = {
    "HttpBody": (("content_type", 1, "string", False), ("data", 2, "bytes", False)),
    "RawPredictRequest": (("endpoint", 1, "string", False), ("http_body", 2, ".simulated.HttpBody", False)),
    "PredictRequest": (
        ("endpoint", 1, "string", False),
        ("instances", 2, _VALUE, True),
        ("parameters", 3, _VALUE, False),
    ),
    "PredictResponse": (
        ("predictions", 1, _VALUE, True),
        ("deployed_model_id", 2, "string", False),
        ("model", 3, "string", False),
    ),
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="simulated.proto", package="simulated", syntax="proto3")
    file.dependency.append("google/protobuf/struct.proto")
    for name, rows in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in rows:
            label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            row = message.field.add(name=field, number=number, label=label)
            if kind.startswith("."):
                row.type, row.type_name = _FIELD.TYPE_MESSAGE, kind
            else:
                row.type = {"string": _FIELD.TYPE_STRING, "bytes": _FIELD.TYPE_BYTES}[kind]
    pool = descriptor_pool.DescriptorPool()
    struct = descriptor_pb2.FileDescriptorProto()
    struct_pb2.DESCRIPTOR.CopyToProto(struct)
    pool.Add(struct)
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"simulated.{name}"))
        for name in _MESSAGES
    }


_CLASS = _classes()


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came: the method's name, its metadata, the serialized message."""

    number: int
    method: str
    metadata: tuple[tuple[str, str], ...]
    message: bytes


class VertexEndpoint:
    """The gRPC side of {location}-aiplatform.googleapis.com for endpoints with a vLLM container."""

    def __init__(self, name: str, identity: GoogleIdentity) -> None:
        self.name = name
        self._identity = identity
        self._container = OpenAICompatible(name, None)

    def respond(self, call: Call, how: Steer) -> Response:
        """What RawPredict and StreamRawPredict carry in HttpBody, as an HTTP response; Predict's is JSON."""
        authorization = dict(call.metadata).get("authorization", "")
        scheme, _, token = authorization.partition(" ")
        check_bearer(self._identity, token if scheme.lower() == "bearer" and token else None)
        if call.method == "Predict":
            request = _parsed("PredictRequest", call.message)
            _check_endpoint(request.endpoint)
            return _predictions(request)
        raw = _parsed("RawPredictRequest", call.message)
        _check_endpoint(raw.endpoint)
        inner = Request(call.number, "POST", "/v1/chat/completions", (), raw.http_body.data)
        body = inner.json()
        if call.method == "RawPredict":
            body = {key: value for key, value in body.items() if key not in ("stream", "stream_options")}
        return self._container.answer({"model": raw.endpoint.rpartition("/")[2]} | body, inner, how)


def serialized(response: Response, data: bytes) -> bytes:
    """`data` as an HttpBody with the response's content type."""
    content_type = dict(response.headers).get("content-type", "application/json")
    packed: bytes = _CLASS["HttpBody"](content_type=content_type, data=data).SerializeToString()
    return packed


def serialized_predictions(response: Response) -> bytes:
    """The JSON of a Predict answer as PredictResponse."""
    packed: bytes = json_format.Parse(response.body, _CLASS["PredictResponse"]()).SerializeToString()
    return packed


def _parsed(name: str, message: bytes) -> Any:
    try:
        return _CLASS[name].FromString(message)
    except Exception:  # the DecodeError of protobuf's C part is not a type that can be imported
        raise Refusal(400, f"The message is no {name}.") from None


def _check_endpoint(name: str) -> None:
    match name.split("/"):
        case ["projects", project, "locations", _, "endpoints", endpoint] if endpoint:
            if project != PROJECT:
                raise Refusal(
                    403, f"Permission 'aiplatform.endpoints.predict' denied on resource '//{name}'."
                )
            if endpoint.startswith("missing"):
                raise Refusal(404, f"The Endpoint {endpoint} is not found.")
        case _:
            raise Refusal(400, "Invalid resource field value in the request: endpoint.")


def _predictions(request: Any) -> Response:
    """Embeddings for instances with `content`, else a text that says how many instances came."""
    instances: Sequence[Any] = [json_format.MessageToDict(value) for value in request.instances]
    if not instances:
        raise Refusal(400, "Empty instances.")
    rows = [_prediction(instance) for instance in instances]
    value: Json = {
        "predictions": rows,
        "deployedModelId": "1",
        "model": f"projects/{PROJECT}/models/simulated",
    }
    return json_response(value)


def _prediction(instance: Any) -> Any:
    if isinstance(instance, dict) and "content" in instance:
        return {"embeddings": {"values": vectors.embed(str(instance["content"]), 64)}}
    return f"[simulated vertex_endpoint] received a {type(instance).__name__}, this text is not real."
