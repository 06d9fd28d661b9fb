"""The files of the dashboards are what the code says, in a form that Grafana takes."""

import json
import re

import pytest

from deploy.grafana.dashboards import FILES, FOLDER, PLUGIN, charging, written


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_up_to_date(name):
    """`make dashboards` writes them."""
    assert (FOLDER / name).read_text() == written(FILES[name]())
    assert {path.name for path in FOLDER.glob("*.json")} == {*FILES}


def test_every_panel_asks_a_source_that_can_be_chosen():
    """By variables, so that each consumer may have a database of its own, or all the same."""
    made = charging()
    variables = {one["name"]: one for one in made["templating"]["list"]}
    for panel in made["panels"]:
        (target,) = panel["targets"]
        assert target["datasource"] == panel["datasource"]
        name = panel["datasource"]["uid"].strip("${}")
        assert variables[name]["type"] == "datasource"
        assert {variables[name]["query"], panel["datasource"]["type"]} == {PLUGIN}


def test_every_variable_is_there():
    """What an SQL text or a title names, the dashboard has, or Grafana."""
    made = charging()
    known = {one["name"] for one in made["templating"]["list"]} | {"__from", "__to", "__timeFilter"}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(made["panels"])))
    assert used <= known
    assert {"station", "one", "measurand"} <= used


def test_no_panel_lies_upon_another():
    """In a grid of 24 columns."""
    taken = set()
    for panel in charging()["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in charging()["panels"]}) == len(charging()["panels"])
