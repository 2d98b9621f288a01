"""good.yaml, whole or with one thing of it broken."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from testing.kubernetes.rendering import Resource, documents

GOOD = documents((Path(__file__).parent / "good.yaml").read_text())
GONE = object()


def broken(target: str, path: str, value: Any) -> tuple[Resource, ...]:
    """With another value at a path (dots between) of one resource, or without it (GONE)."""
    resources = copy.deepcopy(GOOD)
    kind, _, name = target.partition("/")
    [resource] = [r for r in resources if (r["kind"], r["metadata"]["name"]) == (kind, name)]
    *above, last = path.split(".")
    place: Any = resource
    for step in above:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    if value is GONE:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return resources
