"""What is laid over what, and `kubectl kustomize` of it."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from testing.project.repository import ROOT

Resource = dict[str, Any]

KUBERNETES = ROOT / "configs" / "kubernetes"
OVERLAYS = KUBERNETES / "overlays"
COMPONENTS = KUBERNETES / "components"
BASE = "../base"
"""What every overlay is made of, as if it were one: with no component in it yet."""
KUBECTL = shutil.which("kubectl")
WITHOUT_KUBECTL = "kubectl is not here (Debian has it as kubernetes-client); kustomize comes with it"


class RenderError(Exception):
    """What kustomize said."""


@dataclass(frozen=True, order=True)
class Combination:
    """An overlay with components of ours laid over it."""

    overlay: str
    components: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "+".join((self.overlay, *self.components))


def folders(parent: Path) -> list[str]:
    return sorted(path.parent.name for path in parent.glob("*/kustomization.yaml"))


def overlays() -> list[str]:
    return folders(OVERLAYS)


def components() -> list[str]:
    return folders(COMPONENTS)


@cache
def conflicts() -> frozenset[frozenset[str]]:
    """Pairs of components that are not for the same cluster, as the project declares them."""
    file = KUBERNETES / "conflicts.yaml"
    rows = yaml.safe_load(file.read_text())["conflicts"] if file.is_file() else []
    return frozenset(frozenset(row) for row in rows)


@cache
def listed(folder: Path) -> frozenset[str]:
    """The components that a kustomization brings with it, directly or not."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    found = {folder.name} if folder.parent == COMPONENTS else set()
    for row in (*kustomization.get("resources", ()), *kustomization.get("components", ())):
        path = (folder / row).resolve()
        if path.is_dir():
            found |= listed(path)
    return frozenset(found)


def fits(combination: Combination) -> bool:
    """Whether nothing in it is there twice and no conflict is declared."""
    parts = [listed(OVERLAYS / combination.overlay)]
    parts += [listed(COMPONENTS / name) for name in combination.components]
    together = [name for part in parts for name in part]
    if len(together) != len(set(together)):
        return False
    return not any(frozenset(pair) in conflicts() for pair in itertools.combinations(together, 2))


def combinations() -> list[Combination]:
    """Every overlay, and each component on each that does not have it or exclude it."""
    made = [Combination(overlay) for overlay in overlays()]
    made += [Combination(o, (c,)) for o in (*overlays(), BASE) for c in components()]
    return [combination for combination in made if fits(combination)]


def pairs(overlay: str) -> list[Combination]:
    """Each pair of components on an overlay; on the base where that one excludes one of them."""
    made = []
    for pair in itertools.combinations(components(), 2):
        fitting = [c for c in (Combination(overlay, pair), Combination(BASE, pair)) if fits(c)]
        made += fitting[:1]
    return made


def render(combination: Combination) -> tuple[Resource, ...]:
    with tempfile.TemporaryDirectory() as folder:
        above = Path(folder).resolve()
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [os.path.relpath(OVERLAYS / combination.overlay, above)],
            "components": [os.path.relpath(COMPONENTS / name, above) for name in combination.components],
        }
        (above / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return kustomize(above)


def kustomize(folder: Path) -> tuple[Resource, ...]:
    assert KUBECTL is not None, WITHOUT_KUBECTL
    # Collecting garbage costs a third of so short a run.
    environment = {**os.environ, "GOGC": "off"}
    run = subprocess.run(
        [KUBECTL, "kustomize", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )
    # What it warns of (a deprecated field, for one) it will refuse one day.
    if run.returncode or run.stderr:
        raise RenderError(run.stderr.strip())
    return documents(run.stdout)


def documents(text: str) -> tuple[Resource, ...]:
    loaded = yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return tuple(document for document in loaded if document)
