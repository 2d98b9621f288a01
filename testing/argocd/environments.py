"""The environments of configs/argocd, as Argo CD would read them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from testing.kubernetes.rendering import Resource, kustomize
from testing.project.repository import ROOT

ARGOCD = ROOT / "configs" / "argocd"
OURS = "https://github.com/portcullis-gateway/portcullis"
ENVIRONMENTS = sorted(path.name for path in (ARGOCD / "environments").iterdir())


@cache
def applications(environment: str) -> dict[str, Resource]:
    """The children, by name."""
    rendered = kustomize(ARGOCD / "environments" / environment)
    assert {resource["kind"] for resource in rendered} == {"Application"}
    return {resource["metadata"]["name"]: resource for resource in rendered}


@cache
def root(environment: str) -> tuple[Resource, ...]:
    """What a person applies."""
    return kustomize(ARGOCD / "environments" / environment / "root")


def projects(environment: str) -> dict[str, Resource]:
    return {
        resource["metadata"]["name"]: resource
        for resource in root(environment)
        if resource["kind"] == "AppProject"
    }


def sources(application: Resource) -> list[dict[str, Any]]:
    spec = application["spec"]
    return list(spec["sources"]) if "sources" in spec else [spec["source"]]


def wave(application: Resource) -> int:
    return int(application["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])


@cache
def manifests(environment: str, name: str) -> tuple[Resource, ...]:
    """What one of the Applications of this repository applies.

    As Argo CD does it: its images, components and patches are written into the path's own kustomization.
    """
    [source] = sources(applications(environment)[name])
    assert source["repoURL"] == OURS
    own = dict(source.get("kustomize", {}))
    if not own:
        return kustomize(ROOT / source["path"])
    images = [image.partition("=")[::2] for image in own.pop("images", ())]
    own["images"] = [
        {"name": name, "newName": new.rpartition(":")[0], "newTag": new.rpartition(":")[2]}
        for name, new in images
    ]
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(shutil.copytree(ROOT / "configs", Path(folder) / "configs")).parent / source["path"]
        file = copied / "kustomization.yaml"
        kustomization = yaml.safe_load(file.read_text(encoding="utf-8"))
        for key, rows in own.items():
            kustomization[key] = [*kustomization.get(key, ()), *rows]
        file.write_text(yaml.safe_dump(kustomization), encoding="utf-8")
        return kustomize(copied)


def kinds(resources: Iterable[Resource]) -> Iterator[tuple[str, str]]:
    for resource in resources:
        version: str = resource["apiVersion"]
        yield version.rpartition("/")[0], resource["kind"]
