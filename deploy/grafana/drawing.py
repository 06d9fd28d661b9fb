"""Draws what panels show as a page of HTML and SVG, which needs nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from html import escape
from math import ceil, floor, log10
from typing import Any

from deploy.grafana.answers import Answer, Series, Span
from deploy.grafana.panels import GRAPH, ROW, STAT

COLORS = (
    *("#3f7fd6", "#d9822b", "#3f9c5a", "#c4458a", "#8662c7", "#b8a11c"),
    *("#3aa6b9", "#c94f4f", "#7a8b2f", "#6b7280"),
)
_CELL = 58, 34  # pixels of one of Grafana's cells
_MARGIN = 62, 8, 22, 10  # of a graph: left, right, below, above
_ROWS_MAX = 12

_STYLE = """
:root { color-scheme: light dark; --back: #f4f5f7; --panel: #fff; --line: #dcdfe4; --text: #1f2733;
  --faint: #667085; --good: #2f8f4e; --bad: #cf3c3c }
@media (prefers-color-scheme: dark) { :root { --back: #111418; --panel: #1a1f26; --line: #2c333d;
  --text: #e3e7ee; --faint: #97a1b0; --good: #56b877; --bad: #f07070 } }
* { box-sizing: border-box }
body { margin: 0; padding: 16px; background: var(--back); color: var(--text);
  font: 13px/1.4 system-ui, "DejaVu Sans", sans-serif; width: 1440px }
h1 { font-size: 20px; margin: 0 } p { margin: 2px 0 12px; color: var(--faint) }
main { display: grid; grid-template-columns: repeat(24, 1fr); gap: 8px }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 4px;
  padding: 6px 8px; overflow: hidden; display: flex; flex-direction: column; min-width: 0 }
h2 { font-size: 13px; margin: 0 0 2px; font-weight: 600 }
h3 { grid-column: 1 / -1; font-size: 15px; margin: 8px 0 0 }
.number { flex: 1; font-size: 30px; display: grid; place-items: center; color: var(--good) }
.bad { color: var(--bad) }
.none { flex: 1; display: grid; place-items: center; color: var(--faint); text-align: center }
.legend { display: flex; flex-wrap: wrap; gap: 0 12px; color: var(--faint); font-size: 11px;
  max-height: 34px; overflow: hidden }
.legend i { display: inline-block; width: 12px; height: 3px; margin-right: 4px;
  vertical-align: middle }
svg { display: block } svg text { fill: var(--faint); font-size: 10px }
svg line { stroke: var(--line) }
table { border-collapse: collapse; font-size: 11px; width: 100% }
th { text-align: left; color: var(--faint); font-weight: 500 }
th, td { border-bottom: 1px solid var(--line); padding: 1px 8px 1px 0; white-space: nowrap }
"""


def page(dashboard: Mapping[str, Any], answers: Iterable[Answer], span: Span) -> str:
    """A dashboard as one file of HTML."""
    drawn = "\n".join(_panel(answer, span) for answer in answers)
    title = escape(dashboard["title"])
    shown = f"{_moment(span.begin_s)} to {_moment(span.end_s)} UTC"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{escape(dashboard['description'])} {shown}</p>"
        f"<main>\n{drawn}\n</main></html>\n"
    )


def _panel(answer: Answer, span: Span) -> str:
    panel, at = answer.panel, answer.panel["gridPos"]
    title = escape(panel["title"])
    if panel["type"] == ROW:
        return f"<h3>{title}</h3>"
    width, height = at["w"] * _CELL[0] - 18, at["h"] * _CELL[1]
    defaults = panel["fieldConfig"]["defaults"]
    if answer.problem or not answer.found:
        why = answer.problem or defaults.get("noValue", "No data")
        body = f'<div class="none">{escape(why)}</div>'
    elif panel["type"] == GRAPH:
        body = _graph(answer.series, span, defaults, (width, height - 66))
    elif panel["type"] == STAT:
        body = _stat(answer, defaults)
    else:
        body = _table(answer, defaults.get("unit", ""))
    hint = escape(panel.get("description", ""))
    style = f"grid-column: span {at['w']}; height: {height}px"
    return f'<section style="{style}" title="{hint}"><h2>{title}</h2>{body}</section>'


def _stat(answer: Answer, defaults: Mapping[str, Any]) -> str:
    value = answer.series[0].points[-1][1] if answer.series else answer.rows[0][-1]
    unit = defaults.get("unit", "")
    if not isinstance(value, int | float):
        value = float(str(value)) if value is not None else 0.0
    steps = defaults.get("thresholds", {"steps": ()})["steps"]
    bad = any(step["value"] is not None and value >= step["value"] for step in steps)
    return f'<div class="number{" bad" if bad else ""}">{text(value, unit)}</div>'


def _graph(
    series: Sequence[Series], span: Span, defaults: Mapping[str, Any], size: tuple[int, int]
) -> str:
    (width, height), (left, right, below, above) = size, _MARGIN
    values = [value for line in series for _, value in line.points]
    ticks = scale(min(0.0, *values), max(values))
    low, high = ticks[0], ticks[-1]

    def x(at_s: float) -> float:
        share = (at_s - span.begin_s) / (span.end_s - span.begin_s)
        return left + share * (width - left - right)

    def y(value: float) -> float:
        return above + (high - value) / (high - low) * (height - above - below)

    parts = [f'<svg width="{width}" height="{height}">']
    for tick in ticks:
        parts.append(
            f'<line x1="{left}" x2="{width - right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
            f'<text x="{left - 5}" y="{y(tick) + 3:.1f}" text-anchor="end">'
            f"{text(tick, defaults.get('unit', ''))}</text>"
        )
    long = span.end_s - span.begin_s > 2 * 86_400
    for quarter in range(5):
        share = quarter / 4
        at_s = span.begin_s + share * (span.end_s - span.begin_s)
        words = _moment(at_s)[5:10] if long else _moment(at_s)[11:]
        anchor = {0: "start", 4: "end"}.get(quarter, "middle")
        parts.append(
            f'<text x="{x(at_s):.1f}" y="{height - 6}" text-anchor="{anchor}">{words}</text>'
        )
    bars = defaults.get("custom", {}).get("drawStyle") == "bars"
    for number, line in enumerate(series):
        color = COLORS[number % len(COLORS)]
        seen = [one for one in line.points if span.begin_s <= one[0] <= span.end_s]
        for run in _runs(seen, 0 if bars else 3 * max(span.step_s, span.scrape_s)):
            parts.append(_bars(run, x, y, color) if bars else _line(run, x, y, color))
    names = [
        f'<span><i style="background: {color}"></i>{escape(line.name)}</span>'
        for color, line in zip(COLORS, series, strict=False)
    ]
    if len(series) > len(COLORS):
        names.append(f"<span>and {len(series) - len(COLORS)} more</span>")
    return "".join([*parts, "</svg>", '<div class="legend">', *names, "</div>"])


def _runs(
    points: Sequence[tuple[float, float]], gap_s: float
) -> Iterable[Sequence[tuple[float, float]]]:
    """The parts of a line between which something is missing."""
    run: list[tuple[float, float]] = []
    for point in points:
        if run and gap_s and point[0] - run[-1][0] > gap_s:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _line(run: Sequence[tuple[float, float]], x: Any, y: Any, color: str) -> str:
    if len(run) == 1:
        ((at, value),) = run
        return f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="2" fill="{color}"/>'
    path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in run)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>'


def _bars(run: Sequence[tuple[float, float]], x: Any, y: Any, color: str) -> str:
    return "".join(
        f'<rect x="{x(at) - 5:.1f}" y="{y(value):.1f}" width="10" '
        f'height="{max(0.5, y(0) - y(value)):.1f}" fill="{color}" fill-opacity="0.6"/>'
        for at, value in run
    )


def _table(answer: Answer, unit: str) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in answer.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(value, unit))}</td>" for value in row) + "</tr>"
        for row in answer.rows[:_ROWS_MAX]
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _cell(value: object, unit: str) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _moment(value.timestamp())
    if isinstance(value, date | str | bool):
        return str(value)
    return text(float(str(value)), unit)


def scale(low: float, high: float) -> list[float]:
    """Round numbers that hold all between these, about four of them."""
    if high <= low:
        high = low + 1
    step = 10 ** floor(log10((high - low) / 3))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 4)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def text(value: float, unit: str) -> str:
    """A value in its unit, by Grafana's names of units."""
    match unit:
        case "percentunit":
            return f"{_short(value * 100)} %"
        case "s":
            if abs(value) >= 3600:
                return f"{_short(value / 3600)} h"
            if abs(value) >= 120:
                return f"{_short(value / 60)} min"
            small = 0 < abs(value) < 1
            return f"{_short(value * 1000)} ms" if small else f"{_short(value)} s"
        case "bytes":
            power = min(3, int(log10(abs(value)) // 3)) if abs(value) >= 1 else 0
            return f"{_short(value / 1000**power)} {('B', 'kB', 'MB', 'GB')[power]}"
    words = {"cps": "/s", "reqps": "/s", "kwatth": " kWh", "watt": " W"}
    return _short(value) + words.get(unit, "")


def _short(value: float) -> str:
    for power, letter in ((6, "M"), (3, "k")):
        if abs(value) >= 10 ** (power + 1 if power == 3 else power):
            return f"{value / 10**power:.3g}{letter}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
