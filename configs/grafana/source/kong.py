"""Kong: what callers meet first."""

from __future__ import annotations

from configs.grafana.source.rows import (
    GREEN,
    RED,
    YELLOW,
    Dashboard,
    Kind,
    Needs,
    Panel,
    Query,
    Section,
    quantiles,
    rate,
    stat,
)

NOW = (
    stat(
        "Requests a second",
        "reqps",
        "Requests that Kong has answered, on every route.",
        "sum(rate(kong_http_requests_total[$__rate_interval]))",
        needs=Needs.KONG,
    ),
    stat(
        "Errors",
        "percentunit",
        "Share of answers with 5xx, whoever gave them.",
        '(sum(rate(kong_http_requests_total{code=~"5.."}[$__rate_interval])) or vector(0)) '
        "/ sum(rate(kong_http_requests_total[$__rate_interval]))",
        (0.001, YELLOW),
        (0.01, RED),
        needs=Needs.KONG,
    ),
    stat(
        "Too many",
        "percentunit",
        "Share of requests refused with 429 by Kong's rate limits.",
        '(sum(rate(kong_http_requests_total{code="429",source="kong"}[$__rate_interval])) or vector(0)) '
        "/ sum(rate(kong_http_requests_total[$__rate_interval]))",
        (0.05, YELLOW),
        (0.25, RED),
        needs=Needs.KONG,
    ),
    stat(
        "Own time, p95",
        "ms",
        "What Kong and its plugins add to 95 of 100 requests at most.",
        "histogram_quantile(0.95, sum by (le) (rate(kong_kong_latency_ms_bucket[$__rate_interval])))",
        (20, YELLOW),
        (50, RED),
        needs=Needs.KONG,
    ),
    stat(
        "Healthy targets",
        "short",
        "Backends that a Kong sends requests to; the least of all Kongs.",
        'min(sum by (instance) (kong_upstream_target_health{state=~"healthy|healthchecks_off"}))',
        (1, YELLOW),
        (2, GREEN),
        base=RED,
        needs=Needs.KONG,
    ),
    stat(
        "Connections",
        "short",
        "Connections that are open now, waiting ones among them.",
        'sum(kong_nginx_connections_total{state="active"})',
        needs=Needs.KONG,
    ),
)

REQUESTS = (
    Panel(
        "Requests by status",
        "reqps",
        "What callers got.",
        (rate("kong_http_requests_total", "code"),),
        stacked=True,
        needs=Needs.KONG,
    ),
    Panel(
        "Requests by route",
        "reqps",
        "The route api is what callers ask, health what load balancers ask.",
        (rate("kong_http_requests_total", "route"),),
        stacked=True,
        needs=Needs.KONG,
    ),
    Panel(
        "Who answered",
        "reqps",
        "service: the backend; kong: Kong itself, which then asked nobody or got no answer.",
        (rate("kong_http_requests_total", "source, code"),),
        needs=Needs.KONG,
    ),
    Panel(
        "Bandwidth",
        "Bps",
        "What callers send (ingress) and get (egress), by route.",
        (rate("kong_bandwidth_bytes", "direction, route"),),
        needs=Needs.KONG,
    ),
)

TIME = (
    Panel(
        "Own time",
        "ms",
        "What Kong and its plugins add, the compliance tag among them.",
        quantiles("kong_kong_latency_ms", 0.5, 0.95, 0.99),
        needs=Needs.KONG,
    ),
    Panel(
        "The backend's time",
        "ms",
        "From Kong's request to the beginning of the backend's answer.",
        quantiles("kong_upstream_latency_ms", 0.5, 0.95, 0.99),
        needs=Needs.KONG,
    ),
    Panel(
        "Whole time",
        "ms",
        "From a request's first byte to its answer's last, by route. Streams last as long as their "
        "models talk.",
        quantiles("kong_request_latency_ms", 0.5, 0.95, by="route"),
        needs=Needs.KONG,
    ),
    Panel(
        "Targets",
        "short",
        "Each Kong's view of each backend: 1 in the state that it is in.",
        (
            Query(
                "max by (instance, target, address, state) (kong_upstream_target_health == 1)",
                "{{instance}} sees {{address}} {{state}}",
            ),
        ),
        needs=Needs.KONG,
    ),
)

PROCESS = (
    Panel(
        "Connections by state",
        "short",
        "Of nginx: reading a request, writing an answer, waiting for the next request.",
        (
            Query(
                'sum by (state) (kong_nginx_connections_total{state=~"active|reading|writing|waiting"})',
                "{{state}}",
            ),
        ),
        needs=Needs.KONG,
    ),
    Panel(
        "Connections that were dropped",
        "cps",
        "Accepted but not handled: the limit of connections is reached.",
        (
            Query(
                'sum by (instance) (deriv(kong_nginx_connections_total{state="accepted"}[$__rate_interval])) '
                "- sum by (instance) "
                '(deriv(kong_nginx_connections_total{state="handled"}[$__rate_interval]))',
                "{{instance}}",
            ),
        ),
        steps=((1, RED),),
        needs=Needs.KONG,
    ),
    Panel(
        "Workers' memory",
        "bytes",
        "Of the Lua virtual machines, by worker process.",
        (Query("sum by (instance, pid) (kong_memory_workers_lua_vms_bytes)", "{{instance}} {{pid}}"),),
        needs=Needs.KONG,
    ),
    Panel(
        "Shared memory",
        "percentunit",
        "How full each dictionary is that the workers share; a full one forgets what is oldest.",
        (
            Query(
                "max by (shared_dict) "
                "(kong_memory_lua_shared_dict_bytes / kong_memory_lua_shared_dict_total_bytes)",
                "{{shared_dict}}",
            ),
        ),
        steps=((0.8, YELLOW), (0.95, RED)),
        most=1,
        needs=Needs.KONG,
    ),
    Panel(
        "Timers",
        "short",
        "Work of Kong's own behind requests; many that are pending mean that it cannot keep up.",
        (Query("sum by (state) (kong_nginx_timers)", "{{state}}"),),
        needs=Needs.KONG,
    ),
    Panel(
        "What runs",
        "short",
        "Kongs by version.",
        (Query("count by (version) (kong_node_info)", "{{version}}"),),
        Kind.TABLE,
        value="Kongs",
        needs=Needs.KONG,
    ),
)

KONG = Dashboard(
    "portcullis-kong",
    "Portcullis: Kong",
    "What callers meet first: who is let in, how long it takes, and how Kong itself is.",
    (
        Section("Now", NOW),
        Section("Requests", REQUESTS),
        Section("Time and targets", TIME),
        Section("Process", PROCESS),
    ),
)
