"""All dashboards, and the files that they are written to."""

from __future__ import annotations

import json
from pathlib import Path

from configs.grafana.source.backend import BACKEND
from configs.grafana.source.compliance import COMPLIANCE
from configs.grafana.source.grafana import dashboard
from configs.grafana.source.infrastructure import INFRASTRUCTURE
from configs.grafana.source.kong import KONG
from configs.grafana.source.models import MODELS
from configs.grafana.source.overview import OVERVIEW
from configs.grafana.source.rows import Dashboard

FOLDER = Path(__file__).resolve().parents[1] / "dashboards"

PAGES: dict[str, Dashboard] = {
    "overview.json": OVERVIEW,
    "kong.json": KONG,
    "backend.json": BACKEND,
    "models.json": MODELS,
    "compliance.json": COMPLIANCE,
    "infrastructure.json": INFRASTRUCTURE,
}


def texts() -> dict[str, str]:
    """The files' names and contents."""
    return {name: json.dumps(dashboard(page), indent=1) + "\n" for name, page in PAGES.items()}
