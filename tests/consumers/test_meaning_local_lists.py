"""consumers.meaning.local_lists: what is answered and told of local authorization lists."""

import json

import pytest

from consumers.meaning.facts import (
    At,
    ListEntry,
    LocalListAnswered,
    LocalListLimitsTold,
    LocalListVersionTold,
    Seen,
)
from consumers.meaning.facts_table import facts_of
from consumers.meaning.list_commands import command_id
from tests.consumers.hearing import commanded, exchange, told
from tests.gateway.conversation import NOON

CALL = At("CS-1", 77, 1, NOON, "77.1.CS-1")
ANSWER = At("CS-1", 77, 2, NOON, "77.2.CS-1")
UNTIL = "2026-11-21T13:00:00Z"
V2 = ("2.0.1", "2.1")
both = pytest.mark.parametrize("version", V2)


def test_send_local_list_of_1_6():
    """A token without its idTagInfo is taken out of the list."""
    info = {"status": "Accepted", "expiryDate": UNTIL, "parentIdTag": "G"}
    entries = [{"idTag": "A", "idTagInfo": info}, {"idTag": "B"}]
    call = {
        "listVersion": 7, "localAuthorizationList": entries, "updateType": "Differential"
    }  # fmt: skip
    assert commanded("1.6", "SendLocalList", call, {"status": "VersionMismatch"}) == [
        LocalListAnswered(
            ANSWER, 7, full=False, status="VersionMismatch", entries=(
                ListEntry("A", None, "Accepted", NOON + 3_600_000, "G"), ListEntry("B"),
            ),
        )
    ]  # fmt: skip


@both
def test_send_local_list_of_2_x(version):
    """The same in other words; a list may be made empty."""
    token, group = ({"idToken": name, "type": "ISO14443"} for name in ("A", "G"))
    info = {"status": "Blocked", "cacheExpiryDateTime": UNTIL, "groupIdToken": group}
    entries = [{"idToken": token, "idTokenInfo": info}, {"idToken": token}]
    call = {"versionNumber": 7, "updateType": "Full", "localAuthorizationList": entries}
    (answered,) = commanded(version, "SendLocalList", call, {"status": "Accepted"})
    assert answered == LocalListAnswered(
        ANSWER, 7, full=True, status="Accepted", entries=(
            ListEntry("A", "ISO14443", "Blocked", NOON + 3_600_000, "G"),
            ListEntry("A", "ISO14443"),
        ),
    )  # fmt: skip
    del call["localAuthorizationList"]
    (answered,) = commanded(version, "SendLocalList", call)
    assert (answered.entries, answered.full, answered.status) == ((), True, None), "an error"


@pytest.mark.parametrize(
    ("action", "call", "response"),
    [
        ("SendLocalList", {"listVersion": 7, "updateType": "Full"}, {"status": "Accepted"}),
        ("GetLocalListVersion", {}, {"listVersion": 7}),
    ],
)
def test_an_answer_tells_the_command_that_asked(action, call, response):
    """So that who keeps the list knows what became of it."""
    topic, record = exchange("1.6", action, call, response)[1]
    (answered,) = facts_of(topic, record | {"command_id": "c-1"}, 0, call)
    assert (answered.command, answered.version) == ("c-1", 7)


def test_an_answer_whose_call_is_lost_is_none():
    """Nobody knows what the station has now."""
    call = {"listVersion": 7, "updateType": "Full"}
    topic, record = exchange("1.6", "SendLocalList", call, {"status": "Accepted"})[1]
    assert facts_of(topic, record, 0, None) == [Seen(ANSWER)]


@pytest.mark.parametrize(
    ("version", "said", "expected"),
    [
        ("1.6", {"listVersion": -1}, -1),
        ("2.0.1", {"versionNumber": 0}, 0),
        ("2.1", {"versionNumber": 12}, 12),
        ("2.0.1", {"listVersion": 12}, 12),
        ("2.0.1", {"versionNumber": "12"}, 12),
        ("1.6", {}, None),
    ],
)
def test_the_version_that_a_station_has(version, said, expected):
    """MicroOcpp answers in the form of 1.6 also under 2.0.1."""
    topic, record = exchange(version, "GetLocalListVersion", {}, {})[1]
    record |= {"raw": json.dumps([3, "m", said])}
    assert facts_of(topic, record, 0, None) == [LocalListVersionTold(ANSWER, expected)]


@pytest.mark.parametrize(
    ("keys", "limits"),
    [
        ({"LocalAuthListEnabled": "true"}, {"enabled": True}),
        ({"LocalAuthListEnabled": "FALSE", "Other": "1"}, {"enabled": False}),
        ({"localauthlistmaxlength": " 100 "}, {"entries_max": 100}),
        (
            {"SendLocalListMaxLength": "20", "LocalAuthListMaxLength": None},
            {"entries_per_call": 20},
        ),
    ],
)
def test_the_configuration_of_1_6(keys, limits):
    """Keys have no case; values are texts."""
    told_ = [{"key": key, "readonly": True} | {"value": v} for key, v in keys.items()]
    for key in told_:
        if key["value"] is None:
            del key["value"]
    found = commanded("1.6", "GetConfiguration", {}, {"configurationKey": told_})
    assert found == [LocalListLimitsTold(ANSWER, **limits)]


@pytest.mark.parametrize(
    ("version", "action", "response"),
    [
        ("1.6", "GetConfiguration", {"unknownKey": ["LocalAuthListEnabled"]}),
        ("2.0.1", "GetVariables", {"getVariableResult": []}),
    ],
)
def test_who_asked_for_limits_hears_of_an_answer_without(version, action, response):
    """So that nobody waits for more."""
    topic, record = exchange(version, action, {}, {})[1]
    record |= {"raw": json.dumps([3, "m", response])}
    ours = command_id("CS-1", 77, None, None)
    told_ = LocalListLimitsTold(ANSWER, command=ours)
    assert facts_of(topic, record | {"command_id": ours}, 0, None) == [told_]
    assert facts_of(topic, record | {"command_id": "by hand"}, 0, None) == [Seen(ANSWER)]


def test_a_configuration_that_says_nothing_of_lists():
    """Most do not."""
    key = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
    for said in ({"configurationKey": [key]}, {"unknownKey": ["LocalAuthListEnabled"]}, {}):
        assert commanded("1.6", "GetConfiguration", {}, said) == [Seen(ANSWER)]


def variable(name, value, component="LocalAuthListCtrlr", **more):
    return {
        "attributeStatus": "Accepted", "attributeValue": value,
        "component": {"name": component}, "variable": {"name": name},
    } | more  # fmt: skip


@both
@pytest.mark.parametrize(
    ("results", "limits"),
    [
        ([variable("Enabled", "true")], {"enabled": True}),
        ([variable("Enabled", "true"), variable("Available", "false")], {"enabled": False}),
        ([variable("Available", "true")], None),
        ([variable("ItemsPerMessage", "20")], {"entries_per_call": 20}),
        ([variable("bytespermessage", "2048")], {"bytes_per_call": 2048}),
        ([variable("Entries", "7")], None),
        ([variable("Entries", "100", attributeType="MaxSet")], {"entries_max": 100}),
        ([variable("Enabled", "true", attributeStatus="Rejected")], None),
        ([variable("Enabled", "true", component="AuthCacheCtrlr")], None),
    ],
)
def test_the_variables_of_2_x(version, results, limits):
    """Of the controller of the local list; how many entries there are is no limit."""
    call = {
        "getVariableData": [{"component": {"name": "C"}, "variable": {"name": "V"}}]
    }  # fmt: skip
    found = commanded(version, "GetVariables", call, {"getVariableResult": results})
    told_ = Seen(ANSWER) if limits is None else LocalListLimitsTold(ANSWER, **limits)
    assert found == [told_]


@both
def test_the_device_model_of_2_x(version):
    """Told in pages, of which each may tell something."""

    def data(name, value, **limits):
        return {
            "component": {"name": "LocalAuthListCtrlr"}, "variable": {"name": name},
            "variableAttribute": [{"type": "Actual", "value": value}],
            "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False}
            | limits,
        }  # fmt: skip

    page = {
        "requestId": 1, "generatedAt": UNTIL, "seqNo": 0,
        "reportData": [
            data("Entries", "3", maxLimit=100.0), data("ItemsPerMessage", "20"),
            data("Enabled", "true"), data("BytesPerMessage", "many"),
        ],
    }  # fmt: skip
    limits = {"enabled": True, "entries_max": 100, "entries_per_call": 20}
    assert told(version, "NotifyReport", page) == [LocalListLimitsTold(CALL, **limits)]
