"""One process of simulators per test file; every test begins without faults and recordings."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from testing.simulators.launch import Simulators, running

_FOREIGN = (
    "OPENAI_",
    "ANTHROPIC_",
    "GROQ_",
    "OLLAMA_",
    "GOOGLE_",
    "VERTEX",
    "AWS_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
)


@pytest.fixture(autouse=True)
def _no_credentials_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The providers' clients read the environment: nothing that it happens to hold counts here."""
    for name in os.environ:
        if name.upper().startswith(_FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    """The simulators of this file."""
    with running(tmp_path_factory.mktemp("state")) as simulators:
        yield simulators


@pytest.fixture
def simulators(process: Simulators) -> Simulators:
    """The simulators of this file, as new."""
    process.reset()
    return process
