"""Models and what they cost."""

from __future__ import annotations

from configs.grafana.source.rows import (
    DEPLOYMENT,
    RED,
    TENANT,
    YELLOW,
    Dashboard,
    Kind,
    Panel,
    Query,
    Section,
    quantiles,
    rate,
    stat,
)

_OF = '{deployment=~"$deployment"}'
_SPENT = '{deployment=~"$deployment",tenant=~"$tenant"}'

RANGE = (
    stat(
        "Requests",
        "short",
        "Requests sent to the chosen deployments in the time that is shown.",
        f"sum(increase(portcullis_attempts_total{_OF}[$__range]))",
    ),
    stat(
        "Tokens in",
        "short",
        "Tokens that the chosen deployments read in the time that is shown.",
        'sum(increase(portcullis_tokens_total{deployment=~"$deployment",kind="input"}[$__range]))',
    ),
    stat(
        "Tokens out",
        "short",
        "Tokens that the chosen deployments wrote in the time that is shown.",
        'sum(increase(portcullis_tokens_total{deployment=~"$deployment",kind="output"}[$__range]))',
    ),
    stat(
        "Cost",
        "currencyUSD",
        "US dollars of the chosen deployments and tenants in the time that is shown.",
        f"sum(increase(portcullis_cost_usd_total{_SPENT}[$__range]))",
    ),
    stat(
        "A million tokens",
        "currencyUSD",
        "What a million tokens of the chosen deployments cost on average, in and out alike.",
        f"1e6 * sum(increase(portcullis_cost_usd_total{_OF}[$__range])) "
        '/ sum(increase(portcullis_tokens_total{deployment=~"$deployment",kind=~"input|output"}[$__range]))',
    ),
    stat(
        "Failed",
        "percentunit",
        "Share of requests to the chosen deployments that ended otherwise than well.",
        '(sum(rate(portcullis_attempts_total{deployment=~"$deployment",outcome!="ok"}[$__rate_interval])) '
        f"or vector(0)) / sum(rate(portcullis_attempts_total{_OF}[$__rate_interval]))",
        (0.02, YELLOW),
        (0.1, RED),
    ),
)

DEPLOYMENTS = (
    Panel(
        "Attempts",
        "reqps",
        "Requests sent to each deployment and how they ended.",
        (rate("portcullis_attempts_total", "deployment, outcome", _OF),),
    ),
    Panel(
        "Failing",
        "percentunit",
        "Share of a deployment's requests in five minutes that failed for no fault of the caller; a page "
        "begins at half.",
        (Query(f"deployment:portcullis_attempt_failures:ratio_rate5m{_OF}", "{{deployment}}"),),
        steps=((0.1, YELLOW), (0.5, RED)),
        most=1,
    ),
    Panel(
        "Time to the first token",
        "s",
        "Streams: from the request's arrival at the backend to the first chunk with content.",
        quantiles("portcullis_time_to_first_token_seconds", 0.5, 0.95, by="deployment", where=_OF),
    ),
    Panel(
        "Time for each further token",
        "s",
        "Streams: time for each output token after the first, as it was passed on.",
        quantiles("portcullis_time_per_output_token_seconds", 0.5, 0.95, by="deployment", where=_OF),
    ),
    Panel(
        "Time of an attempt",
        "s",
        "From sending a request to a deployment to the end of its answer.",
        quantiles("portcullis_attempt_duration_seconds", 0.5, 0.95, by="deployment", where=_OF),
    ),
    Panel(
        "Told to come back later",
        "percentunit",
        "Share of a deployment's requests that its provider refused as too many.",
        (
            Query(
                "sum by (deployment) (rate(portcullis_attempts_total"
                '{deployment=~"$deployment",outcome="provider_rate_limited"}[$__rate_interval])) '
                f"/ sum by (deployment) (rate(portcullis_attempts_total{_OF}[$__rate_interval]))",
                "{{deployment}}",
            ),
        ),
        steps=((0.1, RED),),
        most=1,
    ),
)

USE = (
    Panel(
        "Tokens by kind",
        "cps",
        "Tokens a second: input, output, and of these cached, written to a cache, thought.",
        (rate("portcullis_tokens_total", "kind", _OF),),
    ),
    Panel(
        "Tokens by deployment",
        "cps",
        "Input and output tokens a second.",
        (
            rate(
                "portcullis_tokens_total",
                "deployment",
                '{deployment=~"$deployment",kind=~"input|output"}',
            ),
        ),
        stacked=True,
    ),
    Panel(
        "Cost by deployment",
        "currencyUSD",
        "US dollars an hour.",
        (
            Query(
                f"sum by (deployment) (rate(portcullis_cost_usd_total{_SPENT}[$__rate_interval])) * 3600",
                "{{deployment}}",
            ),
        ),
        stacked=True,
    ),
    Panel(
        "Cost by tenant",
        "currencyUSD",
        "US dollars an hour.",
        (
            Query(
                f"sum by (tenant) (rate(portcullis_cost_usd_total{_SPENT}[$__rate_interval])) * 3600",
                "{{tenant}}",
            ),
        ),
        stacked=True,
    ),
    Panel(
        "Cost of an hour",
        "currencyUSD",
        "US dollars that each tenant has spent in the hour before.",
        (Query('tenant:portcullis_cost_usd:increase1h{tenant=~"$tenant"}', "{{tenant}}"),),
    ),
    Panel(
        "Who spent what",
        "currencyUSD",
        "US dollars by tenant and deployment, in the time that is shown.",
        (
            Query(
                f"sum by (tenant, deployment) (increase(portcullis_cost_usd_total{_SPENT}[$__range]))",
                "{{tenant}} {{deployment}}",
            ),
        ),
        Kind.TABLE,
        value="US dollars",
    ),
    Panel(
        "Deployments in force",
        "short",
        "What gateway.yaml names and whose provider is set up; simulated ones answer without a provider.",
        (
            Query(
                f"max by (deployment, provider, model, region, simulated) (portcullis_deployment_info{_OF})",
                "{{deployment}}",
            ),
        ),
        Kind.TABLE,
        24,
        value="In force",
    ),
)

MODELS = Dashboard(
    "portcullis-models",
    "Portcullis: models and cost",
    "Which models are asked, how well and how fast they answer, and who pays how much for it.",
    (
        Section("In the time that is shown", RANGE),
        Section("Deployments", DEPLOYMENTS),
        Section("Tokens and money", USE),
    ),
    (DEPLOYMENT, TENANT),
    "now-6h",
)
