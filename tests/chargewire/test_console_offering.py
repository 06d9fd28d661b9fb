"""What stations can be asked for, and the schemas of topics."""

import json

import pytest

from chargewire.console import offering
from schemas import records
from schemas.catalogue import ACTIONS, VERSIONS


@pytest.mark.parametrize("version", list(VERSIONS))
def test_every_call_to_a_station_has_a_form(version: str) -> None:
    """Definitions stand where they are used, and nothing refers to anything."""
    listed = offering.actions(version)
    wanted = {name for (of, name), row in ACTIONS.items() if of == version and row.to_station}
    assert {one["action"] for one in listed} == wanted
    for one in listed:
        text = json.dumps(offering.form(version, one["action"]))
        assert '"type": "object"' in text
        assert "$ref" not in text
        assert '"definitions"' not in text


def test_a_form_keeps_order_limits_and_words() -> None:
    """As the schema has them, also inside of objects and lists."""
    form = offering.form("2.0.1", "SetVariables")
    item = form["properties"]["setVariableData"]["items"]
    assert (form["required"], form["properties"]["setVariableData"]["minItems"]) == (
        ["setVariableData"],
        1,
    )
    assert list(item["properties"])[:4] == [
        "customData",
        "attributeType",
        "attributeValue",
        "component",
    ]
    assert item["properties"]["attributeType"]["enum"] == ["Actual", "Target", "MinSet", "MaxSet"]
    assert item["properties"]["attributeValue"]["maxLength"] == 1000
    name = item["properties"]["component"]["properties"]["name"]
    assert (name["maxLength"], bool(name["description"])) == (50, True)


def test_what_no_station_can_be_asked_for_has_none() -> None:
    """Calls of stations, other versions' calls."""
    assert offering.form("1.6", "Heartbeat") is None
    assert offering.form("1.6", "SetVariables") is None


def test_every_topic_has_its_schema() -> None:
    """By its subject, with the id that is in use."""
    subjects = offering.subjects("fleet.", {"metering": 7})
    assert {one["topic"] for one in subjects} == {f"fleet.{name}" for name in records.RECORDS}
    (metering,) = [one for one in subjects if one["topic"] == "fleet.metering"]
    assert (metering["id"], metering["subject"]) == (7, "fleet.metering-value")
    assert offering.schema("fleet.", "fleet.metering-value") == records.schema("metering")
    assert len(records.schema("metering")["fields"]) == metering["fields"]
    assert offering.schema("fleet.", "ocpp.metering-value") is None
    assert offering.schema("fleet.", "fleet.nothing-value") is None
