"""A real API server takes all of it: every check that it makes of a resource before it keeps it."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from testing.kubernetes import schemas
from testing.kubernetes.api_server import ApiServer, api_server, programs
from testing.kubernetes.chart import VALUES, rendered_chart
from testing.kubernetes.checking import rendered
from testing.kubernetes.good import GOOD
from testing.kubernetes.model import Cluster
from testing.kubernetes.rendering import BASE, Combination, Resource, combinations, overlays, pairs

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

OIDC = Combination(BASE, ("kong", "../../kong/oidc", "oauth2-proxy", "oauth2-proxy/nginx"))
SPACES = ("portcullis", "kong", "cert-manager", "monitoring")


def definitions() -> Iterator[Path]:
    """The CustomResourceDefinitions that are at hand; PORTCULLIS_CRDS is a folder with more of them."""
    folders = [schemas.CUSTOM, Path(os.environ.get("PORTCULLIS_CRDS", "/nonexistent"))]
    for folder in folders:
        yield from (
            p for p in sorted(folder.rglob("*.yaml")) if "kind: CustomResourceDefinition" in p.read_text()
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    programs()
    if not list(definitions()):
        pytest.skip(schemas.WITHOUT_CUSTOM)
    with api_server(tmp_path_factory.mktemp("api-server")) as started:
        # A later one of the same name wins: Gateway API's own over the one of the shared data.
        found = {}
        for file in definitions():
            for document in yaml.safe_load_all(file.read_text()):
                if document and document["kind"] == "CustomResourceDefinition":
                    found[document["metadata"]["name"]] = document
        assert started.apply(list(found.values()), "--force-conflicts") == []
        wait = ["wait", "--for=condition=Established", "--timeout=60s", "crd", *found]
        assert started.kubectl(*wait).returncode == 0
        spaces = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            for name in (*SPACES, "open")
        ]
        assert started.apply(spaces) == []
        yield started


def known(server: ApiServer) -> set[tuple[str, str]]:
    """Groups and kinds that this server has."""
    listed = server.kubectl("api-resources", "--no-headers").stdout.splitlines()
    return {(words[-3].rpartition("/")[0], words[-1]) for words in map(str.split, listed)}


def every_resource() -> dict[str, Resource]:
    """Of all combinations, each different one once: in a dry run one does not bear on another."""
    found = {}
    for combination in (*combinations(), *pairs("prod"), OIDC):
        for resource in rendered(combination):
            found[json.dumps(resource, sort_keys=True)] = resource
    return found


def test_it_takes_each_resource_of_every_combination(server: ApiServer) -> None:
    there = known(server)
    resources = list(every_resource().values())
    taken = [r for r in resources if (schemas.group(r), r["kind"]) in there]
    left_out = {r["kind"] for r in resources if (schemas.group(r), r["kind"]) not in there}
    print(f"{len(taken)} different resources; no definition at hand for {sorted(left_out) or 'none'}")
    assert left_out <= {"Gateway", "GatewayClass", "FQDNNetworkPolicy"}
    assert len(taken) > 100
    assert server.apply(taken, "--dry-run=server", "--force-conflicts") == []


@pytest.mark.parametrize("overlay", overlays())
def test_it_keeps_an_overlay_and_takes_it_again(server: ApiServer, overlay: str) -> None:
    there = known(server)
    resources = [r for r in rendered(Combination(overlay)) if (schemas.group(r), r["kind"]) in there]
    # As a person does it: in one go, namespaces first, which is how kustomize sorts.
    assert server.apply(resources, "--force-conflicts") == []
    assert server.apply(resources, "--force-conflicts") == []
    changed = server.kubectl("diff", "--server-side", "--force-conflicts", "-f", "-", given=resources)
    assert (changed.returncode, changed.stdout) == (0, ""), changed


def pods(resources: tuple[Resource, ...]) -> Iterator[Resource]:
    """Each workload's pod, as its controller would ask for it."""
    for workload in Cluster(resources).workloads:
        metadata = copy.deepcopy(dict(workload.template.get("metadata", {})))
        metadata |= {"name": workload.name.lower().replace("/", "-"), "namespace": workload.namespace}
        spec = copy.deepcopy(dict(workload.pod))
        # What a controller adds: a claim for each template.
        templates = (workload.resource.get("spec") or {}).get("volumeClaimTemplates") or ()
        claims = [
            {
                "name": row["metadata"]["name"],
                "persistentVolumeClaim": {"claimName": f"{row['metadata']['name']}-0"},
            }
            for row in templates
        ]
        spec["volumes"] = [*spec.get("volumes", ()), *claims]
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_the_restricted_standard_admits_every_pod(server: ApiServer) -> None:
    """Of a Deployment the server says nothing more than a warning; of its pods it would."""
    for space in ("portcullis", "kong"):
        label = "pod-security.kubernetes.io/enforce=restricted"
        assert server.kubectl("label", "--overwrite", "namespace", space, label).returncode == 0
    wanted: dict[str, Resource] = {}
    for combination in (*combinations(), OIDC):
        accounts = [r for r in rendered(combination) if r["kind"] == "ServiceAccount"]
        accounts += [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": s}}
            for s in SPACES
        ]
        wanted |= {json.dumps(r, sort_keys=True): r for r in accounts}
    assert server.apply(list(wanted.values()), "--force-conflicts") == []
    made = {json.dumps(p, sort_keys=True): p for c in (*combinations(), OIDC) for p in pods(rendered(c))}
    assert len(made) >= 8
    assert server.apply(list(made.values()), "--dry-run=server", "--force-conflicts") == []
    # And one that breaks it is not.
    bad = copy.deepcopy(next(iter(made.values())))
    bad["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    [refusal] = [line for line in server.apply([bad], "--dry-run=server") if "violates PodSecurity" in line]
    assert "allowPrivilegeEscalation" in refusal


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("Deployment", {"sepc": {}}, "not declared in schema"),
        ("Service", {"spec": {"ports": [{"port": 0}]}}, "Invalid value"),
        ("KongPlugin", {"config": {"minute": 1}}, "Using both config and configFrom"),
        ("NetworkPolicy", {"spec": {"podSelector": {"matchLabels": {"a b": "c"}}}}, "Invalid value"),
    ],
)
def test_it_refuses_what_is_wrong(server: ApiServer, kind: str, change: dict[str, Any], reason: str) -> None:
    good = next(r for r in GOOD if r["kind"] == kind)
    assert server.apply([good], "--dry-run=server", "--force-conflicts") == []
    assert any(
        reason in line for line in server.apply([good | change], "--dry-run=server", "--force-conflicts")
    )


def test_an_account_may_do_what_its_role_says_and_nothing_else(server: ApiServer) -> None:
    resources = [
        r
        for r in rendered(Combination(BASE, ("rbac",)))
        if r["kind"] in ("ServiceAccount", "Role", "RoleBinding")
    ]
    assert server.apply(resources, "--force-conflicts") == []
    account = "system:serviceaccount:portcullis:portcullis-backend"
    allowed = {("get", "configmaps"), ("list", "configmaps"), ("get", "secrets"), ("list", "secrets")}
    allowed |= {(verb, "pods") for verb in ("get", "list", "watch")}
    for kind in ("configmaps", "secrets", "pods", "deployments.apps", "networkpolicies.networking.k8s.io"):
        for verb in ("get", "list", "watch", "create", "update", "delete"):
            for space in ("portcullis", "kong", "open"):
                asked = server.kubectl("auth", "can-i", verb, kind, "--as", account, "--namespace", space)
                may = asked.stdout.strip() == "yes"
                assert may == (space == "portcullis" and (verb, kind) in allowed), (verb, kind, space)
    assert not [r for r in rendered(Combination(BASE, ("rbac",))) if r["kind"] == "ClusterRoleBinding"]


def test_kongs_controller_reads_our_secrets_and_nobody_elses(server: ApiServer, tmp_path: Path) -> None:
    kinds = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    release = [resource for resource in rendered_chart(tmp_path, VALUES) if resource["kind"] in kinds]
    assert server.apply(release, "--force-conflicts") == []
    for space in ("portcullis", "kong", "open", "kube-system"):
        asked = ("list", "secrets", "--as", "system:serviceaccount:kong:kong-kong", "--namespace", space)
        assert (server.kubectl("auth", "can-i", *asked).returncode == 0) == (space in ("portcullis", "kong"))
