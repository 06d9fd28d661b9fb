"""The files of rules are what the code says, and name what programs of ours have."""

import re
import subprocess

import pytest

from deploy.prometheus.alerts import ALERTS
from deploy.prometheus.recordings import RECORDINGS
from deploy.prometheus.rules import CHART_FILE, FILE, anchor, text
from tests.deploy.promql import strangers

_TEMPLATE = re.compile(r"\$labels\.(\w+)")
_KEPT = re.compile(r"\bby \(([^)]*)\)")


def test_the_files_are_up_to_date():
    """`make dashboards` writes them, the chart's copy too."""
    assert FILE.read_text() == text()
    assert CHART_FILE.read_text() == text()


@pytest.mark.slow
def test_prometheus_takes_the_file():
    """By its own tool, which looks at the templates as well."""
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", str(FILE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERTS) + len(RECORDINGS)} rules found" in done.stdout


def test_every_metric_and_every_label_exists():
    """A misspelt one would be an alert that never fires."""
    for rule in (*ALERTS.values(), *RECORDINGS):
        assert list(strangers(rule.expr)) == [], rule.name


def test_a_metric_or_label_that_nobody_has_is_found():
    """Or the test above would not see one."""
    for wrong in (
        "chargewire_conections > 1",
        'chargewire_refusals_total{raeson="x"}',
        "sum by (namespace, reeson) (chargewire_refusals_total)",
        "job:chargewire_conections:sum",
        "chargewire_ack_seconds",
    ):
        assert len(list(strangers(wrong))) == 1, wrong


def test_a_summary_names_labels_that_are_left():
    """What an aggregation drops would be an empty place in the words."""
    for alert in ALERTS.values():
        kept = {name.strip() for found in _KEPT.findall(alert.expr) for name in found.split(",")}
        for label in _TEMPLATE.findall(alert.summary + alert.meaning):
            assert label in kept or not kept, alert.name


def test_the_runbook_may_be_anywhere():
    """Each alert leads to its own heading there."""
    found = text("https://example.org/runbook.html")
    for alert in ALERTS.values():
        assert f'runbook_url: "https://example.org/runbook.html#{anchor(alert)}"' in found
