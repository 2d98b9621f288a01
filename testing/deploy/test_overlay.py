"""What `deploy.sh` lays over each overlay renders, with what is only known for one project in its place."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
DIGEST = "sha256:" + "a" * 64

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


def rendered(folder: Path, cloud: str, overlay: str, **environment: str) -> list[dict[str, Any]]:
    run = subprocess.run(
        [str(HERE / "render.sh"), cloud, overlay, str(folder / "state")],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
    )
    assert run.returncode == 0, run.stderr
    return [document for document in yaml.safe_load_all(run.stdout) if document]


def one(documents: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    [found] = [d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, name)]
    return found


def names(documents: list[dict[str, Any]], kind: str) -> set[str]:
    return {document["metadata"]["name"] for document in documents if document["kind"] == kind}


@pytest.mark.parametrize(("cloud", "overlay"), [("gke", "prod"), ("gke", "staging"), ("eks", "eks")])
def test_the_backend_runs_by_digest_and_as_its_account(cloud: str, overlay: str, tmp_path: Path) -> None:
    documents = rendered(tmp_path, cloud, overlay)
    template = one(documents, "Deployment", "portcullis-backend")["spec"]["template"]
    images = {c["image"] for c in template["spec"]["containers"] if c["name"] == "backend"}
    assert images == {f"registry.example.com/portcullis/portcullis-backend@{DIGEST}"}
    assert template["metadata"]["annotations"]["portcullis/secrets"] == "tag-keys:1 redis:2"
    annotations = one(documents, "ServiceAccount", "portcullis-backend")["metadata"]["annotations"]
    key = {"gke": "iam.gke.io/gcp-service-account", "eks": "eks.amazonaws.com/role-arn"}[cloud]
    assert "backend" in annotations[key]
    assert {"portcullis", "kong"} <= names(documents, "Namespace")
    assert {"portcullis-jwt", "portcullis-rate-limiting"} <= names(documents, "KongPlugin")


def test_settings_are_added_to_those_of_the_base(tmp_path: Path) -> None:
    documents = rendered(tmp_path, "gke", "prod")
    [settings] = [
        d
        for d in documents
        if d["kind"] == "ConfigMap" and d["metadata"]["name"].startswith("portcullis-settings")
    ]
    assert settings["data"]["GOOGLE_CLOUD_PROJECT"] == "my-project"
    assert settings["data"]["PORTCULLIS_PORT"] == "8081"


def test_without_a_domain_there_is_no_public_certificate(tmp_path: Path) -> None:
    documents = rendered(tmp_path, "gke", "prod")
    certificates = names(documents, "Certificate")
    assert not {"portcullis-tls", "portcullis-public-tls"} & certificates
    assert "portcullis-backend-tls" in certificates
    assert "tls" not in one(documents, "Ingress", "portcullis-api")["spec"]


def test_with_a_domain_its_zone_proves_it_and_the_routes_have_its_certificate(tmp_path: Path) -> None:
    documents = rendered(tmp_path, "gke", "prod", DOMAIN="ai.example.com")
    hosts = ["ai.example.com", "gateway.ai.example.com"]
    certificate = one(documents, "Certificate", "portcullis-public-tls")
    assert certificate["spec"]["dnsNames"] == hosts
    for name in ("portcullis-api", "portcullis-health"):
        ingress = one(documents, "Ingress", name)
        # Where Kong's controller looks for it.
        assert ingress["metadata"]["namespace"] == certificate["metadata"]["namespace"]
        assert ingress["spec"]["tls"] == [{"hosts": hosts, "secretName": certificate["spec"]["secretName"]}]
    assert one(documents, "ClusterIssuer", "letsencrypt")["spec"]["acme"]["solvers"] == [
        {"dns01": {"cloudDNS": {"project": "my-project", "hostedZoneName": "ai-example-com"}}}
    ]


def test_monitoring_is_there_unless_it_is_left_out(tmp_path: Path) -> None:
    assert "PrometheusRule" in {d["kind"] for d in rendered(tmp_path, "gke", "prod")}
    left_out = rendered(tmp_path / "other", "gke", "prod", MONITORING="none")
    assert "PrometheusRule" not in {d["kind"] for d in left_out}
