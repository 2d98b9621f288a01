"""Google's own client for the direct Vertex endpoint, with a bearer."""

from __future__ import annotations

import json
from typing import Any

import grpc
from google.api import httpbody_pb2
from google.cloud.aiplatform_v1.services.prediction_service import PredictionServiceAsyncClient
from google.cloud.aiplatform_v1.services.prediction_service.transports import (
    PredictionServiceGrpcAsyncIOTransport,
)
from google.cloud.aiplatform_v1.types import PredictRequest
from google.protobuf import struct_pb2

from testing.simulators.launch import Simulators

ENDPOINT = "projects/sim-project/locations/europe-west4/endpoints/123"
BODY = {"messages": [{"role": "user", "content": "Hello there"}]}


class Caller:
    """Google's client with a bearer, on a plaintext channel."""

    def __init__(self, simulators: Simulators, token: str | None) -> None:
        # A pool of its own: channels otherwise share their back-off after a refused connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channel = grpc.aio.insecure_channel(simulators.base_url("vertex_endpoint"), options)
        self.client = PredictionServiceAsyncClient(
            transport=PredictionServiceGrpcAsyncIOTransport(channel=self._channel)
        )
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()

    async def raw(self, endpoint: str = ENDPOINT, *more: tuple[str, str], body: Any = BODY) -> Any:
        """RawPredict; the HttpBody."""
        return await self.client.raw_predict(**self._call(endpoint, more, body))

    async def opened(self, patience: float = 10, body: Any = BODY) -> Any:
        """StreamRawPredict, to be read piece by piece."""
        request = {"endpoint": ENDPOINT, "http_body": _http_body(body | {"stream": True})}
        return await self.client.stream_raw_predict(
            request=request, metadata=self._metadata, timeout=patience, retry=None
        )

    async def stream(self, body: Any = BODY) -> list[Any]:
        """StreamRawPredict; all HttpBodies."""
        return [piece async for piece in await self.opened(body=body)]

    async def predict(self, *instances: Any) -> Any:
        """Predict."""
        request = PredictRequest(endpoint=ENDPOINT)
        for instance in instances:
            value = struct_pb2.Value()
            value.struct_value.update(instance)
            request._pb.instances.append(value)
        return await self.client.predict(request, metadata=self._metadata, timeout=10, retry=None)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    def _call(self, endpoint: str, more: tuple[tuple[str, str], ...], body: Any) -> dict[str, Any]:
        request = {"endpoint": endpoint, "http_body": _http_body(body)}
        return {"request": request, "metadata": (*self._metadata, *more), "timeout": 10, "retry": None}


def _http_body(body: Any) -> httpbody_pb2.HttpBody:
    return httpbody_pb2.HttpBody(content_type="application/json", data=json.dumps(body).encode())
