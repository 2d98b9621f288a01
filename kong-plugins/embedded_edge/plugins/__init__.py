"""Kong's own plugins, one file each: known options, Kong's priority, and what each phase does."""

from embedded_edge.plugins.base import EdgePlugin
from embedded_edge.plugins.correlation_id import CorrelationId
from embedded_edge.plugins.cors import Cors
from embedded_edge.plugins.functions import PostFunction, PreFunction
from embedded_edge.plugins.jwt import Jwt
from embedded_edge.plugins.prometheus import Prometheus
from embedded_edge.plugins.rate_limiting import RateLimiting
from embedded_edge.plugins.request_size_limiting import RequestSizeLimiting
from embedded_edge.plugins.request_transformer import RequestTransformer

BUNDLED: dict[str, type[EdgePlugin]] = {
    plugin.name: plugin
    for plugin in (
        PreFunction,
        CorrelationId,
        Cors,
        Jwt,
        RequestSizeLimiting,
        RateLimiting,
        RequestTransformer,
        Prometheus,
        PostFunction,
    )
}

__all__ = ["BUNDLED", "EdgePlugin"]
