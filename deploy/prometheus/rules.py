"""Writes Prometheus' rules out of the alerts; `make dashboards` runs it."""

import json
from collections.abc import Iterable
from pathlib import Path

import click

from deploy.prometheus.alert import Alert
from deploy.prometheus.alerts import GROUPS
from deploy.prometheus.recordings import RECORDINGS

RUNBOOK = "docs/alerts.md"
"""Where that page is, for the annotation `runbook_url`: each alert is a heading of it."""

FILE = Path(__file__).parent / "chargewire.rules.yaml"
CHART_FILE = Path(__file__).parents[1] / "helm/chargewire/files/chargewire.rules.yaml"

_HEAD = "# Written by `make dashboards` out of deploy/prometheus; change it there.\n"


def text(runbook: str = RUNBOOK) -> str:
    """The file of rules, YAML. A text in quotation marks of JSON is one of YAML, too."""
    lines = [_HEAD + "groups:"]
    lines += _group("chargewire-recordings")
    for recording in RECORDINGS:
        lines += [f"      - record: {recording.name}", f"        expr: {_quoted(recording.expr)}"]
    for heading, alerts in GROUPS.items():
        lines += _group("chargewire-" + heading.lower().replace(" ", "-"))
        for alert in alerts:
            lines += _alert(alert, runbook)
    return "\n".join(lines) + "\n"


def anchor(alert: Alert) -> str:
    """The anchor of its heading on that page."""
    return alert.name.lower()


def _group(name: str) -> Iterable[str]:
    return (f"  - name: {name}", "    rules:")


def _alert(alert: Alert, runbook: str) -> Iterable[str]:
    yield f"      - alert: {alert.name}"
    yield f"        expr: {_quoted(alert.expr)}"
    yield f"        for: {alert.lasts}"
    yield "        labels:"
    yield f"          severity: {alert.severity}"
    yield "        annotations:"
    yield f"          summary: {_quoted(alert.summary)}"
    yield f"          description: {_quoted(alert.meaning)}"
    yield f"          runbook_url: {_quoted(f'{runbook}#{anchor(alert)}')}"


def _quoted(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)


@click.command()
@click.option("--runbook", default=RUNBOOK, show_default=True, help="Address of docs/alerts.md.")
@click.option("--print", "prints", is_flag=True, help="Print the rules, and write no file.")
def main(runbook: str, *, prints: bool) -> None:
    """Write the rules for Prometheus and for the chart."""
    if prints:
        click.echo(text(runbook), nl=False)
        return
    for file in (FILE, CHART_FILE):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(runbook), encoding="utf-8")


if __name__ == "__main__":
    main()
