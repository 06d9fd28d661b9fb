"""What a dashboard is made of: panels, and the lists at its top from which one chooses."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

METRICS = "metrics"
"""The variable of a dashboard that chooses its Prometheus."""

NOTHING = "Nothing of the kind has happened."
"""What stands in an empty panel that is better empty."""

STAT, GRAPH, TABLE, ROW = "stat", "timeseries", "table", "row"
"""The forms, by Grafana's names."""


@dataclass(frozen=True, slots=True)
class Line:
    """A PromQL text, with Grafana's variables, and what its series are called in the legend."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: either SQL for PostgreSQL, with Grafana's variables and macros, or lines.

    `form` is Grafana's name of the panel, `width` and `height` are in its grid of 24 columns.
    `source` is the variable that chooses where it asks. In SQL a time series has a column `time`,
    and its texts name its lines. `empty` says why it may have nothing to show. From `alarm` on a
    value is red.
    """

    title: str
    form: str
    source: str
    sql: str
    width: int
    height: int
    doc: str = ""
    unit: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    empty: str = ""
    alarm: float | None = None

    @property
    def is_series(self) -> bool:
        """Whether it has time on one axis."""
        return self.form == GRAPH


@dataclass(frozen=True, slots=True)
class Choice:
    """A list at the top, filled with the values of a label of a metric."""

    label: str
    title: str
    metric: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Panels on Prometheus, from left to right; `choices` narrow what they show."""

    uid: str
    title: str
    doc: str
    choices: tuple[Choice, ...]
    panels: tuple[Panel, ...]


def row(title: str) -> Panel:
    """A heading over the panels that follow."""
    return Panel(title, ROW, METRICS, "", 24, 1)


def stat(title: str, expr: str, unit: str = "short", doc: str = "", **more: object) -> Panel:
    """One number."""
    made = Panel(title, STAT, METRICS, "", 3, 4, doc, unit, lines=(Line(expr),))
    return replace(made, **more)  # type: ignore[arg-type]


def graph(title: str, *lines: Line, unit: str = "short", doc: str = "", **more: object) -> Panel:
    """Lines over time."""
    made = Panel(title, GRAPH, METRICS, "", 8, 8, doc, unit, lines=lines)
    return replace(made, **more)  # type: ignore[arg-type]


def table(title: str, expr: str, doc: str = "", **more: object) -> Panel:
    """The labels of series, and their values now."""
    made = Panel(title, TABLE, METRICS, "", 8, 8, doc, lines=(Line(expr),))
    return replace(made, **more)  # type: ignore[arg-type]


def quantiles(metric: str, by: str = "") -> tuple[Line, ...]:
    """Median, ninety and ninety-nine of a hundred of a histogram; `metric` with its matchers."""
    name, brace, matchers = metric.partition("{")
    rates = f"rate({name}_bucket{brace}{matchers}[$__rate_interval])"
    grouped = f"sum by (le{', ' + by if by else ''}) ({rates})"
    legend = f" {{{{{by}}}}}" if by else ""
    return tuple(
        Line(f"histogram_quantile({share}, {grouped})", f"{words}{legend}")
        for share, words in ((0.5, "half"), (0.9, "90 %"), (0.99, "99 %"))
    )
