"""prometheus_client's metrics with a faster way to a child: a request asks for twenty."""

from __future__ import annotations

from typing import Any, Self

import prometheus_client
from prometheus_client.metrics import MetricWrapperBase


class _Remembered(MetricWrapperBase):
    """Remembers its children by the values that they were asked for with; none is ever removed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._remembered: dict[tuple[object, ...], Self] = {}

    def labels(self, *labelvalues: object, **labelkwargs: object) -> Self:
        child = self._remembered.get(labelvalues)
        if child is None or labelkwargs:
            child = super().labels(*labelvalues, **labelkwargs)
            if not labelkwargs:
                self._remembered[labelvalues] = child
        return child


class Counter(_Remembered, prometheus_client.Counter):
    """A counter."""


class Gauge(_Remembered, prometheus_client.Gauge):
    """A gauge."""


class Histogram(_Remembered, prometheus_client.Histogram):
    """A histogram."""
