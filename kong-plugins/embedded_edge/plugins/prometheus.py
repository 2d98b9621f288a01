"""prometheus: Kong's metrics, by Kong's names (kong/plugins/prometheus/exporter.lua)."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from embedded_edge.exchange import Exchange
from embedded_edge.plugins.base import EdgePlugin, World
from embedded_edge.schema import Option

_KONG_BUCKETS = (1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000)
_UPSTREAM_BUCKETS = (25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10000, 30000, 60000)

_STATUS = ("service", "route", "code", "source", "workspace", "consumer")
_BANDWIDTH = ("service", "route", "direction", "workspace", "consumer")
_LATENCY = ("service", "route", "workspace")

Labels = tuple[str, ...]


class _Counter:
    __slots__ = ("_doc", "_labels", "_name", "_values")

    def __init__(self, name: str, doc: str, labels: Labels) -> None:
        self._name, self._doc, self._labels = name, doc, labels
        self._values: dict[Labels, float] = {}

    def add(self, labels: Labels, amount: float) -> None:
        self._values[labels] = self._values.get(labels, 0) + amount

    def metric(self) -> Metric:
        # Kong's kong_bandwidth_bytes is a counter without _total, which the library's own counters cannot be.
        metric = Metric(self._name, self._doc, "counter" if self._name.endswith("_total") else "unknown")
        for labels, value in self._values.items():
            metric.add_sample(self._name, dict(zip(self._labels, labels, strict=True)), value)
        return metric


class _Histogram:
    __slots__ = ("_bounds", "_doc", "_name", "_rows")

    def __init__(self, name: str, doc: str, bounds: tuple[int, ...]) -> None:
        self._name, self._doc, self._bounds = name, doc, bounds
        self._rows: dict[Labels, list[float]] = {}

    def observe(self, labels: Labels, value: float) -> None:
        row = self._rows.get(labels)
        if row is None:
            row = self._rows[labels] = [0.0] * (len(self._bounds) + 2)
        index = 0
        for index, bound in enumerate(self._bounds):  # noqa: B007 - the index is what is looked for
            if value <= bound:
                break
        else:
            index = len(self._bounds)
        row[index] += 1
        row[-1] += value

    def metric(self) -> Metric:
        metric = Metric(self._name, self._doc, "histogram")
        for labels, row in self._rows.items():
            named = dict(zip(_LATENCY, labels, strict=True))
            total = 0.0
            for bound, count in zip([*map(str, self._bounds), "+Inf"], row, strict=False):
                total += count
                metric.add_sample(f"{self._name}_bucket", {**named, "le": bound}, total)
            metric.add_sample(f"{self._name}_count", named, total)
            metric.add_sample(f"{self._name}_sum", named, row[-1])
        return metric


class KongMetrics(Collector):
    """What every configured prometheus plugin of one edge counts into."""

    def __init__(self) -> None:
        self.status = _Counter(
            "kong_http_requests_total", "HTTP status codes per consumer/service/route in Kong", _STATUS
        )
        self.bandwidth = _Counter(
            "kong_bandwidth_bytes", "Total bandwidth (ingress/egress) throughput in bytes", _BANDWIDTH
        )
        self.kong = _Histogram(
            "kong_kong_latency_ms",
            "Latency added by Kong and enabled plugins for each service/route in Kong",
            _KONG_BUCKETS,
        )
        self.upstream = _Histogram(
            "kong_upstream_latency_ms",
            "Latency added by upstream response for each service/route in Kong",
            _UPSTREAM_BUCKETS,
        )
        self.total = _Histogram(
            "kong_request_latency_ms",
            "Total latency incurred during requests for each service/route in Kong",
            _UPSTREAM_BUCKETS,
        )

    def collect(self) -> Iterator[Metric]:
        for part in (self.bandwidth, self.status, self.kong, self.total, self.upstream):
            yield part.metric()

    def describe(self) -> Iterator[Metric]:
        return iter(())

    @classmethod
    def of(cls, registry: CollectorRegistry) -> "KongMetrics":
        """The metrics of that registry, one set however many plugins ask."""
        for known in list(registry._collector_to_names):
            if isinstance(known, cls):
                return known
        metrics = cls()
        registry.register(metrics)
        return metrics


class Prometheus(EdgePlugin):
    name = "prometheus"
    priority = 13
    options: ClassVar = {
        "per_consumer": Option(bool, False),
        "status_code_metrics": Option(bool, False),
        "latency_metrics": Option(bool, False),
        "bandwidth_metrics": Option(bool, False),
        "upstream_health_metrics": Option(bool, False),
    }

    def __init__(self, config: Mapping[str, Any], world: World) -> None:
        super().__init__(config, world)
        self._metrics = KongMetrics.of(world.registry)
        self._per_consumer: bool = config["per_consumer"]
        self._status: bool = config["status_code_metrics"]
        self._latency: bool = config["latency_metrics"]
        self._bandwidth: bool = config["bandwidth_metrics"]

    def log(self, x: Exchange) -> None:
        if x.match is None:
            return
        route = x.match.route
        service = route.service.name if route.service else ""
        consumer = (x.consumer.username or "") if self._per_consumer and x.consumer else ""
        if self._status:
            source = "service" if x.answer is None else "kong"
            labels = (service, route.name, str(x.status), source, "default", consumer)
            self._metrics.status.add(labels, 1)
        if self._bandwidth:
            sent = len(x.method) + len(x.target) + 13 + x.body_size
            sent += sum(len(name) + len(value) + 4 for name, value in x.scope["headers"])
            self._metrics.bandwidth.add((service, route.name, "ingress", "default", consumer), sent)
            self._metrics.bandwidth.add((service, route.name, "egress", "default", consumer), x.sent_bytes)
        if self._latency:
            names = (service, route.name, "default")
            total = int((time.monotonic() - x.started) * 1000)
            self._metrics.total.observe(names, total)
            if x.upstream_ms is not None:
                self._metrics.upstream.observe(names, x.upstream_ms)
            self._metrics.kong.observe(names, x.own_ms)
