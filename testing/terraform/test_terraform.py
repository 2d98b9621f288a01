"""What Terraform itself says, with the providers' own schemas and validators. No cloud is asked for anything.

`terraform fmt` needs Terraform only. All else needs the providers, from a folder that
PORTCULLIS_TERRAFORM_MIRROR names: where a registry can be reached, `terraform providers mirror FOLDER` makes
one, run in terraform/gcp, terraform/aws and terraform/modules/portcullis.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testing.terraform.clouds import Cloud
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

FOLDERS = ("gcp", "aws", "modules/portcullis")

pytestmark = [needs_terraform, pytest.mark.timeout(TIMEOUT_S + 20)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("checkout"))


def ready(copy: Path, folder: str) -> Path:
    """The folder with its providers in place; skips where the mirror has not got them."""
    need_providers(folder)
    at = copy / folder
    if not (at / ".terraform").exists():
        init(at, "-backend=false")
    return at


def test_files_are_formatted() -> None:
    must(terraform("fmt", "-check", "-recursive", "-diff", at=ROOT / "terraform"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_is_valid(copy: Path, folder: str) -> None:
    must(terraform("validate", "-no-color", at=ready(copy, folder)))


@pytest.mark.parametrize("folder", FOLDERS)
def test_its_own_tests_pass(copy: Path, folder: str) -> None:
    said = must(terraform("test", "-no-color", at=ready(copy, folder)))
    assert re.search(r"Success! [1-9]\d* passed, 0 failed", said), said


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as running:
        yield running


def planned(at: Path, variables: dict[str, str], **environment: str) -> dict[str, Any]:
    """A plan by the real provider, as JSON. It makes the checks that neither `validate` nor a mock makes."""
    # The state is in no bucket here.
    (at / "override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    try:
        init(at, "-reconfigure")
        flags = [f"-var={name}={value}" for name, value in variables.items()]
        must(terraform("plan", "-input=false", "-no-color", "-out=plan", *flags, at=at, **environment))
        plan: dict[str, Any] = json.loads(must(terraform("show", "-json", "plan", at=at, **environment)))
    finally:
        (at / "override.tf").unlink()
    return plan


def counted(plan: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for change in plan["resource_changes"]:
        if change["mode"] == "managed":
            assert change["change"]["actions"] == ["create"], change["address"]
            found[change["type"]] = found.get(change["type"], 0) + 1
    return found


@pytest.mark.parametrize("mode", ["autopilot", "standard"])
def test_google_s_provider_plans_it_whole(copy: Path, cloud: Cloud, mode: str) -> None:
    variables = {
        "project_id": "portcullis-test",
        "cluster_mode": mode,
        "domain": "ai.example.com",
        "managed_certificate": "true",
        "binary_authorization": "true",
        "alert_email": "ops@example.com",
        "github_repository": "portcullis-gateway/portcullis",
    }
    at = ready(copy, "gcp")
    found = counted(planned(at, variables, **cloud.as_google()))
    assert found["google_container_cluster"] == found["google_memorystore_instance"] == 1
    assert found.get("google_container_node_pool", 0) == (2 if mode == "standard" else 0)
    assert cloud.asked, "the provider asked the stand-in"


@pytest.mark.parametrize("mode", ["auto", "standard"])
def test_aws_s_provider_plans_it_whole(copy: Path, cloud: Cloud, mode: str) -> None:
    variables = {
        "cluster_mode": mode,
        "domain": "ai.example.com",
        "gateway_hostname": "some.elb.us-east-1.amazonaws.com",
        "alert_email": "ops@example.com",
        "github_repository": "portcullis-gateway/portcullis",
    }
    found = counted(planned(ready(copy, "aws"), variables, **cloud.as_aws()))
    assert (
        found["aws_eks_cluster"]
        == found["aws_elasticache_replication_group"]
        == found["aws_db_instance"]
        == 1
    )
    assert found.get("aws_eks_node_group", 0) == (2 if mode == "standard" else 0)
    assert cloud.asked, "the provider asked the stand-in"
