"""What holds of the Terraform files whatever a provider says: read as text, on every machine."""

import re
from pathlib import Path

import pytest
import yaml

from testing.terraform.hcl import Block, literal, read, strings

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "terraform"
FOLDERS = ("gcp", "aws", "modules/portcullis")
CLOUDS = ("gcp", "aws")
FILES = {folder: read(TERRAFORM / folder) for folder in FOLDERS}
GATEWAY = yaml.safe_load((ROOT / "configs/gateway/gateway.yaml").read_text())

#: What has a state that would be missed, and the argument that keeps it: in every one of these types.
PROTECTED = {
    "google_container_cluster": ("deletion_protection",),
    "google_memorystore_instance": ("deletion_protection_enabled",),
    "google_sql_database_instance": ("deletion_protection", "settings.deletion_protection_enabled"),
    "google_secret_manager_secret": ("deletion_protection",),
    "google_dns_managed_zone": ("force_destroy",),
    "aws_db_instance": ("deletion_protection", "skip_final_snapshot"),
    "aws_elasticache_replication_group": ("final_snapshot_identifier",),
    "aws_secretsmanager_secret": ("recovery_window_in_days",),
    "aws_ecr_repository": ("force_delete",),
    "aws_route53_zone": ("force_destroy",),
}

#: Types whose argument would carry a secret into the state.
CARRIES_A_SECRET = {
    "random_password",
    "tls_private_key",
    "google_service_account_key",
    "aws_iam_access_key",
}


#: The module's variables by the names that people bring along.
EXPECTED = (
    "enabled",
    "domain",
    "ingress_class",
    "tls_enabled",
    "storage_size",
    "storage_class",
    "auth_secret",
    "image_tag",
    "replicas",
    "admin_emails",
    "oauth2_proxy_host",
)


def of(folder: str, kind: str) -> list[Block]:
    return [block for block in FILES[folder] if block.kind == kind]


def argument(block: Block, path: str) -> str:
    *inner, name = path.split(".")
    return block.one(*inner).arguments.get(name, "")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_variable_says_what_it_is(folder: str) -> None:
    variables = of(folder, "variable")
    assert variables
    for variable in variables:
        assert literal(variable.arguments.get("description", "")), variable.address
        assert variable.arguments.get("type"), variable.address


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_output_says_what_it_is(folder: str) -> None:
    outputs = of(folder, "output")
    assert outputs
    for output in outputs:
        assert literal(output.arguments.get("description", "")), output.address
        assert output.arguments.get("value"), output.address


@pytest.mark.parametrize("folder", FOLDERS)
def test_providers_are_pinned(folder: str) -> None:
    (terraform,) = of(folder, "terraform")
    assert literal(terraform.arguments["required_version"]) == ">= 1.11, < 2.0"
    for name, value in terraform.one("required_providers").arguments.items():
        assert re.search(r'version = "~> \d+\.\d+"', value), name


@pytest.mark.parametrize("folder", CLOUDS)
def test_the_state_is_kept_in_the_cloud_and_its_place_is_not_written_here(folder: str) -> None:
    backend = of(folder, "terraform")[0].one("backend")
    assert backend.labels == ({"gcp": "gcs", "aws": "s3"}[folder],)
    assert not backend.arguments


@pytest.mark.parametrize("folder", CLOUDS)
def test_what_has_a_state_is_protected_by_one_variable(folder: str) -> None:
    found = [block for block in of(folder, "resource") if block.labels[0] in PROTECTED]
    assert {block.labels[0] for block in found} == {
        kind for kind in PROTECTED if kind.startswith("google_") == (folder == "gcp")
    }
    for block in found:
        for path in PROTECTED[block.labels[0]]:
            assert "var.deletion_protection" in argument(block, path), f"{block.address}: {path}"
    (variable,) = (block for block in of(folder, "variable") if block.address == "deletion_protection")
    assert literal(variable.arguments["default"]) is True


def test_no_secret_is_drawn_into_a_state_but_the_one_that_is_named() -> None:
    drawn = {
        f"{folder}: {block.address}"
        for folder in FOLDERS
        for block in of(folder, "resource")
        if block.labels[0] in CARRIES_A_SECRET
    }
    # ElastiCache takes its token in no other way; terraform/README.md says so.
    assert drawn == {"aws: random_password.redis"}


def test_secret_manager_is_filled_from_a_pipe_but_for_what_is_no_secret() -> None:
    written = [
        block for block in of("gcp", "resource") if block.labels[0] == "google_secret_manager_secret_version"
    ]
    assert [block.address for block in written] == ["google_secret_manager_secret_version.redis_ca"]


def test_the_module_s_secrets_are_ephemeral_and_write_only() -> None:
    ephemeral = {
        block.address
        for block in of("modules/portcullis", "variable")
        if block.arguments.get("ephemeral") == "true"
    }
    assert ephemeral == {"auth_secret", "previous_auth_secret", "provider_keys", "redis_url"}
    for block in of("modules/portcullis", "variable"):
        assert (block.address in ephemeral) == (block.arguments.get("sensitive") == "true"), block.address
    secrets = [
        block for block in of("modules/portcullis", "resource") if block.labels[0] == "kubernetes_secret_v1"
    ]
    assert len(secrets) == 3
    for block in secrets:
        assert "data_wo" in block.arguments, block.address
        assert "data" not in block.arguments, block.address


@pytest.mark.parametrize("name", EXPECTED)
def test_the_module_has_the_variables_that_people_expect(name: str) -> None:
    (variable,) = (block for block in of("modules/portcullis", "variable") if block.address == name)
    defaults = {"ingress_class": "nginx", "storage_size": "10Gi", "enabled": True, "tls_enabled": True}
    if name in defaults:
        assert literal(variable.arguments["default"]) == defaults[name]
    if name == "auth_secret":
        assert "default" not in variable.arguments, "it is required"


@pytest.mark.parametrize("folder", CLOUDS)
def test_tenants_are_those_of_the_gateway(folder: str) -> None:
    (variable,) = (block for block in of(folder, "variable") if block.address == "tenants")
    assert sorted(strings(variable.arguments["default"])) == sorted(GATEWAY["tenants"])


@pytest.mark.parametrize("folder", CLOUDS)
def test_external_secrets_reads_what_there_is_under_its_name(folder: str) -> None:
    (names,) = (block.arguments["secrets"] for block in of(folder, "locals") if "secrets" in block.arguments)
    (prefix,) = (block for block in of(folder, "variable") if block.address == "cluster_name")
    there = {f"{literal(prefix.arguments['default'])}-{name}" for name in strings(names)}
    there |= {f"{literal(prefix.arguments['default'])}-{tenant}-jwt" for tenant in GATEWAY["tenants"]}
    asked = {
        key
        for file in (ROOT / "configs/argocd/secrets").rglob("*.yaml")
        for key in re.findall(r"\bkey: (portcullis-[\w-]+)", file.read_text())
    }
    assert asked
    assert asked <= there


def test_bedrock_models_are_those_of_the_gateway() -> None:
    kinds = {name: provider["kind"] for name, provider in GATEWAY["providers"].items()}
    asked = {row["upstream_model"] for row in GATEWAY["deployments"] if kinds[row["provider"]] == "bedrock"}
    (variable,) = (block for block in of("aws", "variable") if block.address == "bedrock_models")
    assert set(strings(variable.arguments["default"])) == asked


def test_the_spot_component_tolerates_the_taints_of_both_clouds() -> None:
    patch = yaml.safe_load((ROOT / "configs/kubernetes/components/spot/spot.yaml").read_text())
    tolerated = {
        (row["key"], row["value"], row["effect"]) for row in patch["spec"]["template"]["spec"]["tolerations"]
    }
    effects = {"NO_SCHEDULE": "NoSchedule"}
    for folder, address in (("gcp", "google_container_node_pool.spot"), ("aws", "aws_eks_node_group.spot")):
        (pool,) = (block for block in of(folder, "resource") if block.address == address)
        (taint,) = (block for block in pool.walk() if block.kind == "taint")
        key, value, effect = (str(literal(taint.arguments[name])) for name in ("key", "value", "effect"))
        assert (key, value, effects[effect]) in tolerated, folder


def test_deploy_sh_reads_outputs_that_there_are_and_sets_variables_that_there_are() -> None:
    script = (ROOT / "configs/deploy/gke.sh").read_text()
    outputs = {block.address for block in of("gcp", "output")}
    variables = {block.address for block in of("gcp", "variable")}
    listed = re.search(r"cloud_outputs\(\) \{\n\s+echo ([\w\s\\]+)\n\}", script)
    assert listed
    read_by_name = set(re.findall(r"OUT\[(\w+)[\].:]", script))
    assert set(listed[1].replace("\\", " ").split()) | read_by_name <= outputs | {"secret_ids"}
    assert "secret_ids" in outputs
    steps = (ROOT / "configs/deploy/terraform.sh").read_text()
    given = re.search(r"common_variables\(\) \{.*?<<TEXT\n(.*?)\nTEXT", steps, re.DOTALL)
    own = re.search(r'cloud_variables\(\) \{ echo "(\w+) +=', script)
    assert given
    assert own
    common = {line.split("=")[0].strip() for line in given[1].splitlines()}
    assert len(common) >= 6
    assert common | {own[1]} <= variables
    # What every cloud is told, the other one takes too.
    assert common <= {block.address for block in of("aws", "variable")}


def test_readme_names_every_folder_and_every_file_of_it_exists() -> None:
    text = (TERRAFORM / "README.md").read_text()
    for folder in FOLDERS:
        assert f"`{folder}`" in text or f"`{folder}/" in text, folder
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (TERRAFORM / link).exists(), link
