"""The module on a real API server, with etcd behind it and no nodes: what Terraform makes and keeps.

Needs what testing/kubernetes/api_server.py needs, and the provider hashicorp/kubernetes.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from compliance.tag_keys import TagKeys
from testing.kubernetes.api_server import ApiServer, api_server
from testing.terraform.terraform import (
    ROOT,
    TIMEOUT_S,
    checkout,
    init,
    must,
    need_providers,
    needs_terraform,
    terraform,
)

pytestmark = [needs_terraform, pytest.mark.timeout(TIMEOUT_S + 100)]

FIRST, SECOND = "first-secret-0123456789-0123456789", "second/secret+0123456789-0123456789~"
KEY, PASSWORD = "sk-a-key-of-a-provider", "a-password-of-the-store"
#: What `value=` would stand in the state as, whatever the place.
SECRETS = (FIRST, SECOND, KEY, PASSWORD)

ROOT_MODULE = """
provider "kubernetes" {
  config_path = "KUBECONFIG"
}

variable "auth_secret" {
  type      = string
  ephemeral = true
}

variable "previous_auth_secret" {
  type      = string
  ephemeral = true
}

variable "secrets_revision" {
  type = number
}

module "portcullis" {
  source = "../modules/portcullis"

  domain               = "ai.example.com"
  auth_secret          = var.auth_secret
  previous_auth_secret = var.previous_auth_secret
  secrets_revision     = var.secrets_revision
  provider_keys        = { OPENAI_API_KEY = "sk-a-key-of-a-provider" }
  redis_url            = "rediss://:a-password-of-the-store@redis.example.com:6379/0"
  replicas             = 2
  storage_enabled      = false
  backend_tls_secret   = "portcullis-backend-tls"
  console_enabled      = true
  oauth2_proxy_host    = "oauth2.example.com"
  admin_emails         = "ann@example.com"
  # There are no nodes here.
  wait_for_rollout = false
}
"""


@dataclass(frozen=True)
class Applied:
    at: Path
    server: ApiServer

    def apply(self, revision: int, secret: str, previous: str = "") -> None:
        must(self.run("apply", "-auto-approve", revision=revision, secret=secret, previous=previous))

    def changes(self, revision: int, secret: str, previous: str = "") -> str:
        """What a plan would change; nothing when it is as it should be."""
        planned = self.run("plan", "-detailed-exitcode", revision=revision, secret=secret, previous=previous)
        assert planned.returncode in {0, 2}, planned.stderr
        return planned.stdout if planned.returncode else ""

    def run(self, command: str, option: str, *, revision: int, secret: str, previous: str) -> Any:
        return terraform(
            *(command, option, "-input=false", "-no-color", f"-var=secrets_revision={revision}"),
            at=self.at,
            TF_VAR_auth_secret=secret,
            TF_VAR_previous_auth_secret=previous,
        )

    def live(self, kind: str, name: str, namespace: str = "portcullis") -> Any:
        found = self.server.kubectl("get", kind, name, f"--namespace={namespace}", "-o", "json")
        return json.loads(must(found))

    def secret(self, name: str, key: str, namespace: str = "portcullis") -> str:
        return base64.b64decode(self.live("secret", name, namespace)["data"][key]).decode()


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    need_providers("modules/portcullis")
    folder = tmp_path_factory.mktemp("applied")
    with api_server(folder) as server:
        at = checkout(folder / "checkout") / "own"
        at.mkdir()
        (at / "main.tf").write_text(ROOT_MODULE.replace("KUBECONFIG", str(server.kubeconfig)))
        init(at)
        made = Applied(at, server)
        made.apply(1, FIRST)
        yield made


def test_nothing_is_left_to_change(applied: Applied) -> None:
    assert applied.changes(1, FIRST) == ""


def test_no_secret_is_in_the_state(applied: Applied) -> None:
    kept = "".join(file.read_text() for file in applied.at.glob("*.tfstate*"))
    assert "portcullis-tag-keys" in kept, "this is the state"
    for value in SECRETS:
        assert value not in kept
        assert base64.b64encode(value.encode()).decode().rstrip("=") not in kept


def test_kong_and_the_backend_read_the_same_key_of_the_tag(applied: Applied, tmp_path: Path) -> None:
    for namespace in ("portcullis", "kong"):
        file = tmp_path / f"{namespace}.json"
        file.write_text(applied.secret("portcullis-tag-keys", "tag-keys.json", namespace))
        keys = TagKeys.from_file(file)
        assert keys.current == "r1"
        assert keys.secrets["r1"] == FIRST.encode()


def test_what_the_backend_needs_is_where_it_looks(applied: Applied) -> None:
    assert applied.secret("llm-api-keys", "OPENAI_API_KEY") == KEY
    assert applied.secret("portcullis-redis", "url") == f"rediss://:{PASSWORD}@redis.example.com:6379/0"
    rows = yaml.safe_load(applied.live("configmap", "portcullis-gateway")["data"]["gateway.yaml"])
    assert rows == yaml.safe_load((ROOT / "configs/gateway/gateway.yaml").read_text())


def test_the_namespace_lets_its_pods_in(applied: Applied) -> None:
    """As the server's own check of pod security sees them."""
    template = applied.live("deployment", "portcullis-backend")["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": "portcullis"}}
    assert refused(applied, pod | {"spec": template["spec"]}) == ""
    for container in template["spec"]["containers"]:
        container["securityContext"]["runAsNonRoot"] = False
    assert "violates PodSecurity" in refused(applied, pod | {"spec": template["spec"]})


def refused(applied: Applied, pod: dict[str, Any]) -> str:
    return applied.server.kubectl("create", "--dry-run=server", "-f", "-", given=[pod]).stderr


def test_its_pods_are_those_of_the_base(applied: Applied) -> None:
    """Both as the server has them, with every default filled in."""
    base = yaml.safe_load((ROOT / "configs/kubernetes/base/backend-service-deployment.yaml").read_text())
    base["metadata"]["name"] = "base"
    pod = base["spec"]["template"]["spec"]
    for container in pod["containers"] + pod["initContainers"]:
        container["image"] = "portcullis-backend:0.1.0"
    assert applied.server.apply([base]) == []
    ours, theirs = (applied.live("deployment", name)["spec"] for name in ("portcullis-backend", "base"))
    assert in_order(ours["template"]["spec"]) == in_order(theirs["template"]["spec"])
    for name in ("strategy", "minReadySeconds", "revisionHistoryLimit", "selector"):
        assert ours[name] == theirs[name], name
    assert ours["template"]["metadata"]["labels"] == theirs["template"]["metadata"]["labels"]


def in_order(pod: Any) -> Any:
    """A pod's specification with what has a name in order, and without what says only what is so anyway."""
    for container in pod["containers"] + pod["initContainers"]:
        context = container["securityContext"]
        if context.get("runAsNonRoot") == pod["securityContext"]["runAsNonRoot"]:
            del context["runAsNonRoot"]
    return plain(pod)


#: What the provider writes out where a manifest leaves it away.
IDLE = {"mountPropagation": "None", "optional": False, "privileged": False, "shareProcessNamespace": False}


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items() if IDLE.get(name, ...) != each}
    if isinstance(value, list) and all(isinstance(each, dict) and "name" in each for each in value):
        return sorted((plain(each) for each in value), key=lambda each: str(each["name"]))
    return [plain(each) for each in value] if isinstance(value, list) else value


def test_what_kong_s_resources_add_to_the_service_stays(applied: Applied) -> None:
    must(
        applied.server.kubectl(
            "annotate", "service", "portcullis-backend", "--namespace=portcullis", "konghq.com/retries=0"
        )
    )
    assert applied.changes(1, FIRST) == ""


def test_ingresses_lead_where_they_should(applied: Applied) -> None:
    listed = json.loads(
        must(applied.server.kubectl("get", "ingress", "--namespace=portcullis", "-o", "json"))
    )["items"]
    found = {
        item["spec"]["rules"][0]["host"]: item["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"][
            "name"
        ]
        for item in listed
    }
    assert found == {
        "gateway.ai.example.com": "portcullis-kong",
        "api.ai.example.com": "portcullis-console",
        "console.ai.example.com": "portcullis-console",
        "admin.ai.example.com": "portcullis-console",
    }


def test_a_key_is_rotated_with_the_last_one_still_believed(applied: Applied, tmp_path: Path) -> None:
    applied.apply(2, SECOND, previous=FIRST)
    file = tmp_path / "tag-keys.json"
    file.write_text(applied.secret("portcullis-tag-keys", "tag-keys.json"))
    keys = TagKeys.from_file(file)
    assert keys.current == "r2"
    assert keys.secrets == {"r1": FIRST.encode(), "r2": SECOND.encode()}
    template = applied.live("deployment", "portcullis-backend")["spec"]["template"]
    assert template["metadata"]["annotations"]["portcullis.dev/secrets-revision"] == "2"
    assert applied.changes(2, SECOND, previous=FIRST) == ""
    applied.apply(1, FIRST)
