"""Each rule finds the fault it is there for, in an installation with one thing of it broken."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from testing.kubernetes.good import GONE, GOOD, broken
from testing.kubernetes.model import Cluster
from testing.kubernetes.rendering import Resource
from testing.kubernetes.rules import all_rules

POD = "spec.template.spec"
APP = f"{POD}.containers.0"
FIRST = f"{POD}.initContainers.0"
STORE = f"{POD}.containers.0"
KONG_ALONE = {"from": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "kong"}}}]}
OTHER = {"matchLabels": {"app.kubernetes.io/name": "other"}}
SECOND_PATH = {
    "path": "/x",
    "pathType": "Prefix",
    "backend": {"service": {"name": "app", "port": {"number": 1}}},
}

# rule, resource, where, what stands there instead
FAULTS: list[tuple[str, str, str, Any]] = [
    ("resources", "Deployment/app", f"{APP}.resources", GONE),
    ("resources", "Deployment/app", f"{APP}.resources.limits.memory", GONE),
    ("resources", "Deployment/app", f"{APP}.resources.requests.cpu", GONE),
    ("resources", "Deployment/app", f"{FIRST}.resources", {}),
    ("resources", "Job/once", f"{APP}.resources.limits", GONE),
    ("probes", "Deployment/app", f"{APP}.livenessProbe", GONE),
    ("probes", "StatefulSet/store", f"{STORE}.readinessProbe", GONE),
    # One that stays beside the others is like them.
    ("probes", "Deployment/app", f"{FIRST}.restartPolicy", "Always"),
    ("probe-ports", "Deployment/app", f"{APP}.livenessProbe.httpGet.port", "https"),
    ("probe-ports", "Deployment/app", f"{APP}.readinessProbe.httpGet.port", 8082),
    ("probe-ports", "StatefulSet/store", f"{STORE}.livenessProbe", {"grpc": {"port": 1}}),
    ("non-root", "Deployment/app", f"{POD}.securityContext.runAsNonRoot", GONE),
    ("non-root", "Deployment/app", f"{APP}.securityContext.runAsNonRoot", False),
    ("non-root", "Deployment/app", f"{APP}.securityContext.runAsUser", 0),
    ("non-root", "Job/once", f"{POD}.securityContext", {}),
    ("no-escalation", "Deployment/app", f"{APP}.securityContext.allowPrivilegeEscalation", GONE),
    ("no-escalation", "Deployment/app", f"{FIRST}.securityContext.privileged", True),
    ("seccomp", "Deployment/app", f"{POD}.securityContext.seccompProfile", GONE),
    ("seccomp", "Deployment/app", f"{APP}.securityContext.seccompProfile", {"type": "Unconfined"}),
    ("capabilities", "Deployment/app", f"{APP}.securityContext.capabilities", GONE),
    ("capabilities", "Deployment/app", f"{APP}.securityContext.capabilities.add", ["NET_ADMIN"]),
    ("capabilities", "Deployment/app", f"{APP}.securityContext.capabilities.drop", ["NET_RAW"]),
    ("read-only-root", "Deployment/app", f"{APP}.securityContext.readOnlyRootFilesystem", GONE),
    ("read-only-root", "StatefulSet/store", f"{STORE}.securityContext.readOnlyRootFilesystem", False),
    ("exact-image", "Deployment/app", f"{APP}.image", "registry.test:5000/app"),
    ("exact-image", "Deployment/app", f"{APP}.image", "app"),
    ("exact-image", "Deployment/app", f"{APP}.image", "app:latest"),
    ("exact-image", "Deployment/app", f"{APP}.image", "app:1"),
    ("exact-image", "Deployment/app", f"{APP}.image", "app:1.2-alpine"),
    ("exact-image", "Deployment/app", f"{APP}.image", "app@sha256:0123"),
    ("exact-image", "StatefulSet/store", f"{STORE}.image", "postgres:17"),
    ("host", "Deployment/app", f"{POD}.hostNetwork", True),
    ("host", "Deployment/app", f"{POD}.hostPID", True),
    ("host", "Deployment/app", f"{POD}.volumes.0", {"name": "tls", "hostPath": {"path": "/"}}),
    ("service-account-token", "Job/once", f"{POD}.automountServiceAccountToken", GONE),
    ("service-account-token", "RoleBinding/reader", "subjects", []),
    ("references", "Deployment/app", f"{POD}.serviceAccountName", "writer"),
    ("references", "Deployment/app", f"{POD}.imagePullSecrets", [{"name": "mine"}]),
    ("references", "Deployment/app", f"{APP}.envFrom.0.configMapRef.name", "setting"),
    ("references", "Deployment/app", f"{APP}.env.0.valueFrom.secretKeyRef.name", "portcullis-rediss"),
    ("references", "Deployment/app", f"{APP}.env.0.valueFrom.secretKeyRef.key", "uri"),
    ("references", "Deployment/app", f"{POD}.volumes.0.secret.secretName", "tls"),
    ("references", "Deployment/app", f"{POD}.volumes.0.secret.items.0.key", "ca.pem"),
    ("references", "Deployment/app", f"{POD}.volumes.1.projected.sources.0.configMap.name", "other"),
    ("references", "Deployment/app", f"{POD}.volumes.1.projected.sources.0.configMap.items.0.key", "X"),
    (
        "references",
        "Deployment/app",
        f"{POD}.volumes.0",
        {"name": "tls", "persistentVolumeClaim": {"claimName": "x"}},
    ),
    ("references", "Certificate/app-tls", "spec.secretName", "other-tls"),
    ("references", "ConfigMap/settings", "metadata.namespace", "kong"),
    ("references", "Ingress/app", "spec.tls.0.secretName", "other"),
    ("references", "KongPlugin/limit", "configFrom.secretKeyRef.key", "config"),
    ("references", "KongConsumer/demo", "credentials", ["portcullis-demo"]),
    ("references", "Gateway/edge", "spec.listeners.0.tls.certificateRefs.0.name", "other"),
    ("mounts", "Deployment/app", f"{APP}.volumeMounts.0.name", "other"),
    ("mounts", "Deployment/app", f"{APP}.volumeMounts", GONE),
    ("mounts", "StatefulSet/store", "spec.volumeClaimTemplates", []),
    ("namespaces", "Service/app", "metadata.namespace", GONE),
    ("namespaces", "Service/app", "metadata.namespace", "elsewhere"),
    ("namespaces", "Namespace/portcullis", "metadata.namespace", "portcullis"),
    ("namespaces", "Namespace/portcullis", "metadata.labels", {}),
    ("issuers", "Certificate/app-tls", "spec.issuerRef.name", "other"),
    ("issuers", "Certificate/app-tls", "spec.issuerRef.kind", GONE),
    ("roles", "RoleBinding/reader", "roleRef.name", "writer"),
    ("roles", "RoleBinding/reader", "subjects.0.name", "writer"),
    ("roles", "Role/reader", "rules.0.verbs", ["*"]),
    ("roles", "Role/reader", "rules.0.resources", ["*"]),
    ("selectors", "Deployment/app", "spec.template.metadata.labels", {"app.kubernetes.io/name": "other"}),
    ("selectors", "StatefulSet/store", f"{POD[:-5]}.metadata.labels", {"app.kubernetes.io/name": "other"}),
    ("selectors", "Deployment/app", "spec.selector", {}),
    ("services", "Service/app", "spec.selector", {"app": "app"}),
    ("services", "Service/app", "spec.selector", GONE),
    ("services", "Service/app", "spec.ports.0.targetPort", "https"),
    ("services", "Service/store", "spec.ports.0.port", 5432),
    ("services", "Service/store", "metadata.namespace", "kong"),
    ("default-deny", "NetworkPolicy/default-deny", "spec.policyTypes", ["Ingress"]),
    ("default-deny", "NetworkPolicy/default-deny", "spec.podSelector", OTHER),
    ("default-deny", "NetworkPolicy/default-deny", "spec.egress", [{}]),
    ("default-deny", "NetworkPolicy/default-deny", "metadata.namespace", "kong"),
    ("policy-selectors", "NetworkPolicy/app", "spec.podSelector", OTHER),
    ("policy-selectors", "NetworkPolicy/app", "spec.ingress.0", KONG_ALONE),
    ("policy-selectors", "NetworkPolicy/app", "spec.ingress.0.ports.0.port", "https"),
    ("policy-selectors", "NetworkPolicy/app", "spec.ingress.0.ports.0.port", 8082),
    ("policy-selectors", "NetworkPolicy/app", "spec.ingress.0.ports", GONE),
    ("policy-selectors", "NetworkPolicy/app", "spec.ingress.0.from.0.podSelector", OTHER),
    ("policy-selectors", "NetworkPolicy/app", "spec.egress.0.to.0.podSelector", OTHER),
    ("policy-selectors", "NetworkPolicy/app", "spec.egress.0.ports.0.port", 6380),
    ("policy-selectors", "NetworkPolicy/app", "spec.egress.0.to", GONE),
    ("policy-selectors", "NetworkPolicy/app", "spec.policyTypes", ["Ingress"]),
    ("whole-internet", "NetworkPolicy/app", "spec.egress.1.to.0.ipBlock.except", GONE),
    ("autoscalers", "HorizontalPodAutoscaler/app", "spec.scaleTargetRef.name", "other"),
    ("autoscalers", "HorizontalPodAutoscaler/app", "spec.scaleTargetRef.kind", "StatefulSet"),
    ("autoscalers", "HorizontalPodAutoscaler/app", "spec.minReplicas", 5),
    ("autoscalers", "HorizontalPodAutoscaler/app", "spec.metrics.0.resource.name", "gpu"),
    ("autoscalers", "Deployment/app", "spec.replicas", 2),
    ("budgets", "PodDisruptionBudget/app", "spec.minAvailable", 2),
    ("budgets", "PodDisruptionBudget/app", "spec.minAvailable", "60%"),
    ("budgets", "PodDisruptionBudget/app", "spec.maxUnavailable", 0),
    ("budgets", "PodDisruptionBudget/app", "spec.maxUnavailable", "0%"),
    ("budgets", "PodDisruptionBudget/app", "spec.selector", OTHER),
    ("budgets", "HorizontalPodAutoscaler/app", "spec.minReplicas", 1),
    ("spread", "Deployment/app", f"{POD}.topologySpreadConstraints", GONE),
    ("spread", "Deployment/app", f"{POD}.topologySpreadConstraints.0.topologyKey", "zone"),
    ("spread", "PodDisruptionBudget/app", "spec.selector", OTHER),
    ("grace-periods", "Deployment/app", f"{POD}.terminationGracePeriodSeconds", GONE),
    ("grace-periods", "Deployment/app", f"{POD}.terminationGracePeriodSeconds", 600),
    ("grace-periods", "Deployment/app", "spec.strategy", GONE),
    ("grace-periods", "Deployment/app", "spec.strategy.rollingUpdate.maxUnavailable", 1),
    ("routes", "Ingress/app", "spec.rules.0.http.paths.0.backend.service.name", "other"),
    ("routes", "Ingress/app", "spec.rules.0.http.paths.0", SECOND_PATH),
    ("routes", "Ingress/app", "metadata.annotations", {"konghq.com/plugins": "limit,other"}),
    ("routes", "Service/app", "metadata.annotations", {"konghq.com/upstream-policy": "other"}),
    ("routes", "HTTPRoute/app", "spec.parentRefs.0.name", "other"),
    ("routes", "HTTPRoute/app", "spec.parentRefs.0.namespace", "kong"),
    ("routes", "HTTPRoute/app", "spec.parentRefs.0.sectionName", "http"),
    ("routes", "HTTPRoute/app", "spec.rules.0.backendRefs.0.port", 80),
    ("routes", "HTTPRoute/app", "spec.rules.0.filters.0.extensionRef.name", "other"),
    ("monitors", "ServiceMonitor/app", "spec.selector", OTHER),
    ("monitors", "ServiceMonitor/app", "spec.endpoints.0.port", "metrics"),
    ("monitors", "ServiceMonitor/app", "spec.endpoints.0", {"targetPort": "metrics"}),
    ("monitors", "ServiceMonitor/app", "spec.namespaceSelector", {"matchNames": ["other"]}),
]


def found(rule: str, resources: tuple[Resource, ...]) -> list[str]:
    return [str(fault) for fault in all_rules()[rule](Cluster(resources))]


@pytest.mark.parametrize("rule", all_rules())
def test_what_is_good_passes(rule: str) -> None:
    assert found(rule, GOOD) == []


@pytest.mark.parametrize(("rule", "target", "path", "value"), FAULTS)
def test_a_fault_is_found(rule: str, target: str, path: str, value: Any) -> None:
    assert found(rule, broken(target, path, value))


def test_each_rule_has_a_fault_that_it_finds() -> None:
    assert {row[0] for row in FAULTS} == all_rules().keys()


def twice(kind: str, **changes: Any) -> Iterator[Resource]:
    for resource in copy.deepcopy(GOOD):
        yield resource
        if resource["kind"] == kind:
            other = copy.deepcopy(resource)
            other["metadata"]["name"] += "-2"
            other["spec"] |= changes
            yield other


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("autoscalers", "HorizontalPodAutoscaler"),
        ("budgets", "PodDisruptionBudget"),
        ("selectors", "Deployment"),
        ("monitors", "Service"),
    ],
)
def test_two_that_get_in_each_others_way_are_found(rule: str, kind: str) -> None:
    assert found(rule, tuple(twice(kind)))


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        ("postgres:17.2", False),
        ("docker.io/library/redis:7.4.9-alpine", False),
        ("registry.test:5000/a/b:v1.12.4", False),
        ("b:20260101.1.2", False),
        ("b:1.2.3x", True),
        ("b:stable", True),
        ("b:main-1.2.3", True),
    ],
)
def test_a_tag_is_exact_or_not(image: str, fault: bool) -> None:
    assert bool(found("exact-image", broken("Deployment/app", f"{APP}.image", image))) is fault
