"""Every series that a dashboard or a rule may ask for: whose they are, with their labels."""

from __future__ import annotations

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import CollectorRegistry

from compliance.classes import ORDER
from gateway.observability import Metrics
from gateway.observability import label_values as values
from testing.project.promql import TARGET, Known, Series, labels_of, names_in
from testing.prometheus.tools import rules

_PARTS: dict[str | None, dict[str, frozenset[str]]] = {
    "counter": {"_total": frozenset()},
    "histogram": {"_bucket": frozenset({"le"}), "_count": frozenset(), "_sum": frozenset()},
    "gauge": {"": frozenset()},
}
_VALUES = {
    "stage": values.STAGES,
    "outcome": values.OUTCOMES,
    "code": values.REFUSALS,
    "kind": values.TOKEN_KINDS,
    "status": values.STATUSES,
    "compliance_class": values.CLASSES,
    "category": ORDER,
    "obligation": values.OBLIGATIONS,
    "reason": values.TAG_FAILURES,
}


def ours() -> dict[str, Series]:
    """The gateway's own, and those of the client library's collectors in its registry."""
    metrics = Metrics()
    found: dict[str, Series] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            labels = frozenset(metric._labelnames)
            known = {name: frozenset(_VALUES[name]) for name in labels if name in _VALUES}
            for suffix, more in _PARTS[metric._type].items():
                counts = suffix != ""
                found[metric._name + suffix] = Series(labels | more | TARGET, counts, known)
    assert len(found) >= 30
    return found | _of_the_process()


def _of_the_process() -> dict[str, Series]:
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return {
        sample.name: Series(frozenset(sample.labels) | TARGET, metric.type == "counter")
        for metric in registry.collect()
        for sample in metric.samples
    }


_PLACE = TARGET | {"service", "route", "workspace"}
_NODE = TARGET | {"node_id"}
_CODES = frozenset({"200", "401", "413", "429", "500", "502", "503", "504"})


def of_kong() -> dict[str, Series]:
    """Of Kong's prometheus plugin 3.9, with the options of configs/kong/kong.yaml (exporter.lua)."""
    histograms = {
        f"kong_{what}_latency_ms{suffix}": Series(_PLACE | more, counts=True)
        for what in ("kong", "upstream", "request")
        for suffix, more in _PARTS["histogram"].items()
    }
    status = {"source": frozenset({"service", "kong"}), "code": _CODES}
    health = {"state": frozenset({"healthchecks_off", "healthy", "unhealthy", "dns_error"})}
    states = {
        "state": frozenset(
            {"accepted", "handled", "total", "active", "reading", "writing", "waiting"},
        )
    }
    return histograms | {
        "kong_http_requests_total": Series(_PLACE | {"code", "source", "consumer"}, True, status),
        "kong_bandwidth_bytes": Series(_PLACE | {"direction", "consumer"}, counts=True),
        "kong_upstream_target_health": Series(
            TARGET | {"upstream", "target", "address", "state", "subsystem"}, False, health
        ),
        "kong_nginx_connections_total": Series(_NODE | {"subsystem", "state"}, False, states),
        "kong_nginx_requests_total": Series(_NODE | {"subsystem"}),
        "kong_nginx_timers": Series(TARGET | {"state"}),
        "kong_datastore_reachable": Series(TARGET),
        "kong_node_info": Series(_NODE | {"version"}),
        "kong_memory_workers_lua_vms_bytes": Series(_NODE | {"pid", "kong_subsystem"}),
        "kong_memory_lua_shared_dict_bytes": Series(_NODE | {"shared_dict", "kong_subsystem"}),
        "kong_memory_lua_shared_dict_total_bytes": Series(_NODE | {"shared_dict", "kong_subsystem"}),
    }


#: Prometheus' own.
OF_PROMETHEUS = {
    "up": Series(TARGET),
    "ALERTS": Series(frozenset({"alertname", "alertstate", "severity"})),
}

_POD = TARGET | {"namespace", "pod", "container"}
#: Of other projects, by their documentation; no test shows that they are there.
OF_A_CLUSTER = {
    # Of kubelet, cAdvisor in it.
    "container_cpu_usage_seconds_total": Series(_POD, counts=True),
    "container_cpu_cfs_periods_total": Series(_POD, counts=True),
    "container_cpu_cfs_throttled_periods_total": Series(_POD, counts=True),
    "container_memory_working_set_bytes": Series(_POD),
    "container_network_receive_bytes_total": Series(_POD | {"interface"}, counts=True),
    "container_network_transmit_bytes_total": Series(_POD | {"interface"}, counts=True),
    "kubelet_volume_stats_used_bytes": Series(TARGET | {"namespace", "persistentvolumeclaim"}),
    "kubelet_volume_stats_capacity_bytes": Series(TARGET | {"namespace", "persistentvolumeclaim"}),
    # Of kube-state-metrics.
    "kube_deployment_status_replicas_available": Series(TARGET | {"namespace", "deployment"}),
    "kube_deployment_spec_replicas": Series(TARGET | {"namespace", "deployment"}),
    "kube_horizontalpodautoscaler_status_current_replicas": Series(
        TARGET | {"namespace", "horizontalpodautoscaler"}
    ),
    "kube_horizontalpodautoscaler_spec_max_replicas": Series(
        TARGET | {"namespace", "horizontalpodautoscaler"}
    ),
    "kube_pod_container_resource_limits": Series(_POD | {"resource", "unit", "node"}),
    "kube_pod_container_status_restarts_total": Series(_POD, counts=True),
    "kube_pod_container_status_last_terminated_reason": Series(_POD | {"reason"}),
    # Of redis_exporter.
    "redis_up": Series(TARGET),
    "redis_memory_used_bytes": Series(TARGET),
    "redis_memory_max_bytes": Series(TARGET),
    "redis_connected_clients": Series(TARGET),
    "redis_commands_processed_total": Series(TARGET, counts=True),
    "redis_evicted_keys_total": Series(TARGET, counts=True),
}


def known() -> Known:
    """All but a cluster's, with what our own rules record."""
    found: dict[str, Series] = {**OF_PROMETHEUS, **ours(), **of_kong()}
    waiting = {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}
    while waiting:
        # A rule may be made of what another one records.
        name = next(name for name, made_of in waiting.items() if names_in(made_of).isdisjoint(waiting))
        found[name] = Series(labels_of(waiting.pop(name), found))
    return found
