"""`terraform/modules/portcullis` and `configs/kubernetes/base` are two ways to one deployment."""

import re
from pathlib import Path
from typing import Any

import yaml

from testing.terraform.hcl import Block, literal, read, strings

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "configs/kubernetes/base"
MODULE = read(ROOT / "terraform/modules/portcullis")
#: What only the module has, and why.
ONLY_IN_MODULE = {
    # What is spooled locally: an overlay would add it where it is wanted.
    "data",
}


def resource(address: str) -> Block:
    (found,) = (block for block in MODULE if block.kind == "resource" and block.address == address)
    return found


def manifest(name: str) -> Any:
    return yaml.safe_load((BASE / name).read_text())


def local(name: str) -> str:
    (found,) = (
        block.arguments[name] for block in MODULE if block.kind == "locals" and name in block.arguments
    )
    return found


DEPLOYMENT = manifest("backend-service-deployment.yaml")
POD = DEPLOYMENT["spec"]["template"]["spec"]
(BACKEND,) = POD["containers"]
(AUTHORITIES,) = POD["initContainers"]
OUR_DEPLOYMENT = resource("kubernetes_deployment_v1.this")
OUR_POD = OUR_DEPLOYMENT.one("spec", "template", "spec")
OUR_BACKEND = OUR_POD.one("container")
OUR_AUTHORITIES = OUR_POD.one("init_container")


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def plain(block: Block) -> dict[str, Any]:
    """A block's written-out arguments and inner blocks, as a manifest would nest them."""
    inner = {child.kind: plain(child) for child in block.blocks}
    return {name: literal(text) for name, text in block.arguments.items()} | inner


def as_ours(value: Any) -> Any:
    """A manifest's mapping with the provider's spelling; numbers that the provider takes as text, as text."""
    if isinstance(value, dict):
        return {snake(key): as_ours(item) for key, item in value.items()}
    return value


def test_names_are_the_same() -> None:
    assert literal(local("name")) == DEPLOYMENT["metadata"]["name"]
    labels = DEPLOYMENT["spec"]["selector"]["matchLabels"]
    assert labels["app.kubernetes.io/name"] == literal(local("name"))
    assert f'track = "{labels["track"]}"' in OUR_DEPLOYMENT.one("spec", "selector").arguments["match_labels"]
    account = manifest("service-account.yaml")
    assert resource("kubernetes_service_account_v1.this").one("metadata").arguments["name"] == "local.name"
    assert account["metadata"]["name"] == literal(local("name")) == POD["serviceAccountName"]


def test_settings_are_the_same() -> None:
    (generator,) = manifest("kustomization.yaml")["configMapGenerator"]
    theirs = dict(line.split("=", 1) for line in generator["literals"])
    ours = dict(re.findall(r'^\s+([A-Z][A-Z0-9_]+)\s+= "([^"]*)"', local("settings"), re.MULTILINE))
    assert ours == theirs


def test_environment_is_the_same() -> None:
    """By value, or by the key of the Secret that holds it."""
    ours = {}
    for entry in OUR_BACKEND.all("env"):
        source = entry.one("value_from", "secret_key_ref").arguments["key"] if entry.blocks else ""
        ours[literal(entry.arguments["name"])] = literal(source or entry.arguments["value"])
    theirs = {
        entry["name"]: entry["value"] if "value" in entry else entry["valueFrom"]["secretKeyRef"]["key"]
        for entry in BACKEND["env"]
    }
    assert ours == theirs
    assert len(OUR_BACKEND.all("env_from")) == len(BACKEND["envFrom"]) == 1


def test_ports_are_the_same() -> None:
    ours = {
        literal(port.arguments["name"]): literal(port.arguments["container_port"])
        for port in OUR_BACKEND.all("port")
    }
    assert ours == {port["name"]: port["containerPort"] for port in BACKEND["ports"]}


def test_services_are_the_same() -> None:
    for address, file in (("this", "service.yaml"), ("management", "management-service.yaml")):
        spec, theirs = resource(f"kubernetes_service_v1.{address}").one("spec"), manifest(file)["spec"]
        (port,) = theirs["ports"]
        assert plain(spec.one("port")) == as_ours(port)
        headless = theirs.get("clusterIP") == "None"
        assert (spec.arguments.get("cluster_ip") == '"None"') == headless
        assert (spec.arguments.get("publish_not_ready_addresses") == "true") == theirs.get(
            "publishNotReadyAddresses", False
        )


def test_probes_are_the_same() -> None:
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert plain(OUR_BACKEND.one(snake(probe))) == as_ours(BACKEND[probe]), probe


def test_security_is_the_same() -> None:
    ours = plain(OUR_POD.one("security_context"))
    theirs = as_ours(POD["securityContext"])
    assert {name: str(value) for name, value in ours.items()} == {
        name: str(value) for name, value in theirs.items()
    }
    for block, container in ((OUR_BACKEND, BACKEND), (OUR_AUTHORITIES, AUTHORITIES)):
        context, expected = block.one("security_context"), dict(container["securityContext"])
        # What the pod says in the base; the provider would take it back.
        expected["runAsNonRoot"] = POD["securityContext"]["runAsNonRoot"]
        assert strings(context.one("capabilities").arguments["drop"]) == expected.pop("capabilities")["drop"]
        assert {name: literal(text) for name, text in context.arguments.items()} == as_ours(expected)
    for name in ("automountServiceAccountToken", "enableServiceLinks", "terminationGracePeriodSeconds"):
        key = "automount_service_account_token" if name.startswith("auto") else snake(name)
        assert literal(OUR_POD.arguments[key]) == POD[name]


def test_resources_are_the_same() -> None:
    for block, container in ((OUR_BACKEND, BACKEND), (OUR_AUTHORITIES, AUTHORITIES)):
        for kind in ("requests", "limits"):
            ours = dict(re.findall(r'(\w+) = "([^"]+)"', block.one("resources").arguments[kind]))
            assert ours == container["resources"][kind]


def test_volumes_and_where_they_are_mounted_are_the_same() -> None:
    ours = {str(literal(volume.arguments["name"])) for volume in OUR_POD.all("volume")}
    assert ours - ONLY_IN_MODULE == {volume["name"] for volume in POD["volumes"]}
    mounts = re.findall(r'([\w-]+)\s+= \{ path = "([^"]+)", read_only = (\w+) \}', local("mounts"))
    assert {(name, path, flag == "true") for name, path, flag in mounts if name not in ONLY_IN_MODULE} == {
        (mount["name"], mount["mountPath"], mount.get("readOnly", False)) for mount in BACKEND["volumeMounts"]
    }
    assert {
        (literal(mount.arguments["name"]), literal(mount.arguments["mount_path"]))
        for mount in OUR_AUTHORITIES.all("volume_mount")
    } == {(mount["name"], mount["mountPath"]) for mount in AUTHORITIES["volumeMounts"]}


def test_modes_of_secrets_are_the_same() -> None:
    theirs = {
        volume["name"]: (f"{volume['secret']['defaultMode']:04o}", volume["secret"].get("optional", False))
        for volume in POD["volumes"]
        if "secret" in volume
    }
    ours = {}
    for volume in OUR_POD.all("volume"):
        for secret in volume.all("secret"):
            optional = secret.arguments.get("optional") == "true"
            ours[literal(volume.arguments["name"])] = (literal(secret.arguments["default_mode"]), optional)
    assert ours == theirs


def test_the_authorities_are_gathered_in_the_same_way() -> None:
    script = OUR_AUTHORITIES.arguments["args"].split("\n")[1:-2]
    assert [line.strip() for line in script] == [line.strip() for line in AUTHORITIES["args"][0].splitlines()]
    assert strings(OUR_AUTHORITIES.arguments["command"]) == AUTHORITIES["command"]


def test_rollout_and_disruption_are_the_same() -> None:
    spec = DEPLOYMENT["spec"]
    ours = OUR_DEPLOYMENT.one("spec")
    rolling = ours.one("strategy", "rolling_update").arguments
    assert {name: int(str(literal(text))) for name, text in rolling.items()} == as_ours(
        spec["strategy"]["rollingUpdate"]
    )
    assert literal(ours.arguments["min_ready_seconds"]) == spec["minReadySeconds"]
    assert literal(ours.arguments["revision_history_limit"]) == spec["revisionHistoryLimit"]
    budget = manifest("pod-disruption-budget.yaml")["spec"]
    ours_budget = resource("kubernetes_pod_disruption_budget_v1.this").one("spec")
    assert int(str(literal(ours_budget.arguments["max_unavailable"]))) == budget["maxUnavailable"]


def test_the_namespace_lets_in_the_same() -> None:
    theirs = {
        name: value
        for name, value in manifest("namespace.yaml")["metadata"]["labels"].items()
        if name.startswith("pod-security")
    }
    ours = resource("kubernetes_namespace_v1.this").one("metadata").arguments["labels"]
    assert dict(re.findall(r'"(pod-security[^"]+)"\s+= "([^"]+)"', ours)) == theirs


def test_who_may_come_in_is_the_same() -> None:
    documents = list(yaml.safe_load_all((BASE / "network-policies.yaml").read_text()))
    (theirs,) = (
        document["spec"] for document in documents if document["metadata"]["name"] == "portcullis-backend"
    )
    ours = resource("kubernetes_network_policy_v1.backend").one("spec")
    assert [int(str(literal(rule.one("ports").arguments["port"]))) for rule in ours.all("ingress")] == [
        rule["ports"][0]["port"] for rule in theirs["ingress"]
    ]
    for ours_rule, theirs_rule in zip(ours.all("ingress"), theirs["ingress"], strict=True):
        (source,) = theirs_rule["from"]
        labels = source["podSelector"]["matchLabels"]
        text = ours_rule.one("from", "pod_selector").arguments["match_labels"]
        assert dict(re.findall(r'"([^"]+)" = "([^"]+)"', text)) == labels
