"""Asks what the panels of a dashboard ask: the same queries, from its file, without Grafana."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import asyncpg
import httpx

from deploy.grafana.panels import GRAPH

POINTS = 240  # of a line, at most
TIME_S = 30.0  # for one query

Chosen = Mapping[str, Sequence[str]]
"""Variable of a dashboard -> the values that are chosen; of others, everything is shown."""

_MACRO = re.compile(r"\$__timeFilter\(([^)]*)\)")  # as Grafana finds it
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a dashboard shows, in epoch seconds; Prometheus is read every `scrape_s`."""

    begin_s: float
    end_s: float
    scrape_s: float = 15.0

    @property
    def step_s(self) -> float:
        """Between two points of a line."""
        return max(1.0, (self.end_s - self.begin_s) / POINTS)


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, and (epoch seconds, value) of its points."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a panel shows: lines, or rows under columns; `problem`: why it could not be asked."""

    panel: Mapping[str, Any]
    series: tuple[Series, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()
    problem: str = ""

    @property
    def found(self) -> bool:
        """Whether there is anything to show."""
        return any(line.points for line in self.series) or bool(self.rows)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to ask: a client of Prometheus' HTTP interface, a connection of the stores, or none."""

    metrics: httpx.AsyncClient | None = None
    stores: asyncpg.Connection | None = None
    chosen: Chosen = field(default_factory=dict)


async def answers(dashboard: Mapping[str, Any], sources: Sources, span: Span) -> list[Answer]:
    """Ask for all panels that show something, in their order."""
    found = []
    for one in dashboard["panels"]:
        panel = {**one, "title": _titled(one["title"], sources.chosen)}
        if not panel.get("targets"):
            found.append(Answer(panel))
            continue
        try:
            found.append(await _answer(panel, sources, span))
        except (httpx.HTTPError, asyncpg.PostgresError, OSError, ValueError) as error:
            found.append(Answer(panel, problem=f"{type(error).__name__}: {error}"))
    return found


def _titled(title: str, chosen: Chosen) -> str:
    """A title may name what is chosen."""
    return _VARIABLE.sub(lambda found: ", ".join(chosen.get(found[1] or found[2], ("?",))), title)


async def _answer(panel: Mapping[str, Any], sources: Sources, span: Span) -> Answer:
    if "rawSql" in panel["targets"][0]:
        if sources.stores is None:
            return Answer(panel, problem="no --postgres was given")
        return await _of_stores(panel, sources.stores, sources.chosen, span)
    if sources.metrics is None:
        return Answer(panel, problem="no --prometheus was given")
    return await _of_metrics(panel, sources.metrics, sources.chosen, span)


async def _of_metrics(
    panel: Mapping[str, Any], client: httpx.AsyncClient, chosen: Chosen, span: Span
) -> Answer:
    series: list[Series] = []
    rows: list[dict[str, object]] = []
    for target in panel["targets"]:
        query = promql(target["expr"], chosen, span)
        if panel["type"] == GRAPH:
            times = {"start": span.begin_s, "end": span.end_s, "step": span.step_s}
            found = await _query(client, "query_range", {"query": query, **times})
            series += [_series(target.get("legendFormat", ""), one) for one in found]
            continue
        found = await _query(client, "query", {"query": query, "time": span.end_s})
        for one in found:
            at, value = one["value"]
            series.append(Series(_shown(one["metric"]), ((at, float(value)),)))
            rows.append({**one["metric"], "Value": float(value)})
    if panel["type"] != "table":
        return Answer(panel, tuple(series))
    columns = tuple(dict.fromkeys(name for one in rows for name in one))
    columns = (*(name for name in columns if name != "Value"), "Value") if columns else ()
    return Answer(panel, (), columns, tuple(tuple(map(one.get, columns)) for one in rows))


async def _query(client: httpx.AsyncClient, kind: str, asked: Mapping[str, object]) -> Any:
    """ValueError with what Prometheus says, where it does not take the query."""
    response = await client.post(f"/api/v1/{kind}", data=dict(asked), timeout=TIME_S)
    told = response.json()
    if told["status"] != "success":
        raise ValueError(f"{told['error']}: {asked['query']}")
    return told["data"]["result"]


def promql(expr: str, chosen: Chosen, span: Span) -> str:
    """The text as Grafana sends it."""
    rate_s = max(span.step_s + span.scrape_s, 4 * span.scrape_s)
    own = {
        "__rate_interval": f"{rate_s:.0f}s",
        "__interval": f"{span.step_s:.0f}s",
        "__range": f"{span.end_s - span.begin_s:.0f}s",
    }

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return own.get(name) or "|".join(map(re.escape, chosen.get(name, ()))) or ".*"

    return _VARIABLE.sub(value, expr)


def sql(text: str, chosen: Chosen, span: Span) -> str:
    """The text as Grafana sends it."""
    first, last = (datetime.fromtimestamp(s, UTC).isoformat() for s in (span.begin_s, span.end_s))
    text = _MACRO.sub(lambda one: f"{one[1]} BETWEEN '{first}' AND '{last}'", text)
    own = {"__from": round(span.begin_s * 1000), "__to": round(span.end_s * 1000)}

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name in own:
            return str(own[name])
        quoted = ("'" + one.replace("'", "''") + "'" for one in chosen.get(name, ()))
        return ", ".join(quoted) or "NULL"

    return _VARIABLE.sub(value, text)


async def _of_stores(
    panel: Mapping[str, Any], connection: asyncpg.Connection, chosen: Chosen, span: Span
) -> Answer:
    found = await connection.fetch(sql(panel["targets"][0]["rawSql"], chosen, span), timeout=TIME_S)
    columns = tuple(found[0].keys()) if found else ()
    if panel["type"] != GRAPH:
        return Answer(panel, (), columns, tuple(tuple(one.values()) for one in found))
    lines: dict[str, list[tuple[float, float]]] = {}
    for one in found:
        named = str(one["metric"]) if "metric" in columns else ""
        for name in columns:
            if name not in ("time", "metric") and one[name] is not None:
                point = one["time"].timestamp(), float(one[name])
                lines.setdefault(named or name, []).append(point)
    return Answer(panel, tuple(Series(name, tuple(points)) for name, points in lines.items()))


def _series(legend: str, one: Mapping[str, Any]) -> Series:
    labels = one["metric"]
    name = _LABEL.sub(lambda found: str(labels.get(found[1], "")), legend) or _shown(labels)
    points = ((at, float(value)) for at, value in one["values"])
    return Series(name, tuple(point for point in points if isfinite(point[1])))


def _shown(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in labels.items() if name != "__name__")
