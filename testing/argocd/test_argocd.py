"""Argo CD's Applications: what they name is there, comes in its order, and may do no more than it needs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.main import VERSION
from testing.argocd.environments import (
    ARGOCD,
    ENVIRONMENTS,
    OURS,
    applications,
    kinds,
    manifests,
    projects,
    root,
    sources,
    wave,
)
from testing.kubernetes import declared, schemas
from testing.kubernetes.model import CLUSTER_WIDE, Cluster, namespace
from testing.kubernetes.rendering import Resource
from testing.kubernetes.rules.references import referred_secrets
from testing.project.repository import ROOT, read, read_yaml

OUR_APPLICATIONS = ("portcullis", "portcullis-secrets", "portcullis-secrets-kong")
RELEASED = ("prod", "eks")
CLUSTER = CLUSTER_WIDE | {"ClusterSecretStore"}
LUA = shutil.which("lua") or shutil.which("lua5.1")

pytestmark = pytest.mark.usefixtures("kubectl")
every_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


def everything(environment: str) -> list[Resource]:
    return [*root(environment), *applications(environment).values()]


def test_the_promised_environments_are_there() -> None:
    assert ENVIRONMENTS == ["eks", "prod", "staging"]


@every_environment
def test_what_is_made_keeps_to_its_schema(environment: str) -> None:
    """Argo CD's own kinds where their definitions are at hand, beside Kubernetes' own."""
    made = everything(environment) + [r for name in OUR_APPLICATIONS for r in manifests(environment, name)]
    assert [fault for resource in made for fault in schemas.faults(resource)] == []


@every_environment
def test_every_path_and_file_that_is_named_exists(environment: str) -> None:
    [first] = [r for r in root(environment) if r["kind"] == "Application"]
    named = 0
    for application in (first, *applications(environment).values()):
        for source in sources(application):
            if source["repoURL"] == OURS and "path" in source:
                assert (ROOT / source["path"] / "kustomization.yaml").is_file(), source["path"]
                named += 1
            for file in source.get("helm", {}).get("valueFiles", ()):
                assert (ROOT / file.removeprefix("$values/")).is_file(), file
                named += 1
    assert named >= 8
    assert first["spec"]["source"]["path"] == f"configs/argocd/environments/{environment}"


@every_environment
def test_nothing_stands_for_an_environment_still(environment: str) -> None:
    assert "ENVIRONMENT" not in json.dumps(everything(environment))


@every_environment
def test_waves_bring_definitions_before_what_needs_them(environment: str) -> None:
    waves = {name: wave(application) for name, application in applications(environment).items()}
    bring = {name for name, number in waves.items() if number == 0}
    assert bring == {"cert-manager", "external-secrets", "kong-crds", "kube-prometheus-stack"}
    assert waves["prometheus-adapter"] == waves["portcullis-secrets"] == waves["portcullis-secrets-kong"] == 1
    # Kong waits for certificates of the gateway's, and its Ingress for Kong's address.
    assert waves["portcullis"] == waves["kong"] == max(waves.values()) == 2
    groups = {group for name in OUR_APPLICATIONS for group, _ in kinds(manifests(environment, name))}
    known = schemas.NATIVE_GROUPS | {"cert-manager.io", "external-secrets.io", "monitoring.coreos.com"}
    assert groups <= known | {"configuration.konghq.com"}


def test_a_wave_waits_for_the_health_of_the_one_before() -> None:
    text = read("configs/argocd/bootstrap/argocd-cm.yaml")
    assert "resource.customizations.health.argoproj.io_Application" in text


@pytest.mark.skipif(LUA is None, reason="lua is not installed (Debian's package lua5.1)")
@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("nil", "Progressing"),
        ("{}", "Progressing"),
        ("{health = {}}", "Progressing"),
        ('{health = {status = "Healthy"}}', "Healthy"),
        ('{health = {status = "Degraded", message = "no"}}', "Degraded"),
        ('{health = {status = "Healthy"}, operationState = {phase = "Running"}}', "Progressing"),
        ('{health = {status = "Healthy"}, operationState = {phase = "Succeeded"}}', "Healthy"),
    ],
)
def test_how_health_is_told(status: str, health: str) -> None:
    [script] = [
        value
        for key, value in read_yaml("configs/argocd/bootstrap/argocd-cm.yaml")["data"].items()
        if "_Application" in key
    ]
    program = f"obj = {{status = {status}}}\nlocal function check()\n{script}\nend\nprint(check().status)"
    assert LUA is not None
    run = subprocess.run([LUA, "-"], input=program, capture_output=True, text=True, timeout=20, check=True)
    assert run.stdout.strip() == health


@every_environment
def test_every_application_is_kept_as_the_repository_says(environment: str) -> None:
    [first] = [r for r in root(environment) if r["kind"] == "Application"]
    for application in (first, *applications(environment).values()):
        name, policy = application["metadata"]["name"], application["spec"]["syncPolicy"]
        assert policy["automated"]["selfHeal"] is True, name
        # With a definition goes everything of its kind.
        assert policy["automated"]["prune"] is (name != "kong-crds"), name
        assert 0 < policy["retry"]["limit"] <= 10, name
        assert policy["retry"]["backoff"] == {"duration": "10s", "factor": 2, "maxDuration": "5m"}, name
        assert "ServerSideApply=true" in policy["syncOptions"], name
        for row in application["spec"].get("ignoreDifferences", ()):
            assert "RespectIgnoreDifferences=true" in policy["syncOptions"], (name, row)


@every_environment
def test_each_is_in_a_project_that_lets_it(environment: str) -> None:
    known = projects(environment)
    used = set()
    [first] = [r for r in root(environment) if r["kind"] == "Application"]
    for application in (first, *applications(environment).values()):
        spec = application["spec"]
        project = known[spec["project"]]["spec"]
        assert spec["destination"] in project["destinations"], application["metadata"]["name"]
        assert {source["repoURL"] for source in sources(application)} <= set(project["sourceRepos"])
        used.add(spec["project"])
    assert used == known.keys()


@every_environment
def test_projects_give_nothing_by_pattern(environment: str) -> None:
    for project in projects(environment).values():
        assert "*" not in json.dumps(project["spec"]), project["metadata"]["name"]


def test_the_gateways_project_gives_exactly_what_is_used() -> None:
    made = [r for e in ENVIRONMENTS for name in OUR_APPLICATIONS for r in manifests(e, name)]
    in_cluster = [resource for resource in made if resource["kind"] in CLUSTER]
    in_namespaces = [resource for resource in made if resource["kind"] not in CLUSTER]
    project = projects("prod")["portcullis"]["spec"]
    assert _rows(project["clusterResourceWhitelist"]) == set(kinds(in_cluster))
    assert _rows(project["namespaceResourceWhitelist"]) == set(kinds(in_namespaces))
    assert {row["namespace"] for row in project["destinations"]} == {namespace(r) for r in in_namespaces}


@every_environment
def test_versions_are_one(environment: str) -> None:
    """A chart's is the one that deploy.sh installs; a release's images and revision are its own."""
    charts = {
        source["chart"]: source["targetRevision"]
        for application in applications(environment).values()
        for source in sources(application)
        if "chart" in source
    }
    cluster = read("configs/deploy/cluster.sh")
    assert f"KONG_CHART={charts['kong']}\n" in cluster
    assert f"CERT_MANAGER_CHART={charts['cert-manager']}\n" in cluster
    assert f"chart `kong` {charts['kong']} " in read("configs/kong/kong-values.yaml").splitlines()[0]
    [definitions] = sources(applications(environment)["kong-crds"])
    assert definitions["targetRevision"] == f"kong-{charts['kong']}"
    stack = read("configs/prometheus/kube-prometheus-stack-values.yaml").splitlines()[0]
    assert stack.endswith(f" {charts['kube-prometheus-stack']} of")
    for version in charts.values():
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", version)
    revision = f"v{VERSION}" if environment in RELEASED else "main"
    ours = {
        source["targetRevision"]
        for resource in everything(environment)
        if resource["kind"] == "Application"
        for source in sources(resource)
        if source["repoURL"] == OURS
    }
    assert ours == {revision}
    kong = sources(applications(environment)["kong"])[0]["helm"]["valuesObject"]["image"]
    assert kong["tag"] == VERSION
    images = [
        container["image"]
        for resource in manifests(environment, "portcullis")
        if resource["kind"] == "Deployment" and resource["metadata"]["name"] == "portcullis-backend"
        for container in _containers(resource)
    ]
    assert set(images) == {f"ghcr.io/portcullis-gateway/portcullis-backend:{VERSION}"}


@every_environment
def test_secrets_that_are_asked_for_are_made(environment: str) -> None:
    """By an ExternalSecret, a certificate, or, for those that may be missing, by nobody."""
    resources = manifests(environment, "portcullis")
    made = {
        (
            namespace(resource),
            resource["spec"].get("target", {}).get("name") or resource["spec"]["secretName"],
        )
        for name in OUR_APPLICATIONS
        for resource in manifests(environment, name)
        if resource["kind"] in {"ExternalSecret", "Certificate"}
    }
    asked = set(referred_secrets(Cluster(resources)))
    known = {(space, name) for space, name in asked if declared.secret(name, space)}
    assert known - made == set()
    external = {
        (namespace(r), r["spec"]["target"]["name"])
        for name in OUR_APPLICATIONS
        for r in manifests(environment, name)
        if r["kind"] == "ExternalSecret"
    }
    undeclared = [name for space, name in external if declared.secret(name, space) is None]
    assert undeclared == []


@every_environment
def test_each_tenant_of_the_register_has_its_credential(environment: str) -> None:
    made = {r["metadata"]["name"] for r in manifests(environment, "portcullis-secrets")}
    tenants = read_yaml("configs/gateway/gateway.yaml")["tenants"]
    assert {name for name in made if name.endswith("-jwt")} == {f"portcullis-{name}-jwt" for name in tenants}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_has_to_be_replaced_is_said(environment: str) -> None:
    folder = ARGOCD / "environments" / environment
    first = (folder / "kustomization.yaml").read_text(encoding="utf-8").splitlines()[0]
    said = set(re.findall(r"[A-Z]+_[A-Z]+|REGION", first))
    made = [*everything(environment), *manifests(environment, "portcullis-secrets")]
    found = set(re.findall(r"\b(?:PROJECT_ID|REDIS_HOST|ACCOUNT_ID|REGION)\b", json.dumps(made)))
    assert said == found


def _rows(rows: list[Mapping[str, str]]) -> set[tuple[str, str]]:
    return {(row["group"], row["kind"]) for row in rows}


def _containers(resource: Resource) -> list[dict[str, Any]]:
    pod = resource["spec"]["template"]["spec"]
    return [*pod.get("initContainers", ()), *pod["containers"]]
