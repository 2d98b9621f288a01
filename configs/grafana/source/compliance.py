"""For whoever signs off: what classes there are, where each one went, what was refused."""

from __future__ import annotations

from configs.grafana.source.rows import (
    DEPLOYMENT,
    GREEN,
    RED,
    YELLOW,
    Dashboard,
    Kind,
    Panel,
    Query,
    Section,
    rate,
    stat,
)

_REGULATED = "pii|pci|phi|secret"

RANGE = (
    stat(
        "Requests",
        "short",
        "Requests in the time that is shown, of every class.",
        "sum(increase(portcullis_requests_total[$__range]))",
    ),
    stat(
        "Regulated",
        "percentunit",
        "Share of requests with personal, payment or patient data or secrets, in the time that is shown.",
        f'(sum(increase(portcullis_requests_total{{compliance_class=~"{_REGULATED}"}}[$__range])) or '
        f"vector(0)) "
        "/ sum(increase(portcullis_requests_total[$__range]))",
    ),
    stat(
        "Sent nowhere",
        "short",
        "Requests in the time that is shown that no deployment may see: they were refused and sent nowhere.",
        'sum(increase(portcullis_refusals_total{code="no_eligible_deployment"}[$__range])) or vector(0)',
        (1, YELLOW),
    ),
    stat(
        "Bad tags",
        "short",
        "Requests in the time that is shown whose tag of the edge did not hold: they were refused.",
        "sum(increase(portcullis_tag_failures_total[$__range])) or vector(0)",
        (1, YELLOW),
        (100, RED),
    ),
    stat(
        "Not cleared, but sent",
        "short",
        "Requests in the time that is shown that went to a deployment that is not cleared for their "
        "class now. "
        "There must be none, unless a clearance has ended meanwhile.",
        "sum(sum by (deployment, compliance_class) "
        f'(increase(portcullis_dispatches_total{{compliance_class=~"internal|{_REGULATED}"}}[$__range])) '
        "unless on (deployment, compliance_class) label_replace("
        "max by (deployment, category) (portcullis_deployment_cleared == 1), "
        '"compliance_class", "$1", "category", "(.+)")) or vector(0)',
        (0.5, RED),
    ),
    stat(
        "Next agreement to end",
        "d",
        "Days until the first agreement with a provider ends; then its deployment sees public data only.",
        "(min(portcullis_agreement_expiry_timestamp_seconds) - time()) / 86400",
        (0, YELLOW),
        (30, GREEN),
        base=RED,
    ),
)

CLASSES = (
    Panel(
        "Class mix",
        "reqps",
        "Requests by the class that policy used: the join of token, tenant, hint and what was found in "
        "the text.",
        (rate("portcullis_requests_total", "compliance_class"),),
        stacked=True,
    ),
    Panel(
        "Class mix, share",
        "percentunit",
        "The same as a share of all requests.",
        (
            Query(
                "sum by (compliance_class) (rate(portcullis_requests_total[$__rate_interval])) "
                "/ scalar(sum(rate(portcullis_requests_total[$__rate_interval])))",
                "{{compliance_class}}",
            ),
        ),
        stacked=True,
        most=1,
    ),
)

WENT = (
    Panel(
        "Where each class went",
        "short",
        "Requests by class and deployment, in the time that is shown; counted before they were sent.",
        (
            Query(
                "sum by (compliance_class, deployment) "
                '(increase(portcullis_dispatches_total{deployment=~"$deployment"}[$__range]))',
                "{{compliance_class}} {{deployment}}",
            ),
        ),
        Kind.TABLE,
        value="Requests",
    ),
    Panel(
        "Where regulated data goes",
        "reqps",
        "Requests with personal, payment or patient data or secrets, by deployment.",
        (
            rate(
                "portcullis_dispatches_total",
                "deployment, compliance_class",
                f'{{deployment=~"$deployment",compliance_class=~"{_REGULATED}"}}',
            ),
        ),
    ),
    Panel(
        "By region",
        "reqps",
        "Requests by the region that their data is processed in.",
        (
            Query(
                "sum by (region, compliance_class) ("
                "sum by (deployment, compliance_class) "
                "(rate(portcullis_dispatches_total[$__rate_interval])) "
                "* on (deployment) group_left (region) "
                "max by (deployment, region) (portcullis_deployment_info))",
                "{{region}} {{compliance_class}}",
            ),
        ),
    ),
    Panel(
        "Clearances",
        "bool",
        "What each deployment may see beyond public data now; no once its agreement has ended.",
        (
            Query(
                'max by (deployment, category) (portcullis_deployment_cleared{deployment=~"$deployment"})',
                "{{deployment}} {{category}}",
            ),
        ),
        Kind.TABLE,
        value="Cleared",
    ),
)

REFUSED = (
    Panel(
        "Refusals by class",
        "reqps",
        "Requests that got an error, by class and code.",
        (rate("portcullis_refusals_total", "compliance_class, code"),),
    ),
    Panel(
        "Nobody may see them",
        "reqps",
        "Requests that no deployment is eligible for, by class and by the sort of obligation that failed.",
        (rate("portcullis_no_eligible_deployment_total", "compliance_class, obligation"),),
    ),
    Panel(
        "Agreements",
        "d",
        "Days until each agreement ends; below zero it has ended.",
        (
            Query(
                "(max by (deployment) "
                '(portcullis_agreement_expiry_timestamp_seconds{deployment=~"$deployment"}) - time()) / '
                "86400",
                "{{deployment}}",
            ),
        ),
        steps=((0, YELLOW), (30, GREEN)),
        base=RED,
    ),
    Panel(
        "Detectors",
        "short",
        "The revision of the detectors' rules in force, and on how many backends.",
        (Query("count by (rules_revision) (portcullis_build_info)", "{{rules_revision}}"),),
        Kind.TABLE,
        value="Backends",
    ),
)

COMPLIANCE = Dashboard(
    "portcullis-compliance",
    "Portcullis: compliance",
    "Which classes of data came, where each of them went, and what was refused. Numbers only: no "
    "content is kept.",
    (
        Section("In the time that is shown", RANGE),
        Section("Classes", CLASSES),
        Section("Where they went", WENT),
        Section("Refused", REFUSED),
    ),
    (DEPLOYMENT,),
    "now-24h",
)
