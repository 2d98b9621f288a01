"""Runs Terraform with providers from a folder, and with nothing of this machine's configuration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MIRROR = os.environ.get("PORTCULLIS_TERRAFORM_MIRROR", "")
#: A provider of 130 to 700 MB is started anew for each of some twenty runs.
TIMEOUT_S = 280

needs_terraform = pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not on PATH")


def missing(folder: str) -> list[str]:
    """The providers of that folder that the mirror has not."""
    text = (ROOT / "terraform" / folder / "versions.tf").read_text()
    names = re.findall(r'source\s+= "hashicorp/([\w-]+)"', text)
    assert names
    places = Path(MIRROR) / "registry.terraform.io/hashicorp"
    return [name for name in names if not MIRROR or not any(places.joinpath(name).glob("*"))]


def need_providers(folder: str) -> None:
    """Skips where the mirror has not got them."""
    if lacking := missing(folder):
        pytest.skip(
            f"no {', '.join(lacking)}: PORTCULLIS_TERRAFORM_MIRROR names no folder with it; "
            f"`terraform providers mirror FOLDER` in terraform/{folder} makes one"
        )


def checkout(at: Path) -> Path:
    """A copy of what Terraform reads, so that it writes nothing into this checkout; its folder terraform."""
    ignore = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "*.tfstate*", "*.tfvars")
    shutil.copytree(ROOT / "terraform", at / "terraform", ignore=ignore)
    shutil.copytree(ROOT / "configs/gateway", at / "configs/gateway")
    return at / "terraform"


def terraform(*arguments: str, at: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "HOME": str(at), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    return subprocess.run(
        ["terraform", *arguments],
        cwd=at,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def must(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def init(at: Path, *options: str) -> None:
    must(terraform("init", "-input=false", f"-plugin-dir={MIRROR}", *options, at=at))
