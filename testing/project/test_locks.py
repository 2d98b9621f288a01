"""The lock files: hashes for everything, an address for nothing, and what the projects ask for."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from testing.project.repository import read

BACKEND, KONG, TESTS = LOCKS = (
    "backend-service/requirements.txt",
    "kong-plugins/requirements.txt",
    "testing/requirements.txt",
)
OURS = {"portcullis-kong-plugins", "portcullis-gateway"}


def locked(lock: str) -> dict[str, set[str]]:
    """Package to its versions: there are several where platforms differ."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-zA-Z0-9._-]+)==([^\s;\\]+)", read(lock), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def asked(project: str, *extras: str) -> list[Requirement]:
    parsed = tomllib.loads(read(f"{project}/pyproject.toml"))["project"]
    optional = parsed.get("optional-dependencies", {})
    lines = [*parsed["dependencies"], *(line for extra in extras for line in optional[extra])]
    return [r for r in map(Requirement, lines) if r.name not in OURS]


def for_the_tests() -> list[Requirement]:
    lines = read("testing/requirements.in").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_is_pinned_and_hashed(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", read(lock).strip())
    assert len(entries) >= 10
    for entry in entries:
        assert re.match(r"[a-zA-Z0-9._-]+==\S+", entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]


@pytest.mark.parametrize("lock", LOCKS)
def test_no_address_stands_in_it(lock: str) -> None:
    assert re.findall(r"://|--(?:extra-)?index-url|--find-links|--trusted-host| @ ", read(lock)) == []


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        (BACKEND, [*asked("backend-service"), *asked("kong-plugins", "edge", "plugin")]),
        (KONG, asked("kong-plugins", "plugin")),
        (TESTS, [*asked("backend-service"), *asked("kong-plugins", "edge", "plugin"), *for_the_tests()]),
    ],
    ids=LOCKS,
)
def test_it_holds_what_the_projects_ask_for(lock: str, requirements: list[Requirement]) -> None:
    """Else testing/lock.sh has not been run."""
    versions = locked(lock)
    wrong = [
        str(requirement)
        for requirement in requirements
        if not any(
            requirement.specifier.contains(v) for v in versions.get(canonicalize_name(requirement.name), ())
        )
    ]
    assert wrong == []


@pytest.mark.parametrize(("part", "whole"), [(KONG, BACKEND), (BACKEND, TESTS)])
def test_what_stands_in_two_of_them_is_the_same(part: str, whole: str) -> None:
    of_part, of_whole = locked(part), locked(whole)
    assert {name: of_whole.get(name) for name in of_part} == of_part
