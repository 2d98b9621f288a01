"""The repository as its tests see it."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
_NOT_OURS = {".git", ".venv", ".local", "build", "__pycache__", "node_modules"}


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project that exists, relative to ROOT: git's where this is a clone."""
    listed = _git_files() or [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*")
        if path.is_file() and _NOT_OURS.isdisjoint(path.relative_to(ROOT).parts)
    ]
    return tuple(Path(name) for name in sorted(listed) if (ROOT / name).is_file())


def _git_files() -> list[str]:
    if not (ROOT / ".git").exists():
        return []
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return [name for name in listed.stdout.split("\0") if name]


def read(name: str | Path) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def read_yaml(name: str | Path) -> Any:
    return yaml.safe_load(read(name))


def complaints(tool: str, *arguments: str) -> str:
    """What a tool of the environment says about files, run in ROOT; empty when it is content."""
    command = [str(Path(sys.executable).with_name(tool)), *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    return "" if run.returncode == 0 else run.stdout + run.stderr
