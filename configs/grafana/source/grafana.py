"""From rows to the JSON that Grafana reads."""

from __future__ import annotations

from typing import Any

from configs.grafana.source.rows import Dashboard, Kind, Panel, Query, Section, Variable

Json = dict[str, Any]

SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
#: Columns that say nothing.
HIDDEN = ("Time", "__name__", "instance", "job")


def dashboard(page: Dashboard) -> Json:
    """The whole page."""
    return {
        "uid": page.uid,
        "title": page.title,
        "description": page.description,
        "tags": ["portcullis"],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "time": {"from": page.since, "to": "now"},
        "refresh": "30s",
        "timezone": "browser",
        "annotations": {"list": [_alerts()]},
        "links": [_others()],
        "templating": {"list": [_datasource(), *map(_variable, page.variables)]},
        "panels": _placed(page.sections),
    }


def _placed(sections: tuple[Section, ...]) -> list[Json]:
    """Left to right and top to bottom, each section under its heading."""
    placed: list[Json] = []
    top = 0
    for section in sections:
        heading = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
        placed.append(
            {
                "type": "row",
                "id": len(placed) + 1,
                "title": section.title,
                "collapsed": False,
                "gridPos": heading,
                "panels": [],
            }
        )
        left, top, tallest = 0, top + 1, 0
        for panel in section.panels:
            if left + panel.width > COLUMNS:
                left, top, tallest = 0, top + tallest, 0
            at = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            placed.append({"id": len(placed) + 1, "gridPos": at, **_panel(panel)})
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest
    return placed


def _panel(panel: Panel) -> Json:
    instant = panel.kind is Kind.TABLE
    return {
        "type": panel.kind.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "targets": [_target(query, chr(ord("A") + n), instant) for n, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind](panel),
        "transformations": _columns(panel) if panel.kind is Kind.TABLE else [],
    }


def _target(query: Query, letter: str, instant: bool) -> Json:
    target: Json = {
        "refId": letter,
        "datasource": SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend,
    }
    return {**target, "instant": True, "range": False, "format": "table"} if instant else target


def _defaults(panel: Panel) -> Json:
    steps: list[Json] = [{"color": panel.base, "value": None}]
    steps += [{"color": color, "value": value} for value, color in panel.steps]
    defaults: Json = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.kind is not Kind.TIMESERIES:
        return {**defaults, "color": {"mode": "thresholds"}, "noValue": "none"}
    custom: Json = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 25 if panel.stacked else 10,
        "showPoints": "never",
        "spanNulls": False,
        "axisSoftMin": 0,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if panel.steps else "off"},
    }
    return {**defaults, "color": {"mode": "palette-classic"}, "custom": custom}


def _timeseries_options(_: Panel) -> Json:
    legend = {
        "displayMode": "table",
        "placement": "bottom",
        "showLegend": True,
        "calcs": ["lastNotNull", "mean", "max"],
        "sortBy": "Last *",
        "sortDesc": True,
    }
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}


def _stat_options(panel: Panel) -> Json:
    return {
        "colorMode": "value" if panel.steps else "none",
        "graphMode": "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "value" if len(panel.queries) == 1 else "value_and_name",
        "wideLayout": True,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }


def _table_options(panel: Panel) -> Json:
    return {"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": panel.value, "desc": True}]}


_OPTIONS = {
    Kind.TIMESERIES: _timeseries_options,
    Kind.STAT: _stat_options,
    Kind.TABLE: _table_options,
}


def _columns(panel: Panel) -> list[Json]:
    hidden = dict.fromkeys(HIDDEN, True)
    named = {"Value": panel.value}
    return [
        {"id": "organize", "options": {"excludeByName": hidden, "indexByName": {}, "renameByName": named}}
    ]


def _datasource() -> Json:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "current": {"selected": True, "text": "Prometheus", "value": "prometheus"},
    }


def _variable(variable: Variable) -> Json:
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.label,
        "datasource": SOURCE,
        "query": {"query": f"label_values({variable.metric}, {variable.name})", "refId": variable.name},
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _alerts() -> Json:
    """A mark where an alert of ours fired."""
    return {
        "name": "Alerts",
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "expr": 'ALERTS{alertstate="firing",severity="page"}',
    }


def _others() -> Json:
    """The way to the other dashboards, with the same time and choices."""
    return {
        "type": "dashboards",
        "title": "Portcullis",
        "icon": "external link",
        "tooltip": "",
        "tags": ["portcullis"],
        "asDropdown": True,
        "targetBlank": False,
        "includeVars": True,
        "keepTime": True,
    }
