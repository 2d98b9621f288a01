"""Every overlay, and each component on each of them."""

from __future__ import annotations

import base64
import re

import pytest

from testing.kubernetes import declared
from testing.kubernetes.checking import broken_rules, exempts, rendered, rule_faults, schema_faults
from testing.kubernetes.model import Cluster
from testing.kubernetes.rendering import (
    BASE,
    COMPONENTS,
    OVERLAYS,
    Combination,
    combinations,
    components,
    conflicts,
    listed,
    overlays,
)
from testing.kubernetes.rules.belonging import ISSUERS
from testing.kubernetes.rules.references import referred_secrets
from testing.project.repository import ROOT, read_yaml

pytestmark = pytest.mark.usefixtures("kubectl")

EVERY = combinations()
# Not for every installation, and of no use without Kong.
IDENTITY_PROVIDERS = [Combination(BASE, (way_in, "../../kong/oidc")) for way_in in ("kong", "gateway-api")]
BY_NGINX = Combination(BASE, ("kong", "../../kong/oidc", "oauth2-proxy", "oauth2-proxy/nginx"))
ALL = [*EVERY, *IDENTITY_PROVIDERS, BY_NGINX]


def test_the_overlays_and_components_that_are_promised_are_there() -> None:
    assert {"dev", "staging", "prod", "eks"} <= set(overlays())
    assert {
        *("redis", "postgresql", "qdrant", "ollama", "litellm", "kong", "gateway-api", "cert-manager"),
        *("oauth2-proxy", "monitoring", "air-gapped", "egress-proxy", "gke-fqdn", "blue-green", "canary"),
    } <= set(components())


@pytest.mark.parametrize("combination", ALL, ids=str)
def test_it_renders_to_what_every_version_takes(combination: Combination) -> None:
    assert schema_faults(rendered(combination)) == []


@pytest.mark.parametrize("combination", ALL, ids=str)
def test_it_keeps_every_rule(combination: Combination) -> None:
    assert rule_faults(rendered(combination)) == []


def test_each_component_is_tried_on_each_overlay_that_does_not_exclude_it() -> None:
    for overlay in overlays():
        for component in components():
            there = listed(OVERLAYS / overlay)
            brings = listed(COMPONENTS / component)
            excluded = brings & there or any(
                frozenset((a, b)) in conflicts() for a in brings for b in there | brings
            )
            assert bool(excluded) == (Combination(overlay, (component,)) not in EVERY)


def test_conflicts_and_needs_name_components() -> None:
    assert {name for pair in conflicts() for name in pair} <= set(components())
    for name, needed in read_yaml("configs/kubernetes/conflicts.yaml")["needs"].items():
        assert {name, *needed} <= set(components())
        assert not any(frozenset((name, other)) in conflicts() for other in needed)


def test_no_exception_outlives_its_reason() -> None:
    broken = [found for combination in EVERY for found in broken_rules(rendered(combination))]
    for row in declared.exemptions():
        assert row.reason
        assert any(exempts(row, rule, fault) for rule, fault in broken), row


def test_no_secret_is_documented_that_nothing_asks_for() -> None:
    asked = {found for c in ALL for found in referred_secrets(Cluster(rendered(c)))}
    # What Helm's release asks for stands in its values.
    for file in (ROOT / "configs" / "kong").glob("kong-values*.yaml"):
        asked |= {("kong", name) for name in re.findall(r"portcullis-[a-z-]+", file.read_text())}
    for row in declared.secrets():
        for namespace in row.namespaces:
            wanted = [name for space, name in asked if space == namespace]
            assert any(declared.secret(name, namespace) == row for name in wanted), row


def test_no_secret_stands_in_a_manifest() -> None:
    """Alertmanager has its configuration in a Secret; what is secret of it stands in others."""
    for combination in EVERY:
        for secret in Cluster(rendered(combination)).of_kind("Secret"):
            assert secret["metadata"]["name"] == "portcullis-alertmanager"
            [text] = [base64.b64decode(value).decode() for value in secret["data"].values()]
            assert not re.search(r"(password|secret|token|api_key|_key|_url)\s*:", text)


def test_the_issuers_that_others_ask_are_those_that_cert_manager_gets() -> None:
    made = Cluster(rendered(Combination(BASE, ("cert-manager",)))).of_kind("ClusterIssuer")
    assert {("ClusterIssuer", issuer["metadata"]["name"]) for issuer in made} >= ISSUERS
