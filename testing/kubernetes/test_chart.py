"""Kong's release together with what stands around it: every rule holds for both at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.kubernetes import outside, reach
from testing.kubernetes.chart import VALUES, WITH_MANAGED_REDIS, rendered_chart
from testing.kubernetes.checking import rendered, rule_faults, schema_faults
from testing.kubernetes.model import Cluster, Workload, matches
from testing.kubernetes.rendering import BASE, Combination, Resource

VALUE_FILES = {"own store": (VALUES,), "managed store": WITH_MANAGED_REDIS}


@pytest.fixture(params=VALUE_FILES)
def release(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Resource, ...]:
    return rendered_chart(tmp_path, *VALUE_FILES[request.param])


def around() -> tuple[Resource, ...]:
    """What stands beside it, Kong's own part and what watches it."""
    return rendered(Combination(BASE, ("kong", "monitoring")))


def kong(release: tuple[Resource, ...]) -> Workload:
    [workload] = Cluster(release).workloads
    return workload


def test_it_renders_to_what_every_version_takes(release: tuple[Resource, ...]) -> None:
    assert schema_faults(release) == []


@pytest.mark.usefixtures("kubectl")
def test_it_keeps_every_rule(release: tuple[Resource, ...]) -> None:
    assert rule_faults((*release, *around())) == []


def test_it_is_what_our_policies_think_it_is(release: tuple[Resource, ...]) -> None:
    [known] = [row for row in outside.KNOWN if row.name == "kong"]
    workload = kong(release)
    assert matches({"matchLabels": dict(known.labels)}, workload.labels)
    assert workload.namespace == known.namespace
    assert known.ports == reach.of_workload(Cluster(release), workload).ports.keys()


def test_the_image_gets_what_the_values_say(release: tuple[Resource, ...]) -> None:
    [proxy] = [container for container in kong(release).containers if container.name == "proxy"]
    environment = {row["name"]: row.get("value") for row in proxy.spec["env"]}
    assert environment["KONG_PLUGINS"] == "bundled,compliance-tag,oidc-jwt"
    assert environment["KONG_NGINX_PROXY_PROXY_SSL_VERIFY"] == "on"
    mounted = {row["mountPath"].rstrip("/") for row in proxy.spec["volumeMounts"]}
    files = [environment["KONG_NGINX_PROXY_PROXY_SSL_TRUSTED_CERTIFICATE"]]
    files += (environment["KONG_LUA_SSL_TRUSTED_CERTIFICATE"] or "").split(",")
    files += [environment["KONG_SSL_CERT"], environment["KONG_SSL_CERT_KEY"]]
    for file in filter(None, files):
        assert file == "system" or str(Path(file).parent) in mounted, file


def test_a_store_with_an_authority_of_its_own_is_believed(tmp_path: Path) -> None:
    [proxy] = [c for c in kong(rendered_chart(tmp_path, *WITH_MANAGED_REDIS)).containers if c.name == "proxy"]
    environment = {row["name"]: row.get("value") for row in proxy.spec["env"]}
    believed = (environment["KONG_LUA_SSL_TRUSTED_CERTIFICATE"] or "").split(",")
    assert {"system", "/etc/portcullis-ca/ca.crt", "/etc/portcullis-redis-ca/ca.crt"} == set(believed)


def test_it_scales_and_ends_as_a_request_needs_it(release: tuple[Resource, ...]) -> None:
    [autoscaler] = Cluster(release).of_kind("HorizontalPodAutoscaler")
    assert autoscaler["apiVersion"] == "autoscaling/v2"
    assert autoscaler["spec"]["minReplicas"] >= 2
    [proxy] = [container for container in kong(release).containers if container.name == "proxy"]
    [command] = [proxy.spec["lifecycle"]["preStop"]["exec"]["command"]]
    waits = sum(int(word.partition("=")[2]) for word in command if "=" in word)
    # Streams of 600 s end within what the hook waits, and the hook within the pod's grace.
    assert 600 < waits < kong(release).pod["terminationGracePeriodSeconds"]


def test_no_secret_outside_our_namespaces_is_the_controllers(release: tuple[Resource, ...]) -> None:
    readable = {
        (role["kind"], role["metadata"].get("namespace"))
        for role in Cluster(release).of_kind("Role", "ClusterRole")
        for rule in role["rules"] or ()
        if "secrets" in rule.get("resources", ())
    }
    assert readable == {("Role", "portcullis"), ("Role", "kong")}


def test_the_cluster_can_be_changed_while_kong_is_away(release: tuple[Resource, ...]) -> None:
    """Kong too needs Secrets to come back."""
    [configuration] = Cluster(release).of_kind("ValidatingWebhookConfiguration")
    for webhook in configuration["webhooks"]:
        labels = webhook["namespaceSelector"]["matchLabels"]
        assert labels == {"kubernetes.io/metadata.name": "portcullis"}, webhook["name"]
        if any("secrets" in rule["resources"] for rule in webhook["rules"]):
            wanted = {(row["key"], row["operator"]) for row in webhook["objectSelector"]["matchExpressions"]}
            assert wanted & {("konghq.com/credential", "Exists"), ("konghq.com/validate", "Exists")}
