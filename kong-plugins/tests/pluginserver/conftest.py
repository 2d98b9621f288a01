"""Plugin servers for the tests, and plugins to run in them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .driving import ROOT, Running, running


@pytest.fixture
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short folder: a socket's path has at most 107 bytes."""
    return tmp_path_factory.mktemp("k")


@pytest.fixture
def write_plugin(tmp_path: Path) -> Callable[[str], Path]:
    """Put the text of a plugin called `p` into a folder of its own; the text may leave out the frame."""

    def write(text: str, name: str = "p") -> Path:
        folder = tmp_path / "plugin"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(text)
        return folder

    return write


@pytest.fixture
def serve(prefix: Path) -> Iterator[Callable[..., Running]]:
    """Start a server for a plugin folder; it ends with the test."""
    with contextlib.ExitStack() as stack:

        def start(folder: Path, *flags: str) -> Running:
            return stack.enter_context(running(folder, prefix, *(flags or ("--no-lua-style",))))

        yield start


@pytest.fixture(scope="session")
def plugins() -> Path:
    """The plugins of the recordings."""
    return Path(__file__).parent / "plugins"


@pytest.fixture(scope="session")
def corpus() -> Path:
    return ROOT.parent / "testing" / "conformance" / "corpus"
