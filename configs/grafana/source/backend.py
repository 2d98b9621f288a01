"""The backend by stage: where a request's time goes, and how the process is."""

from __future__ import annotations

from configs.grafana.source.rows import (
    GREEN,
    RED,
    YELLOW,
    Dashboard,
    Panel,
    Query,
    Section,
    quantiles,
    rate,
)

_STAGE = "portcullis_stage_duration_seconds"

STAGES = (
    Panel(
        "Time by stage, mean",
        "s",
        "A request's time in each stage, one above the other: tag, read, policy, routing, provider, settle.",
        (
            Query(
                f"sum by (stage) (rate({_STAGE}_sum[$__rate_interval])) "
                "/ scalar(sum(rate(portcullis_requests_total[$__rate_interval])))",
                "{{stage}}",
            ),
        ),
        stacked=True,
    ),
    Panel(
        "Time by stage, p95",
        "s",
        "95 of 100 requests that come to a stage have left it within this time. provider is not ours.",
        quantiles(_STAGE, 0.95, by="stage"),
    ),
    Panel(
        "Own stages, p99",
        "s",
        "The stages without the provider and without the body's arrival, which depends on the caller.",
        quantiles(_STAGE, 0.99, by="stage", where='{stage!~"provider|read"}'),
        steps=((0.01, YELLOW), (0.1, RED)),
    ),
    Panel(
        "Own time",
        "s",
        "Time until the answer began that was not spent waiting for a provider, by operation.",
        quantiles("portcullis_overhead_seconds", 0.5, 0.95, 0.99, by="operation"),
        steps=((0.1, RED),),
    ),
)

REQUESTS = (
    Panel(
        "Requests by operation",
        "reqps",
        "What is asked for.",
        (rate("portcullis_requests_total", "operation"),),
        stacked=True,
    ),
    Panel(
        "Duration by operation",
        "s",
        "From a request's arrival at the backend to the end of its answer.",
        quantiles("portcullis_request_duration_seconds", 0.5, 0.95, by="operation"),
    ),
    Panel(
        "In flight by backend",
        "short",
        "Requests being answered now, and streams among them; the autoscaler looks at the first.",
        (
            Query("sum by (instance) (portcullis_in_flight_requests)", "{{instance}} requests"),
            Query("sum by (instance) (portcullis_open_streams)", "{{instance}} streams"),
        ),
    ),
    Panel(
        "Tags that do not hold",
        "reqps",
        "Requests refused because of the edge's tag, by what is wrong with it. Anything but a few means "
        "keys that "
        "differ, clocks that differ, or somebody who goes round Kong.",
        (rate("portcullis_tag_failures_total", "reason"),),
        steps=((0.02, RED),),
    ),
)

PROCESS = (
    Panel(
        "Loop lag",
        "s",
        "How late the event loop turns to what is due, by backend: while it is late, every request waits.",
        quantiles("portcullis_event_loop_lag_seconds", 0.5, 0.99, by="instance"),
        steps=((0.025, YELLOW), (0.1, RED)),
    ),
    Panel(
        "CPU",
        "percentunit",
        "Of one core, by backend: a backend is one process and cannot use more than one.",
        (
            Query(
                'sum by (instance) (rate(process_cpu_seconds_total{job="portcullis"}[$__rate_interval]))',
                "{{instance}}",
            ),
        ),
        steps=((0.7, YELLOW), (0.9, RED)),
    ),
    Panel(
        "Memory",
        "bytes",
        "Resident, by backend.",
        (
            Query(
                'max by (instance) (process_resident_memory_bytes{job="portcullis"})',
                "{{instance}}",
            ),
        ),
    ),
    Panel(
        "Open files",
        "percentunit",
        "Files and connections that are open, as a share of how many may be, by backend.",
        (
            Query(
                'max by (instance) (process_open_fds{job="portcullis"} / process_max_fds{job="portcullis"})',
                "{{instance}}",
            ),
        ),
        steps=((0.7, YELLOW), (0.9, RED)),
        most=1,
    ),
    Panel(
        "Garbage collections",
        "ops",
        "By generation; the oldest one stops everything while it runs.",
        (
            Query(
                'sum by (generation) (rate(python_gc_collections_total{job="portcullis"}[$__rate_interval]))',
                "generation {{generation}}",
            ),
        ),
    ),
    Panel(
        "Ready and draining",
        "short",
        "1 while a backend is ready; 1 from SIGTERM on while it lets its requests end.",
        (
            Query("min by (instance) (portcullis_ready)", "{{instance}} ready"),
            Query("max by (instance) (portcullis_draining)", "{{instance}} draining"),
        ),
        most=1,
    ),
    Panel(
        "Certificates",
        "d",
        "Days until the certificate that a listener shows ends.",
        (
            Query(
                "(min by (listener) (portcullis_tls_certificate_expiry_timestamp_seconds) - time()) / 86400",
                "{{listener}}",
            ),
        ),
        steps=((3, YELLOW), (14, GREEN)),
        base=RED,
    ),
    Panel(
        "Started",
        "s",
        "How long each backend has been running: a saw tooth is one that dies again and again.",
        (Query('time() - max by (instance) (process_start_time_seconds{job="portcullis"})', "{{instance}}"),),
    ),
)

BACKEND = Dashboard(
    "portcullis-backend",
    "Portcullis: backend by stage",
    "Where a request's time goes, and how the process is.",
    (Section("Stages", STAGES), Section("Requests", REQUESTS), Section("Process", PROCESS)),
)
