"""Writes Grafana's dashboards out of what they show; `make dashboards` runs it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deploy.grafana.charging import (
    MEASURANDS,
    PANELS,
    SOURCES,
    STATION_QUERY,
    STATIONS,
    Panel,
)

FOLDER = Path(__file__).parent
PLUGIN = "grafana-postgresql-datasource"
_COLUMNS = 24


def charging() -> dict[str, Any]:
    """The dashboard of sessions, energy, readings, availability, and what is odd."""
    return {
        "uid": "chargewire-charging",
        "title": "chargewire: charging",
        "description": "Sessions, energy and availability, from the stores of the consumers.",
        "tags": ["chargewire"],
        "schemaVersion": 39,
        "editable": True,
        "timezone": "utc",
        "time": {"from": "now-30d", "to": "now"},
        "refresh": "5m",
        "templating": {"list": [*_variables()]},
        "panels": [*_placed(PANELS)],
    }


def written(dashboard: Mapping[str, Any]) -> str:
    """A dashboard as its file has it."""
    return json.dumps(dashboard, indent=2) + "\n"


FILES = {"chargewire-charging.json": charging}
"""Name of the file -> what makes its dashboard."""


def _variables() -> Iterable[dict[str, Any]]:
    for name, label in SOURCES.items():
        yield {"name": name, "label": label, "type": "datasource", "query": PLUGIN, "refresh": 1}
    query = {
        "type": "query",
        "datasource": _source(STATIONS),
        "query": STATION_QUERY,
        "definition": STATION_QUERY,
        "refresh": 1,
        "sort": 0,
    }
    everything = {"text": ["All"], "value": ["$__all"], "selected": True}
    chosen = {"multi": True, "includeAll": True, "current": everything}
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
    defaults: dict[str, Any] = {"unit": panel.unit} if panel.unit else {}
    if panel.options:
        defaults["custom"] = dict(panel.options)
    target = {
        "refId": "A",
        "datasource": _source(panel.source),
        "format": "time_series" if panel.is_series else "table",
        "editorMode": "code",
        "rawQuery": True,
        "rawSql": panel.sql,
    }
    return {
        "title": panel.title,
        "type": panel.form,
        **({"description": panel.doc} if panel.doc else {}),
        "datasource": _source(panel.source),
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [target],
    }


def _source(name: str) -> dict[str, str]:
    return {"type": PLUGIN, "uid": f"${{{name}}}"}


def main() -> None:
    """Write all dashboards."""
    for name, dashboard in FILES.items():
        (FOLDER / name).write_text(written(dashboard()), encoding="utf-8")


if __name__ == "__main__":
    main()
