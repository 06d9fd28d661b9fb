"""Writes Grafana's dashboards out of what they show; `make dashboards` runs it."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deploy.grafana import consumers, fleet, gateway
from deploy.grafana.charging import MEASURANDS, PANELS, SOURCES, STATION_QUERY, STATIONS
from deploy.grafana.panels import METRICS, ROW, STAT, TABLE, Choice, Dashboard, Line, Panel

FOLDER = Path(__file__).parent
CHART_FOLDER = FOLDER.parent / "helm/chargewire/files/dashboards"
POSTGRES = "grafana-postgresql-datasource"
PROMETHEUS = "prometheus"
_COLUMNS = 24
_ALL = {"text": ["All"], "value": ["$__all"], "selected": True}


def charging() -> dict[str, Any]:
    """The dashboard of sessions, energy, readings, availability, and what is odd."""
    return {
        **_frame(
            "chargewire-charging",
            "chargewire: charging",
            "Sessions, energy and availability, from the stores of the consumers.",
        ),
        "time": {"from": "now-30d", "to": "now"},
        "refresh": "5m",
        "templating": {"list": [*_stores()]},
        "panels": [*_placed(PANELS)],
    }


def metrics(dashboard: Dashboard) -> dict[str, Any]:
    """A dashboard on Prometheus."""
    return {
        **_frame(dashboard.uid, dashboard.title, dashboard.doc),
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": [*_choices(dashboard.choices)]},
        "panels": [*_placed(dashboard.panels)],
    }


def written(dashboard: Mapping[str, Any]) -> str:
    """A dashboard as its file has it."""
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


FILES: Mapping[str, Callable[[], dict[str, Any]]] = MappingProxyType(
    {"chargewire-charging.json": charging}
    | {
        f"{one.uid}.json": partial(metrics, one)
        for one in (fleet.DASHBOARD, gateway.DASHBOARD, consumers.DASHBOARD)
    }
)
"""Name of the file -> what makes its dashboard."""


def _frame(uid: str, title: str, doc: str) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "description": doc,
        "tags": ["chargewire"],
        "schemaVersion": 39,
        "editable": True,
        "timezone": "utc",
        "links": [{"type": "dashboards", "tags": ["chargewire"], "title": "chargewire"}],
    }


def _stores() -> Iterable[dict[str, Any]]:
    for name, label in SOURCES.items():
        yield {"name": name, "label": label, "type": "datasource", "query": POSTGRES, "refresh": 1}
    query = {
        "type": "query",
        "datasource": {"type": POSTGRES, "uid": f"${{{STATIONS}}}"},
        "query": STATION_QUERY,
        "definition": STATION_QUERY,
        "refresh": 1,
        "sort": 0,
    }
    chosen = {"multi": True, "includeAll": True, "current": _ALL}
    yield {"name": "station", "label": "Stations"} | query | chosen
    yield {"name": "one", "label": "Readings of", "multi": False} | query
    yield {
        "name": "measurand",
        "label": "Readings",
        "type": "custom",
        "query": ",".join(MEASURANDS),
        "options": [
            {"text": name, "value": name, "selected": name == MEASURANDS[0]} for name in MEASURANDS
        ],
        "current": {"text": MEASURANDS[0], "value": MEASURANDS[0], "selected": True},
    }


def _choices(choices: Iterable[Choice]) -> Iterable[dict[str, Any]]:
    """Each offers what is left by those before it."""
    yield {
        "name": METRICS,
        "label": "Prometheus",
        "type": "datasource",
        "query": PROMETHEUS,
        "refresh": 1,
    }
    before: list[str] = []
    for choice in choices:
        query = f"label_values({choice.metric}{{{','.join(before)}}}, {choice.label})"
        before.append(f'{choice.label}=~"${choice.label}"')
        yield {
            "name": choice.label,
            "label": choice.title,
            "type": "query",
            "datasource": {"type": PROMETHEUS, "uid": f"${{{METRICS}}}"},
            "query": {"query": query, "refId": "choice"},
            "definition": query,
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            # Also what has no such label: not every Prometheus knows of namespaces.
            "allValue": ".*",
            "current": _ALL,
        }


def _placed(panels: Iterable[Panel]) -> Iterable[dict[str, Any]]:
    """The panels from left to right, in a new row where one has no more room."""
    x, y, height = 0, 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > _COLUMNS:
            x, y, height = 0, y + height, 0
        at = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        x, height = x + panel.width, max(height, panel.height)
        yield {"id": number, "gridPos": at} | _panel(panel)


def _panel(panel: Panel) -> dict[str, Any]:
    if panel.form == ROW:
        return {"title": panel.title, "type": ROW, "collapsed": False, "panels": []}
    source = {"type": PROMETHEUS if panel.lines else POSTGRES, "uid": f"${{{panel.source}}}"}
    targets = [
        _target(panel, chr(ord("A") + number), line) for number, line in enumerate(panel.lines)
    ]
    made = {
        "title": panel.title,
        "type": panel.form,
        **({"description": panel.doc} if panel.doc else {}),
        "datasource": source,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "targets": [one | {"datasource": source} for one in targets or [_sql(panel)]],
    }
    if panel.lines and panel.form == TABLE:
        hidden = {"Time": True}
        made["transformations"] = [{"id": "organize", "options": {"excludeByName": hidden}}]
    if panel.lines and panel.is_series:
        made["options"] = {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    return made


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit} if panel.unit else {}
    if panel.options:
        defaults["custom"] = dict(panel.options)
    if panel.empty:
        defaults["noValue"] = panel.empty
    if panel.form == STAT and panel.lines:
        steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
        if panel.alarm is not None:
            steps.append({"color": "red", "value": panel.alarm})
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.lines and panel.is_series:
        defaults["min"] = 0
    return defaults


def _target(panel: Panel, letter: str, line: Line) -> dict[str, Any]:
    target: dict[str, Any] = {"refId": letter, "expr": line.expr, "editorMode": "code"}
    if panel.is_series:
        return target | {"legendFormat": line.legend, "range": True}
    return target | {"instant": True, "format": "table" if panel.form == TABLE else "time_series"}


def _sql(panel: Panel) -> dict[str, Any]:
    return {
        "refId": "A",
        "format": "time_series" if panel.is_series else "table",
        "editorMode": "code",
        "rawQuery": True,
        "rawSql": panel.sql,
    }


def main() -> None:
    """Write all dashboards, for Grafana and for the chart."""
    for folder in (FOLDER, CHART_FOLDER):
        folder.mkdir(parents=True, exist_ok=True)
        for name, dashboard in FILES.items():
            (folder / name).write_text(written(dashboard()), encoding="utf-8")


if __name__ == "__main__":
    main()
