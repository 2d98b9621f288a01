"""The workflow, and all YAML."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from testing.project.repository import ROOT, complaints, files, read, read_yaml

WORKFLOWS = [str(path) for path in files() if path.match(".github/workflows/*.yaml")]
WORKFLOW = ".github/workflows/test.yaml"


def test_yamllint_is_content_with_every_yaml_file() -> None:
    found = [str(path) for path in files() if path.suffix in {".yaml", ".yml"}]
    assert len(found) >= 7
    assert complaints("yamllint", "--strict", *found) == ""


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_it_is_what_github_reads(workflow: str) -> None:
    assert complaints("check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflow) == ""


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_it_may_only_read_and_runs_pinned_actions(workflow: str) -> None:
    parsed = read_yaml(workflow)
    assert parsed["permissions"] == {"contents": "read"}
    for name, job in parsed["jobs"].items():
        assert job["timeout-minutes"] <= 30, name
        assert "permissions" not in job, name
    for action in re.findall(r"uses: (.+)", read(workflow)):
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[\d.]+", action), action


def test_ci_runs_what_a_person_runs() -> None:
    jobs = read_yaml(WORKFLOW)["jobs"]
    assert ".ci/run" in [step.get("run") for step in jobs["test"]["steps"]]
    assert "testing/run.sh" in read(".ci/run")


def test_ci_builds_every_image_of_ours() -> None:
    built = {name for name, service in read_yaml("compose.yaml")["services"].items() if "build" in service}
    [command] = re.findall(r"docker compose build (.+)", read(WORKFLOW))
    # `setup` is the backend's image.
    assert set(command.split()) == built - {"setup"}


PROGRAMS = ["deploy.sh", "testing/run.sh", "testing/lock.sh", "testing/test-requests.sh", ".ci/run"]


@pytest.mark.parametrize("script", PROGRAMS)
def test_scripts_can_be_run(script: str) -> None:
    assert Path(ROOT / script).stat().st_mode & stat.S_IXUSR


def test_shellcheck_is_content_with_every_script() -> None:
    scripts = [
        str(path) for path in files() if path.suffix in {".sh", ".bash", ".bats"} or path.name == "stub"
    ]
    assert len(scripts) > 15
    assert complaints("shellcheck", *scripts, ".ci/run") == ""
