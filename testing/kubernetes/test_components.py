"""What the manifests say twice, or say of the code, is the same in both places."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.configuration.schema import TimeoutsRow
from gateway.settings import read_settings
from testing.kubernetes.model import Cluster
from testing.kubernetes.rendering import COMPONENTS, Combination, overlays, render
from testing.project.repository import ROOT, read, read_yaml

GATEWAY: dict[str, Any] = read_yaml("configs/gateway/gateway.yaml")
FOLDER = COMPONENTS.relative_to(ROOT)


def of_provider(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    names = {name for name, row in document["providers"].items() if row["kind"] == kind}
    return [row for row in document["deployments"] if row["provider"] in names]


def literals(component: str) -> dict[str, str]:
    generators = read_yaml(FOLDER / component / "kustomization.yaml")["configMapGenerator"]
    return dict(row.split("=", 1) for generator in generators for row in generator.get("literals", ()))


@pytest.fixture(scope="module")
def base(kubectl: str) -> Cluster:
    return Cluster(render(Combination("staging")))


@pytest.fixture(scope="module")
def backend(base: Cluster) -> dict[str, Any]:
    found = base.find("Deployment", "portcullis-backend", "portcullis")
    assert found is not None
    return dict(found["spec"]["template"]["spec"])


def settings_of(cluster: Cluster) -> dict[str, str]:
    [found] = [
        r for r in cluster.of_kind("ConfigMap") if r["metadata"]["name"].startswith("portcullis-settings-")
    ]
    return dict(found["data"])


def test_without_a_way_out_what_stays_is_as_it_is_with_one() -> None:
    air_gapped = read_yaml(FOLDER / "air-gapped/gateway.yaml")
    assert air_gapped["deployments"] == of_provider(GATEWAY, "ollama")
    assert air_gapped["providers"] == {
        name: row for name, row in GATEWAY["providers"].items() if row["kind"] == "ollama"
    }
    assert {key: air_gapped[key] for key in GATEWAY.keys() - {"deployments", "providers"}} == {
        key: GATEWAY[key] for key in GATEWAY.keys() - {"deployments", "providers"}
    }


def test_without_a_way_out_no_policy_leads_to_an_address(kubectl: str) -> None:
    cluster = Cluster(render(Combination("dev", ("air-gapped",))))
    leads = {
        (policy["metadata"]["name"], peer["ipBlock"]["cidr"])
        for policy in cluster.of_kind("NetworkPolicy")
        if policy["metadata"]["namespace"] == "portcullis"
        for rule in policy["spec"].get("egress", ())
        for peer in rule["to"]
        if "ipBlock" in peer
    }
    # The nodes' cache of names, and the node's own answers.
    assert leads == {("dns", "169.254.20.10/32"), ("dns", "169.254.169.254/32")}
    assert not list(cluster.of_kind("Job"))


def test_ollama_loads_the_models_that_the_gateway_asks_it_for() -> None:
    wanted = {row.get("upstream_model", row["model"]) for row in of_provider(GATEWAY, "ollama")}
    assert set(literals("ollama")["MODELS"].split()) == wanted


def test_litellm_serves_what_the_gateway_asks_it_for_and_decides_nothing() -> None:
    config = read_yaml(FOLDER / "litellm/config.yaml")
    served = [row["model_name"] for row in config["model_list"]]
    wanted = [row.get("upstream_model", row["model"]) for row in of_provider(GATEWAY, "openai_compatible")]
    assert sorted(served) == sorted(wanted)
    assert "fallbacks" not in read(FOLDER / "litellm/config.yaml")


def test_the_services_of_a_weighted_canary_are_alike_to_kong() -> None:
    stable = read_yaml("configs/kong/service.yaml")["metadata"]["annotations"]
    canary = read_yaml(FOLDER / "canary-weighted/service.yaml")["metadata"]["annotations"]
    assert canary == stable


@pytest.mark.parametrize(("component", "other"), [("canary", "canary"), ("blue-green", "green")])
def test_the_other_version_s_pods_are_the_stable_ones(kubectl: str, component: str, other: str) -> None:
    cluster = Cluster(render(Combination("prod", (component,))))
    pods = []
    for name, track in (("portcullis-backend", "stable"), (f"portcullis-backend-{other}", other)):
        found = cluster.find("Deployment", name, "portcullis")
        assert found is not None
        assert found["spec"]["selector"]["matchLabels"]["track"] == track
        containers = [
            *found["spec"]["template"]["spec"]["initContainers"],
            *found["spec"]["template"]["spec"]["containers"],
        ]
        assert {row.pop("image").partition(":")[0] for row in containers} == {name}
        pods.append(found["spec"]["template"]["spec"])
    assert pods[0] == pods[1]


def test_every_setting_is_one_that_the_backend_reads(base: Cluster) -> None:
    given = settings_of(base)
    libraries = {"SSL_CERT_FILE", "NO_PROXY"}
    example = {line.partition("=")[0] for line in read(".env.example").splitlines()}
    assert given.keys() - libraries - example == set()


def test_the_grace_is_longer_than_what_the_backend_takes_to_end(
    base: Cluster, backend: dict[str, Any]
) -> None:
    settings = read_settings({"PORTCULLIS_DRAIN_DELAY_S": settings_of(base)["PORTCULLIS_DRAIN_DELAY_S"]})
    assert settings.drain_delay_s > 0
    assert settings.drain_grace_s > TimeoutsRow().stream_s
    assert backend["terminationGracePeriodSeconds"] >= settings.drain_delay_s + settings.drain_grace_s + 5


def test_what_the_settings_name_is_mounted(base: Cluster, backend: dict[str, Any]) -> None:
    [container] = backend["containers"]
    mounted = {row["mountPath"] for row in container["volumeMounts"]}
    files = [value for value in settings_of(base).values() if value.startswith("/")]
    assert len(files) >= 5
    assert [file for file in files if not mounted & {file, file.rpartition("/")[0]}] == []


def test_an_image_that_compose_has_too_is_the_same() -> None:
    compose = {row["image"].rpartition(":")[::2] for row in read_yaml("compose.yaml")["services"].values()}
    tags = dict(compose)
    for file in COMPONENTS.glob("*/*.yaml"):
        for line in file.read_text().splitlines():
            name, _, tag = line.strip().removeprefix("image: ").rpartition(":")
            if line.strip().startswith("image: ") and name in tags:
                assert tag == tags[name], file


@pytest.mark.parametrize("overlay", overlays())
def test_what_serves_a_request_is_never_put_where_it_may_be_interrupted(kubectl: str, overlay: str) -> None:
    cluster = Cluster(render(Combination(overlay, ("spot",))))
    spot = [w for w in cluster.workloads if "gke-spot" in str(w.pod)]
    assert all(workload.kind == "Job" for workload in spot)
    assert bool(spot) == (overlay == "dev")


def test_kubernetes_may_be_read_as_promised_and_by_the_backend_only(kubectl: str) -> None:
    cluster = Cluster(render(Combination("prod", ("rbac",))))
    [role] = cluster.of_kind("Role")
    granted = {
        (resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    assert granted == {
        *((resource, verb) for resource in ("configmaps", "secrets") for verb in ("get", "list")),
        *(("pods", verb) for verb in ("get", "list", "watch")),
    }
    with_token = [w.name for w in cluster.workloads if w.pod["automountServiceAccountToken"]]
    assert with_token == ["Deployment/portcullis-backend"]
