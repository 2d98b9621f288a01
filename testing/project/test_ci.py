"""The workflows, and all YAML."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path

import pytest

from testing.project.repository import ROOT, complaints, files, read, read_yaml

WORKFLOWS = [str(path) for path in files() if path.match(".github/workflows/*.yaml")]
WORKFLOW = ".github/workflows/test.yaml"

# What the jobs of a workflow may do beyond reading the repository, which all may.
MAY = {
    "test": {},
    "scan": {"images": {"contents": "read", "packages": "read"}},
    "release": {
        "images": {
            "attestations": "write",
            "contents": "read",
            "id-token": "write",
            "packages": "write",
        },
        "publish": {"contents": "write"},
    },
    "image": {
        "build": {"contents": "read", "packages": "write"},
        "scan": {"packages": "read"},
        "sign": {"attestations": "write", "id-token": "write", "packages": "write"},
        "copy": {"id-token": "write", "packages": "read"},
    },
}


def test_yamllint_is_content_with_every_yaml_file() -> None:
    found = [str(path) for path in files() if path.suffix in {".yaml", ".yml"}]
    assert len(found) >= 7
    assert complaints("yamllint", "--strict", *found) == ""


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_it_is_what_github_reads(workflow: str) -> None:
    assert complaints("check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflow) == ""


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_it_may_do_no_more_than_is_written_here(workflow: str) -> None:
    parsed = read_yaml(workflow)
    assert parsed["permissions"] == {"contents": "read"}
    given = {name: job["permissions"] for name, job in parsed["jobs"].items() if "permissions" in job}
    assert given == MAY[Path(workflow).stem]
    for name, job in parsed["jobs"].items():
        # One that is called has its own.
        assert "uses" in job or job["timeout-minutes"] <= 60, name


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_actions_are_pinned_and_keep_no_credentials(workflow: str) -> None:
    actions = re.findall(r"uses: (.+)", read(workflow))
    assert actions
    for action in actions:
        if action.startswith("./"):
            assert (ROOT / action).is_file(), action
        else:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    steps = [step for job in read_yaml(workflow)["jobs"].values() for step in job.get("steps", ())]
    for step in steps:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        # What others chose, such as a branch's name, reaches a script as a variable, never as its text.
        assert "${{" not in step.get("run", ""), step


def test_one_action_has_one_version() -> None:
    pins = {tuple(pin) for file in WORKFLOWS for pin in re.findall(r"uses: ([\w./-]+)@(.+)", read(file))}
    assert len(pins) == len({action for action, _ in pins})


def test_ci_installs_what_run_sh_would() -> None:
    [rows] = re.findall(r"^PACKAGES=\((.+?)\)", read("testing/run.sh"), re.MULTILINE | re.DOTALL)
    [command] = re.findall(r"--no-install-recommends (.+?)\n +- run", read(WORKFLOW), re.DOTALL)
    assert set(command.replace("\\\n", " ").split()) == {row.partition(":")[2] for row in rows.split()}


def test_a_release_is_tested_and_has_every_image_of_ours() -> None:
    jobs = read_yaml(".github/workflows/release.yaml")["jobs"]
    assert jobs["test"]["uses"] == f"./{WORKFLOW}"
    assert "test" in jobs["images"]["needs"]
    assert "images" in jobs["publish"]["needs"]
    services = read_yaml("compose.yaml")["services"].values()
    ours = {
        (service["image"].partition(":")[0], service["build"]["dockerfile"])
        for service in services
        if "build" in service
    }
    released = jobs["images"]["strategy"]["matrix"]["include"]
    assert {(row["name"], row["dockerfile"]) for row in released} == ours
    scanned = read_yaml(".github/workflows/scan.yaml")["jobs"]["images"]["strategy"]["matrix"]["image"]
    assert set(scanned) == {name for name, _ in ours}


def test_an_image_is_named_only_when_it_is_scanned_and_signed() -> None:
    jobs = read_yaml(".github/workflows/image.yaml")["jobs"]
    [build] = [step["with"] for step in jobs["build"]["steps"] if step.get("id") == "build"]
    assert "tags" not in build
    assert "push-by-digest=true" in build["outputs"]
    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert {"build", "scan"} <= set(jobs["sign"]["needs"])
    assert "--tag" in jobs["sign"]["steps"][-1]["run"]


@pytest.mark.parametrize("version", ["Unreleased"])
def test_notes_of_a_version_are_what_the_changelog_says(version: str) -> None:
    notes = _notes(version)
    assert notes.returncode == 0
    assert notes.stdout.strip() in read("CHANGELOG.md")
    assert notes.stdout.startswith("### ")
    assert "\n## " not in notes.stdout


def test_a_version_without_notes_is_no_release() -> None:
    notes = _notes("999.0.0")
    assert notes.returncode != 0
    assert "999.0.0" in notes.stderr


def _notes(version: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / ".github/release-notes.sh"), version]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


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
PROGRAMS.append(".github/release-notes.sh")


@pytest.mark.parametrize("script", PROGRAMS)
def test_scripts_can_be_run(script: str) -> None:
    assert Path(ROOT / script).stat().st_mode & stat.S_IXUSR


def test_shellcheck_is_content_with_every_script() -> None:
    scripts = [
        str(path) for path in files() if path.suffix in {".sh", ".bash", ".bats"} or path.name == "stub"
    ]
    assert len(scripts) > 15
    assert complaints("shellcheck", *scripts, ".ci/run") == ""
