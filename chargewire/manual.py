"""Writes the tables of the pages for operators out of the code; `make docs` runs it."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import click

from chargewire.config_command import plain
from chargewire.console.config import Config as ConsoleConfig
from chargewire.size.sizing import Fleet, needs
from consumers import config as consumer_config
from consumers import families as consumer_families
from deploy.prometheus.alert import Alert
from deploy.prometheus.alerts import GROUPS
from gateway import metrics as gateway_metrics
from gateway.config import Config
from gateway.validation import DEFAULT_QUIRKS, QUIRKS
from programs.families import Family
from programs.kafka import options as kafka_options
from programs.settings import Row, describe

SIZES = (1_000, 100_000, 1_000_000)
_DOCS = Path(__file__).parent.parent / "docs"
PAGES = (_DOCS / "alerts.md", _DOCS / "reference.md", _DOCS / "runbook.md")
_TABLE = re.compile(r"(<!-- table: (\w+)[^>]*-->\n)(?:.*\n)*?(<!-- end -->)")


def settings() -> str:
    """Every setting of the gateway: variable, default with its unit, meaning."""
    return _settings(describe(Config()))


def consumers() -> str:
    """Every setting that consumers have, and the gateway has not, or not in the same meaning."""
    known = {(row.variable, row.doc) for row in describe(Config())}
    return _settings(
        row for row in describe(consumer_config.Config()) if (row.variable, row.doc) not in known
    )


def console() -> str:
    """Every setting that the console has, and the gateway has not."""
    known = {row.variable for row in describe(Config())}
    return _settings(row for row in describe(ConsoleConfig()) if row.variable not in known)


def _settings(rows: Iterable[Row]) -> str:
    return _table(
        ("variable", "default", "what it is"),
        (
            (
                f"`{row.variable}`",
                " ".join(filter(None, (f"`{plain(row.default)}`", row.unit))),
                row.doc,
            )
            for row in rows
        ),
    )


def options() -> str:
    """Kafka's client options that are passed through."""
    return _table(
        ("option", "variable", "what it is"),
        (
            (f"`{name}`", f"`{kafka_options.variable(name)}`", option.doc)
            for name, option in kafka_options.OPTIONS.items()
        ),
    )


def metrics() -> str:
    """Every metric of the gateway under the name by which Prometheus knows it."""
    return _metrics(gateway_metrics.FAMILIES.values())


def consumer_metrics() -> str:
    """Every metric of consumers, as above."""
    return _metrics(consumer_families.FAMILIES.values())


def _metrics(families: Iterable[Family]) -> str:
    return _table(
        ("metric", "kind", "labels", "what it is"),
        (
            (
                f"`{family.exposed}`",
                family.kind,
                ", ".join(f"`{label}`" for label in family.labels),
                family.doc,
            )
            for family in families
        ),
    )


def rules() -> str:
    """Every rule that can be bent for a station."""
    return _table(
        ("rule", "lenient", "what is taken"),
        (
            (f"`{name}`", "yes" if name in DEFAULT_QUIRKS else "no", doc)
            for name, doc in QUIRKS.items()
        ),
    )


def sizes() -> str:
    """What fleets of three sizes need, by what was measured."""
    fleets = [Fleet(stations=number) for number in SIZES]
    made = [dict(needs(fleet)) for fleet in fleets]
    return _table(
        ("", *(f"{fleet.stations:,} stations" for fleet in fleets)),
        ((name, *(one[name] for one in made)) for name in made[0]),
    )


def alerts() -> str:
    """Every alert: when somebody is called, what it means, and the first three steps."""
    parts = []
    for heading, group in GROUPS.items():
        parts.append(f"## {heading}")
        parts += map(_alert, group)
    return "\n\n".join(parts)


def _alert(alert: Alert) -> str:
    lasts = "" if alert.lasts.startswith("0") else f", after {alert.lasts}"
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(alert.steps, start=1))
    return (
        f"### {alert.name}\n\n*{alert.severity}{lasts}.* {alert.meaning}\n\n"
        f"```promql\n{alert.expr}\n```\n\n{steps}"
    )


TABLES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "settings": settings,
        "options": options,
        "metrics": metrics,
        "rules": rules,
        "consumers": consumers,
        "console": console,
        "consumer_metrics": consumer_metrics,
        "alerts": alerts,
        "sizes": sizes,
    }
)


def written(page: str) -> str:
    """The page with each of its tables as it should be. KeyError: a table that nobody makes."""
    return _TABLE.sub(lambda found: found[1] + TABLES[found[2]]() + "\n" + found[3], page)


def _table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [tuple(heading)]
    cells.append(("---",) * len(cells[0]))
    cells += [tuple(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


@click.command()
def main() -> None:
    """Write the tables of docs/alerts.md, reference.md and runbook.md again."""
    for page in PAGES:
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
