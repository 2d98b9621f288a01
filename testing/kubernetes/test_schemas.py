"""What the schemas refuse, and that nothing of ours is left without one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from testing.kubernetes import cel, schemas
from testing.kubernetes.good import GOOD
from testing.kubernetes.rendering import Resource

WITHOUT_SCHEMA = {
    # Their definitions are not among the shared data; a real API server is given them.
    *("Gateway", "GatewayClass", "ReferenceGrant", "Issuer", "FQDNNetworkPolicy"),
}

custom = pytest.mark.skipif(not schemas.CUSTOM.is_dir(), reason=schemas.WITHOUT_CUSTOM)


def good(kind: str) -> Resource:
    return copy.deepcopy(next(resource for resource in GOOD if resource["kind"] == kind))


@pytest.mark.parametrize("resource", GOOD, ids=schemas.named)
def test_what_is_good_is_taken(resource: Resource) -> None:
    assert schemas.faults(resource) == []


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Deployment", {"sepc": {}}),
        ("Deployment", {"spec": {"replicas": "two"}}),
        ("Service", {"spec": {"port": []}}),
        ("NetworkPolicy", {"spec": {"podSelector": {"matchLabel": {}}}}),
        ("HorizontalPodAutoscaler", {"apiVersion": "autoscaling/v2beta2"}),
        ("PodDisruptionBudget", {"apiVersion": "policy/v1beta1"}),
        ("Ingress", {"spec": {"rules": [{"http": {"paths": [{"path": "/"}]}}]}}),
    ],
)
def test_what_kubernetes_would_not_take_is_found_in_every_version(kind: str, change: dict[str, Any]) -> None:
    found = schemas.faults({**good(kind), **change})
    for version in schemas.VERSIONS:
        assert any(f"Kubernetes {version}" in fault for fault in found), version


def test_a_kind_that_only_some_versions_have_is_found() -> None:
    resource = good("Service") | {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR"}
    resource["spec"] = {"cidrs": ["10.0.0.0/16"]}
    assert schemas.faults(resource) == [
        "ServiceCIDR/app: there is no networking.k8s.io/v1 ServiceCIDR in Kubernetes 1.32"
    ]


ROUTE_TWICE = {"name": "edge"}


@custom
@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("KongPlugin", {"pluginn": "x"}),
        # Both at once: a rule in CEL.
        ("KongPlugin", {"config": {"minute": 1}}),
        ("KongUpstreamPolicy", {"spec": {"algorithm": "fastest"}}),
        ("KongUpstreamPolicy", {"spec": {"hashOn": {"cookie": "x"}}}),
        ("Certificate", {"spec": {"secretName": "x", "issuerRef": {"nme": "y"}}}),
        ("HTTPRoute", {"spec": {"parentRefs": [ROUTE_TWICE, ROUTE_TWICE]}}),
        ("HTTPRoute", {"spec": {"rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "x"}}]}]}}),
        ("HTTPRoute", {"spec": {"rules": [{"backendRefs": [{"name": "app"}]}]}}),
        ("ServiceMonitor", {"spec": {"selector": {}, "endpoints": [{"prot": "http"}]}}),
    ],
)
def test_what_a_definition_would_not_take_is_found(kind: str, change: dict[str, Any]) -> None:
    assert schemas.faults({**good(kind), **change})


@custom
def test_each_kind_has_its_schema_or_is_known_to_have_none() -> None:
    assert {r["kind"] for r in GOOD if not schemas.has_schema(r)} <= WITHOUT_SCHEMA


@custom
def test_the_rules_that_cannot_be_asked_are_few() -> None:
    """Those that use what Kubernetes adds to CEL."""
    asked = {rule for schema, _ in schemas.definitions().values() for rule in rules(schema)}
    left_out = {rule for rule in asked if cel.compiled(rule) is None}
    assert len(asked) > 50
    assert len(left_out) <= len(asked) // 20, left_out


def rules(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [rule for item in schema for rule in rules(item)]
    if not isinstance(schema, dict):
        return []
    own = [row["rule"] for row in schema.get("x-kubernetes-validations", ()) if isinstance(row, dict)]
    return own + [rule for item in schema.values() for rule in rules(item)]


@pytest.mark.parametrize(
    ("rule", "value", "holds"),
    [
        ("self.namespace == 'a'", {"namespace": "a"}, None),
        ("self.__namespace__ == 'a'", {"namespace": "a"}, True),
        ("self.__namespace__ == 'a'", {"namespace": "b"}, False),
        ("!has(self.a__dash__b)", {"a-b": 1}, False),
        ("isURL(self)", "x", None),
    ],
)
def test_a_rule_is_asked_as_kubernetes_asks_it(rule: str, value: Any, holds: bool | None) -> None:
    schema: Any = {"properties": {"namespace": {}, "a-b": {}}}
    if rule.startswith("self.namespace"):
        with pytest.raises(AssertionError):
            cel.holds(rule, schema, value)
    else:
        assert cel.holds(rule, schema, value) is holds


def test_defaults_are_filled_in_at_every_depth() -> None:
    schema = {"properties": {"rows": {"items": {"properties": {"kind": {"default": "Service"}, "name": {}}}}}}
    given = {"rows": [{"name": "a"}, {"name": "b", "kind": "Other"}]}
    assert schemas.with_defaults(schema, given) == {
        "rows": [{"name": "a", "kind": "Service"}, {"name": "b", "kind": "Other"}]
    }
    assert "kind" not in given["rows"][0]
