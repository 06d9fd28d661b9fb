"""The device model of a simulated 2.x station."""

from typing import Any

import pytest

from deploy.local import variables
from deploy.local.effects import Answer, Errand
from tests.deploy.memories import station


def named(component: str, variable: str, **more: Any) -> dict[str, Any]:
    return {"component": {"name": component}, "variable": {"name": variable}} | more


BEAT = ("OCPPCommCtrlr", "HeartbeatInterval")


@pytest.mark.parametrize(
    ("item", "word", "value"),
    [
        (named(*BEAT), "Accepted", "300"),
        (named("ocppcommctrlr", "heartbeatinterval"), "Accepted", "300"),
        (named(*BEAT, attributeType="MaxSet"), "NotSupportedAttributeType", None),
        (named("OCPPCommCtrlr", "Colour"), "UnknownVariable", None),
        (named("Oven", "Heat"), "UnknownComponent", None),
        (named("SecurityCtrlr", "BasicAuthPassword"), "Rejected", None),
    ],
)
def test_a_variable_is_told_or_why_not(item: dict[str, Any], word: str, value: str | None) -> None:
    """With what it was addressed by."""
    told, _ = variables.ask({"getVariableData": [item]}, station("2.1"))
    (row,) = told["getVariableResult"]
    assert (row["attributeStatus"], row.get("attributeValue")) == (word, value)
    assert (row["component"], row["variable"]) == (item["component"], item["variable"])


def test_a_connector_shows_its_state_in_the_words_of_2_x() -> None:
    """It is a variable of the EVSE's connector."""
    there = {"name": "Connector", "evse": {"id": 1}}
    item = {"component": there, "variable": {"name": "AvailabilityState"}}
    told, _ = variables.ask({"getVariableData": [item]}, station("2.1", busy=True))
    assert told["getVariableResult"][0]["attributeValue"] == "Occupied"


def test_changes_are_taken_one_by_one() -> None:
    """Read-only ones and values that do not fit are rejected; others are kept."""
    memory = station("2.0.1")
    data = [
        named(*BEAT, attributeValue="60"),
        named("TxCtrlr", "EVConnectionTimeOut", attributeValue="soon"),
        named("SmartChargingCtrlr", "Entries", attributeValue="5"),
        named("OCPPCommCtrlr", "WebSocketPingInterval", attributeValue="5"),
    ]
    told, _ = variables.change({"setVariableData": data}, memory)
    words = [row["attributeStatus"] for row in told["setVariableResult"]]
    assert words == ["Accepted", "Rejected", "Rejected", "RebootRequired"]
    assert memory.settings[".".join(BEAT)] == "60"
    assert memory.settings["TxCtrlr.EVConnectionTimeOut"] == "60"


def shown(answer: Answer) -> list[str]:
    """Component.Variable of all rows of the report that follows."""
    ((response, effects),) = [answer]
    (errand,) = effects
    assert isinstance(errand, Errand)
    assert response == {"status": "Accepted"}
    rows = [row for page in errand.steps for row in page.payload["reportData"]]
    return [f"{row['component']['name']}.{row['variable']['name']}" for row in rows]


def test_a_base_report_has_all_or_what_can_be_set_or_the_state() -> None:
    """OCPP 2.x part 2, B07."""
    memory = station("2.1")
    ask = {"requestId": 1, "reportBase": "FullInventory"}
    everything = shown(variables.base_report(ask, memory))
    assert len(everything) == len(memory.settings) + 2
    settable = shown(variables.base_report(ask | {"reportBase": "ConfigurationInventory"}, memory))
    assert ".".join(BEAT) in settable
    assert "SmartChargingCtrlr.Entries" not in settable
    summary = shown(variables.base_report(ask | {"reportBase": "SummaryInventory"}, memory))
    assert summary == ["Connector.AvailabilityState"] * 2


def test_a_report_has_what_was_asked_for_or_nothing() -> None:
    """By component, by variable; a problem is a fault."""
    memory, ask = station("2.1"), {"requestId": 1}
    rows = [{"component": {"name": "TxCtrlr"}}, named(*BEAT)]
    told = shown(variables.report(ask | {"componentVariable": rows}, memory))
    assert ".".join(BEAT) in told
    assert {name.partition(".")[0] for name in told} == {"TxCtrlr", "OCPPCommCtrlr"}
    none = variables.report(ask | {"componentCriteria": ["Problem"]}, memory)
    assert none == ({"status": "EmptyResultSet"}, ())
