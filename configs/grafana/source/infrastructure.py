"""What it runs on. Metrics of the cluster and of the Redis exporter: nothing here is proven to have data."""

from __future__ import annotations

from configs.grafana.source.rows import GREEN, RED, YELLOW, Dashboard, Kind, Needs, Panel, Query, Section

_PODS = 'namespace=~"portcullis|kong",container!="",container!="POD"'


def _panel(
    title: str,
    unit: str,
    description: str,
    *queries: Query,
    steps: tuple[tuple[float, str], ...] = (),
    base: str = GREEN,
    kind: Kind = Kind.TIMESERIES,
    value: str = "Value",
) -> Panel:
    return Panel(
        title, unit, description, queries, kind, steps=steps, base=base, value=value, needs=Needs.CLUSTER
    )


PODS = (
    _panel(
        "Replicas",
        "short",
        "Pods that are available, and how many there should be.",
        Query(
            'max by (deployment) (kube_deployment_status_replicas_available{namespace=~"portcullis|kong"})',
            "{{deployment}} available",
        ),
        Query(
            'max by (deployment) (kube_deployment_spec_replicas{namespace=~"portcullis|kong"})',
            "{{deployment}} wanted",
        ),
    ),
    _panel(
        "Autoscaling",
        "percentunit",
        "Replicas as a share of the most that the autoscaler may make: at 1 it cannot help any more.",
        Query(
            "max by (horizontalpodautoscaler) "
            '(kube_horizontalpodautoscaler_status_current_replicas{namespace=~"portcullis|kong"} '
            '/ kube_horizontalpodautoscaler_spec_max_replicas{namespace=~"portcullis|kong"})',
            "{{horizontalpodautoscaler}}",
        ),
        steps=((0.8, YELLOW), (1, RED)),
    ),
    _panel(
        "CPU",
        "short",
        "Cores by pod.",
        Query(
            f"sum by (pod) (rate(container_cpu_usage_seconds_total{{{_PODS}}}[$__rate_interval]))", "{{pod}}"
        ),
    ),
    _panel(
        "Throttled",
        "percentunit",
        "Share of the scheduler's periods in which a container wanted more CPU than its limit.",
        Query(
            f"sum by (pod) (rate(container_cpu_cfs_throttled_periods_total{{{_PODS}}}[$__rate_interval])) "
            f"/ sum by (pod) (rate(container_cpu_cfs_periods_total{{{_PODS}}}[$__rate_interval]))",
            "{{pod}}",
        ),
        steps=((0.1, YELLOW), (0.25, RED)),
    ),
    _panel(
        "Memory",
        "percentunit",
        "Working set as a share of the limit: at 1 the container is killed.",
        Query(
            f"max by (pod, container) (container_memory_working_set_bytes{{{_PODS}}}) "
            "/ max by (pod, container) "
            '(kube_pod_container_resource_limits{namespace=~"portcullis|kong",resource="memory"})',
            "{{pod}} {{container}}",
        ),
        steps=((0.8, YELLOW), (0.95, RED)),
    ),
    _panel(
        "Restarts",
        "short",
        "Containers that were started again within an hour.",
        Query(
            "sum by (pod, container) "
            '(increase(kube_pod_container_status_restarts_total{namespace=~"portcullis|kong"}[1h]))',
            "{{pod}} {{container}}",
        ),
        steps=((1, YELLOW), (3, RED)),
    ),
    _panel(
        "Why containers ended",
        "short",
        "The reason of each container's last end: OOMKilled is too little memory.",
        Query(
            "max by (pod, container, reason) "
            '(kube_pod_container_status_last_terminated_reason{namespace=~"portcullis|kong"})',
            "{{pod}} {{reason}}",
        ),
        kind=Kind.TABLE,
        value="Ended",
    ),
    _panel(
        "Network",
        "Bps",
        "What pods receive and send.",
        Query(
            "sum by (pod) "
            '(rate(container_network_receive_bytes_total{namespace=~"portcullis|kong"}[$__rate_interval]))',
            "{{pod}} in",
        ),
        Query(
            "sum by (pod) "
            '(rate(container_network_transmit_bytes_total{namespace=~"portcullis|kong"}[$__rate_interval]))',
            "{{pod}} out",
        ),
    ),
)

STORE = (
    _panel(
        "Redis answers",
        "short",
        "1 while the exporter reaches the shared store.",
        Query("min by (instance) (redis_up)", "{{instance}}"),
        steps=((1, GREEN),),
        base=RED,
    ),
    _panel(
        "Redis memory",
        "bytes",
        "Used, and the most that it may use.",
        Query("max by (instance) (redis_memory_used_bytes)", "{{instance}} used"),
        Query("max by (instance) (redis_memory_max_bytes)", "{{instance}} most"),
    ),
    _panel(
        "Redis commands",
        "ops",
        "Commands a second: each request costs a few.",
        Query("sum by (instance) (rate(redis_commands_processed_total[$__rate_interval]))", "{{instance}}"),
    ),
    _panel(
        "Redis connections",
        "short",
        "Of backends and Kongs.",
        Query("max by (instance) (redis_connected_clients)", "{{instance}}"),
    ),
    _panel(
        "Redis evictions",
        "ops",
        "Keys that were thrown away for lack of memory: a limit or a used tag may be forgotten with them.",
        Query("sum by (instance) (rate(redis_evicted_keys_total[$__rate_interval]))", "{{instance}}"),
        steps=((0.001, RED),),
    ),
    _panel(
        "Volumes",
        "percentunit",
        "How full each volume is.",
        Query(
            "max by (persistentvolumeclaim) "
            '(kubelet_volume_stats_used_bytes{namespace="portcullis"} '
            '/ kubelet_volume_stats_capacity_bytes{namespace="portcullis"})',
            "{{persistentvolumeclaim}}",
        ),
        steps=((0.8, YELLOW), (0.95, RED)),
    ),
)

INFRASTRUCTURE = Dashboard(
    "portcullis-infrastructure",
    "Portcullis: infrastructure",
    "What the gateway runs on. Wants the metrics of kubelet (cAdvisor), kube-state-metrics and the "
    "Redis exporter.",
    (Section("Pods", PODS), Section("Store and volumes", STORE)),
    (),
    "now-3h",
)
