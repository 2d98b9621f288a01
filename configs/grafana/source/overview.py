"""For whoever is on call: is it well, and if not, where to look."""

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
        "Requests answered by the backend.",
        "sum(rate(portcullis_requests_total[$__rate_interval]))",
    ),
    stat("In flight", "short", "Requests being answered now.", "sum(portcullis_in_flight_requests)"),
    stat(
        "Refused",
        "percentunit",
        "Share of requests that the gateway refused.",
        "(sum(rate(portcullis_refusals_total[$__rate_interval])) or vector(0)) "
        "/ sum(rate(portcullis_requests_total[$__rate_interval]))",
        (0.05, YELLOW),
        (0.25, RED),
    ),
    stat(
        "p95",
        "s",
        "95 of 100 requests end within this time.",
        "histogram_quantile(0.95, "
        "sum by (le) (rate(portcullis_request_duration_seconds_bucket[$__rate_interval])))",
        (30, YELLOW),
        (120, RED),
    ),
    stat(
        "Own time, p95",
        "s",
        "What the gateway adds to 95 of 100 requests at most.",
        "histogram_quantile(0.95, sum by (le) (rate(portcullis_overhead_seconds_bucket[$__rate_interval])))",
        (0.05, YELLOW),
        (0.1, RED),
    ),
    stat(
        "Cost an hour",
        "currencyUSD",
        "US dollars an hour at the present rate.",
        "sum(rate(portcullis_cost_usd_total[$__rate_interval])) * 3600",
    ),
    stat(
        "Alerts",
        "short",
        "Alerts of ours that fire now; Prometheus' page of alerts names them.",
        'count(ALERTS{alertstate="firing",severity=~"page|ticket"}) or vector(0)',
        (1, RED),
    ),
    stat(
        "Ready",
        "percentunit",
        "Share of the backends that are ready for requests.",
        "avg(portcullis_ready)",
        (0.5, YELLOW),
        (1, GREEN),
        base=RED,
    ),
    stat(
        "Budget left",
        "percentunit",
        "What is left of 30 days' budget of 0.1 % of requests that may fail by the gateway's own fault.",
        "gateway:portcullis_error_budget:remaining_ratio30d",
        (0, YELLOW),
        (0.25, GREEN),
        base=RED,
    ),
    stat(
        "Failing by our fault",
        "percentunit",
        "Share of requests in the last five minutes with 500, 502 or 503 for which no provider is to blame.",
        "gateway:portcullis_request_failures:ratio_rate5m",
        (0.001, YELLOW),
        (0.0144, RED),
    ),
    stat("Open streams", "short", "Streams that have begun and not ended.", "sum(portcullis_open_streams)"),
    stat(
        "Loop lag, p99",
        "s",
        "How late the event loop turns to what is due, 99 times of 100 at most.",
        "histogram_quantile(0.99, "
        "sum by (le) (rate(portcullis_event_loop_lag_seconds_bucket[$__rate_interval])))",
        (0.025, YELLOW),
        (0.1, RED),
    ),
)

REQUESTS = (
    Panel(
        "Requests by status",
        "reqps",
        "What callers got from the backend.",
        (rate("portcullis_requests_total", "status"),),
        stacked=True,
    ),
    Panel(
        "Requests by compliance class",
        "reqps",
        "What went through, by the class that policy used.",
        (rate("portcullis_requests_total", "compliance_class"),),
        stacked=True,
    ),
    Panel(
        "Duration",
        "s",
        "From a request's arrival at the backend to the end of its answer.",
        quantiles("portcullis_request_duration_seconds", 0.5, 0.95, 0.99),
    ),
    Panel(
        "Attempts by deployment",
        "reqps",
        "Requests sent to deployments and how they ended.",
        (rate("portcullis_attempts_total", "deployment, outcome"),),
    ),
    Panel(
        "Refusals by code",
        "reqps",
        "Requests that got an error, by its code; the codes are in the README.",
        (rate("portcullis_refusals_total", "code"),),
    ),
    Panel(
        "Budget burn",
        "percentunit",
        "Share of requests that fail by the gateway's own fault, over several times; the lines are where "
        "a page begins.",
        tuple(
            Query(f"gateway:portcullis_request_failures:ratio_rate{window}", window)
            for window in ("5m", "30m", "1h", "6h", "3d")
        ),
        steps=((0.006, YELLOW), (0.0144, RED)),
    ),
)

MONEY = (
    Panel(
        "Tokens by deployment",
        "cps",
        "Tokens a second, by kind.",
        (rate("portcullis_tokens_total", "deployment, kind"),),
    ),
    Panel(
        "Cost by tenant",
        "currencyUSD",
        "US dollars an hour.",
        (Query("sum by (tenant) (rate(portcullis_cost_usd_total[$__rate_interval])) * 3600", "{{tenant}}"),),
        stacked=True,
    ),
)

KONG = (
    Panel(
        "Kong: answers by status",
        "reqps",
        "What callers got from Kong; those of Kong itself (401, 413, 429) among them.",
        (rate("kong_http_requests_total", "code"),),
        stacked=True,
        needs=Needs.KONG,
    ),
    Panel(
        "Kong: answers of its own",
        "reqps",
        "Answers that no backend gave: 401 no credential, 413 too large, 429 too many, 5xx something is "
        "broken.",
        (rate("kong_http_requests_total", "code", '{source="kong"}'),),
        needs=Needs.KONG,
    ),
    Panel(
        "Kong: own time",
        "ms",
        "What Kong and its plugins add.",
        quantiles("kong_kong_latency_ms", 0.5, 0.99),
        needs=Needs.KONG,
    ),
    Panel(
        "Kong: bandwidth",
        "Bps",
        "In and out, as callers send and get it.",
        (rate("kong_bandwidth_bytes", "direction"),),
        needs=Needs.KONG,
    ),
)

VERSIONS = (
    Panel(
        "What runs",
        "short",
        "Backends by their version and the revision of the detectors' rules; two lines mean a rollout.",
        (Query("count by (version, rules_revision) (portcullis_build_info)", "{{version}}"),),
        Kind.TABLE,
        24,
        value="Backends",
    ),
)

OVERVIEW = Dashboard(
    "portcullis-overview",
    "Portcullis: overview",
    "Is the gateway well, and if not, where to look.",
    (
        Section("Now", NOW),
        Section("Requests", REQUESTS),
        Section("Tokens and money", MONEY),
        Section("Kong", KONG),
        Section("Versions", VERSIONS),
    ),
)
