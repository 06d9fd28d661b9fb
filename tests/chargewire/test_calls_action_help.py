"""What an action takes, told from the OCA's schema."""

import click
import pytest

from chargewire.calls.action_help import (
    action_named,
    block_of,
    callable_actions,
    description,
    fields_of,
    versions_of,
)
from schemas.catalogue import ACTIONS


def test_what_only_stations_call_is_not_there():
    """All that a central system may call is, with the versions that have it."""
    known = callable_actions()
    assert known["Reset"] == ("1.6", "2.0.1", "2.1")
    assert known["RemoteStartTransaction"] == ("1.6",)
    assert known["DataTransfer"] == ("1.6", "2.0.1", "2.1")
    assert not {"Heartbeat", "BootNotification", "MeterValues"} & known.keys()
    called = {row.name for row in ACTIONS.values() if row.to_station}
    assert known.keys() == called


def test_every_action_is_told_in_every_version():
    """No schema has anything that the text has no words for."""
    for name, versions in callable_actions().items():
        for version in versions:
            told = [field for field, _, _ in description(name, version)]
            assert "Answer:" in told
            assert {*fields_of(name, version)} - {"customData"} <= {*told}


def test_types_limits_and_words_are_told():
    """As the schema has them: fields of fields stand below them."""
    said = {field: (needed, what) for field, needed, what in description("SendLocalList", "1.6")}
    assert said["listVersion"] == ("required", "integer")
    assert said["updateType"] == ("required", "one of Differential, Full")
    assert said["localAuthorizationList"] == ("", "list of object")
    assert said["  idTag"] == ("required", "text, at most 20 characters")
    assert said["    expiryDate"] == ("", "time")
    said = {field: what for field, _, what in description("SetChargingProfile", "1.6")}
    assert said["      limit"] == "number, in steps of 0.1"
    said = {field: what for field, _, what in description("GetVariables", "2.1")}
    assert said["getVariableData"] == "list of object, at least 1 entries"
    assert said["      id"] == "integer, at least 0"


def test_an_action_is_found_whatever_its_case():
    """A misspelt one gets the nearest."""
    assert action_named("remotestarttransaction") == "RemoteStartTransaction"
    with pytest.raises(click.UsageError, match="did you mean Reset"):
        action_named("Rest")
    with pytest.raises(click.UsageError, match="no station can be asked for Heartbeat"):
        action_named("Heartbeat")


def test_the_block_names_the_topic():
    """A 1.6 action is where its successor is."""
    assert block_of("RemoteStartTransaction", "1.6") == "remote-control"
    assert versions_of("RemoteStartTransaction") == ("1.6",)
