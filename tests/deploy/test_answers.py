"""What simulated stations answer, held to the OCA's schemas and to sense."""

from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft6Validator

from deploy.local import memory
from deploy.local.answers import (
    RULES_2,
    RULES_16,
    Operate,
    Start,
    Stop,
    Tell,
    answer,
)
from deploy.local.calls import Session
from deploy.local.days import MODELS, Status
from deploy.local.memory import Memory, Plug
from schemas.catalogue import ACTIONS, json_schema

COMPONENT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
TOKEN = {"idToken": "T", "type": "Central"}

ASKED: dict[str, dict[str, Any]] = {
    "ChangeAvailability": {
        "connectorId": 0,
        "type": "Inoperative",
        "operationalStatus": "Operative",
    },
    "ChangeConfiguration": {"key": "HeartbeatInterval", "value": "5"},
    "GetVariables": {"getVariableData": [COMPONENT]},
    "SetVariables": {"setVariableData": [COMPONENT | {"attributeValue": "5"}]},
    "RemoteStartTransaction": {"idTag": "T"},
    "RemoteStopTransaction": {"transactionId": 7},
    "RequestStartTransaction": {"idToken": TOKEN, "remoteStartId": 1},
    "RequestStopTransaction": {"transactionId": "7"},
    "Reset": {"type": "Soft"},
    "SendLocalList": {"listVersion": 3, "versionNumber": 3},
    "TriggerMessage": {"requestedMessage": "Heartbeat"},
    "UnlockConnector": {"connectorId": 1, "evseId": 1},
}


def station(version: str = "1.6", *, busy: bool = False) -> Memory:
    settings = memory.DEFAULTS_16 if version == "1.6" else memory.DEFAULTS_2
    plugs = {number: Plug(number) for number in (1, 2)}
    if busy:
        plugs[1].session = Session("S", 1, "T", datetime(2026, 1, 1, tzinfo=UTC), 0, 7)
        plugs[1].status = Status("Charging")
    return Memory(MODELS[1], "1", plugs, dict(settings))


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_every_rule_is_of_a_command_and_answers_by_its_schema(version: str, busy: bool) -> None:
    """For each version in which a station may be asked that."""
    rules = RULES_16 if version == "1.6" else RULES_2
    validator = Draft4Validator if version == "1.6" else Draft6Validator
    for action in rules:
        assert ACTIONS[version, action].to_station
        response, _ = answer(rules, action, ASKED.get(action, {}), station(version, busy=busy))
        validator(json_schema(version, action, "response")).validate(response)


def test_an_action_without_a_rule_is_a_key_error() -> None:
    """Which becomes NotImplemented on the wire."""
    with pytest.raises(KeyError):
        answer(RULES_16, "GetDiagnostics", {}, station())


def test_a_remote_start_takes_a_free_connector_or_is_rejected() -> None:
    """The one asked for, else the first that is free."""
    ask = {"idTag": "T"}
    assert answer(RULES_16, "RemoteStartTransaction", ask, station(busy=True))[1] == (
        Start(2, "T"),
    )
    there = ask | {"connectorId": 1}
    rejected = answer(RULES_16, "RemoteStartTransaction", there, station(busy=True))
    assert rejected == ({"status": "Rejected"}, ())


def test_a_remote_stop_needs_a_session_of_that_id() -> None:
    """Another id is rejected and stops nothing."""
    busy = station(busy=True)
    assert answer(RULES_16, "RemoteStopTransaction", {"transactionId": 7}, busy)[1] == (
        Stop(1, "Remote"),
    )
    rejected = answer(RULES_16, "RemoteStopTransaction", {"transactionId": 8}, busy)
    assert rejected == ({"status": "Rejected"}, ())


def test_availability_is_scheduled_while_charging() -> None:
    """Connector 0 means all of them."""
    ask = {"connectorId": 0, "type": "Inoperative"}
    assert answer(RULES_16, "ChangeAvailability", ask, station(busy=True)) == (
        {"status": "Scheduled"},
        (Operate((1, 2), operative=False),),
    )


def test_a_trigger_for_a_connector_that_is_not_there_is_rejected() -> None:
    """And one for something that is never sent, not implemented."""
    ask = {"requestedMessage": "StatusNotification", "connectorId": 2}
    assert answer(RULES_16, "TriggerMessage", ask, station())[1] == (Tell("StatusNotification", 2),)
    rejected = answer(RULES_16, "TriggerMessage", ask | {"connectorId": 9}, station())
    assert rejected == ({"status": "Rejected"}, ())
    ask = {"requestedMessage": "FirmwareStatusNotification"}
    assert answer(RULES_16, "TriggerMessage", ask, station())[0] == {"status": "NotImplemented"}
