"""The files of the dashboards are what the code says, in a form that Grafana takes."""

import json
import re

import pytest

from deploy.grafana.charging import SOURCES
from deploy.grafana.dashboards import CHART_FOLDER, FILES, FOLDER, POSTGRES, PROMETHEUS, written
from deploy.grafana.panels import METRICS
from tests.deploy.promql import FAMILY_OF, strangers

PROVISIONED = FOLDER / "provisioning"


@pytest.fixture(params=FILES)
def made(request):
    """Each dashboard."""
    return FILES[request.param]()


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_up_to_date(name):
    """`make dashboards` writes them, those of the chart too."""
    for folder in (FOLDER, CHART_FOLDER):
        assert (folder / name).read_text() == written(FILES[name]())
        assert {path.name for path in folder.glob("*.json")} == {*FILES}


def test_every_panel_asks_a_source_that_can_be_chosen(made):
    """By variables, so that each consumer may have a database of its own, or all the same."""
    variables = {one["name"]: one for one in made["templating"]["list"]}
    for panel in made["panels"]:
        for target in panel.get("targets", ()):
            assert target["datasource"] == panel["datasource"]
            name = panel["datasource"]["uid"].strip("${}")
            assert variables[name]["type"] == "datasource"
            plugin = PROMETHEUS if name == METRICS else POSTGRES
            assert variables[name]["query"] == panel["datasource"]["type"] == plugin


def test_every_variable_is_there(made):
    """What a query or a title names, the dashboard has, or Grafana."""
    known = {one["name"] for one in made["templating"]["list"]}
    own = {"__from", "__to", "__timeFilter", "__rate_interval"}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(made["panels"])))
    assert used <= known | own
    assert used >= known - {*SOURCES} - {METRICS}, "none is there in vain"


def test_no_panel_lies_upon_another(made):
    """In a grid of 24 columns."""
    taken = set()
    for panel in made["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])


def test_every_metric_and_every_label_exists(made):
    """In queries, legends, and the lists at the top."""
    for panel in made["panels"]:
        for target in panel.get("targets", ()):
            expression = target.get("expr", "").replace("ALERTS{", "ignored{")
            if "ALERTS" not in target.get("expr", ""):
                legend = target.get("legendFormat", "")
                assert list(strangers(expression, legend)) == [], panel["title"]
    for one in made["templating"]["list"]:
        if one["type"] == "query" and one["datasource"]["type"] == PROMETHEUS:
            metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", one["definition"]).groups()
            assert list(strangers(f"sum by ({label}) ({metric})")) == [], one["definition"]


def test_every_metric_is_shown_somewhere():
    """What nobody looks at need not be counted."""
    queries = json.dumps([make() for make in FILES.values()])
    shown = {family.name for name, family in FAMILY_OF.items() if name in queries}
    assert shown == {family.name for family in FAMILY_OF.values()}


def test_titles_of_a_dashboard_differ(made):
    """Under one heading."""
    heading, seen = "", set()
    for panel in made["panels"]:
        heading = panel["title"] if panel["type"] == "row" else heading
        assert (heading, panel["title"]) not in seen
        seen.add((heading, panel["title"]))


def test_what_is_provisioned_is_what_dashboards_ask():
    """Both kinds of sources, and the folder of the dashboards."""
    sources = (PROVISIONED / "datasources/chargewire.yaml").read_text()
    assert {*re.findall(r"type: (\S+)", sources)} == {POSTGRES, PROMETHEUS}
    assert len(re.findall(r"isDefault: true", sources)) == 1
