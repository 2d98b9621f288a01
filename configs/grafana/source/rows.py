"""What a dashboard is made of. A panel is a row: title, unit, what it says, what it asks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Grafana's plugins that are used here."""

    STAT = "stat"
    TIMESERIES = "timeseries"
    TABLE = "table"


class Needs(StrEnum):
    """What has to run for a panel to have data; the tests that show it differ by this."""

    GATEWAY = "gateway"
    KONG = "kong"
    CLUSTER = "cluster"
    """Nothing shows that these have data: they ask for metrics of other projects' programs."""


GREEN, YELLOW, RED = "green", "yellow", "red"


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL and the name of its series; a label's value stands in {{label}}."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. ``unit`` is one of Grafana's; ``steps`` are thresholds: from that value on, that colour.

    In a table each series is a line, and ``value`` names the column of its number.
    """

    title: str
    unit: str
    description: str
    queries: tuple[Query, ...]
    kind: Kind = Kind.TIMESERIES
    width: int = 12
    steps: tuple[tuple[float, str], ...] = ()
    base: str = GREEN
    stacked: bool = False
    most: float | None = None
    value: str = "Value"
    needs: Needs = Needs.GATEWAY

    @property
    def height(self) -> int:
        """In Grafana's cells."""
        return 4 if self.kind is Kind.STAT else 8


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice above the panels: the values of a label."""

    name: str
    label: str
    metric: str


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page."""

    uid: str
    title: str
    description: str
    sections: tuple[Section, ...]
    variables: tuple[Variable, ...] = ()
    since: str = "now-1h"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them, in order."""
        return tuple(panel for section in self.sections for panel in section.panels)


DEPLOYMENT = Variable("deployment", "Deployment", "portcullis_deployment_info")
TENANT = Variable("tenant", "Tenant", "portcullis_cost_usd_total")


def stat(
    title: str,
    unit: str,
    description: str,
    expression: str,
    *steps: tuple[float, str],
    base: str = GREEN,
    needs: Needs = Needs.GATEWAY,
) -> Panel:
    """One number, and its line behind it."""
    query = (Query(expression, title),)
    return Panel(title, unit, description, query, Kind.STAT, 4, steps, base, needs=needs)


def quantiles(histogram: str, *shares: float, by: str = "", where: str = "") -> tuple[Query, ...]:
    """Each share of a histogram's observations ends within this; ``by`` labels, joined by commas."""
    grouped = f"{by}, le" if by else "le"
    named = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(",") if label)
    rate = f"sum by ({grouped}) (rate({histogram}_bucket{where}[$__rate_interval]))"
    return tuple(
        Query(f"histogram_quantile({share}, {rate})", f"{named} p{share * 100:g}".strip()) for share in shares
    )


def rate(counter: str, by: str, where: str = "") -> Query:
    """A counter a second, for each value of the labels ``by``."""
    legend = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))
    return Query(f"sum by ({by}) (rate({counter}{where}[$__rate_interval]))", legend)
