"""Words behind an action as its payload."""

import pytest

from chargewire.calls.payloads import Wrong, fitting, payload, risk, violation

V = ("1.6", "2.0.1", "2.1")


def test_values_are_typed_by_the_schema():
    """A text of digits stays text where the schema wants text."""
    words = ["connectorId=1", "idTag=0123"]
    assert payload("1.6", "RemoteStartTransaction", words) == {"connectorId": 1, "idTag": "0123"}
    assert payload("1.6", "DataTransfer", ["vendorId=v", "data={}"]) == {
        "vendorId": "v",
        "data": "{}",
    }
    assert payload("2.1", "DataTransfer", ["vendorId=v", "data={}"])["data"] == {}
    assert payload("2.1", "DataTransfer", ["vendorId=v", "data=a b"])["data"] == "a b"


def test_fields_inside_others_and_entries_of_lists():
    """A path leads to them; a list grows entry by entry."""
    words = ["remoteStartId=1", "idToken.idToken=X", "idToken.type=Central"]
    assert payload("2.0.1", "RequestStartTransaction", words) == {
        "remoteStartId": 1,
        "idToken": {"idToken": "X", "type": "Central"},
    }
    words = [
        *("listVersion=1", "updateType=Full"),
        *("localAuthorizationList.0.idTag=A", "localAuthorizationList.1.idTag=B"),
        "localAuthorizationList.1.idTagInfo.status=Blocked",
    ]
    assert payload("1.6", "SendLocalList", words)["localAuthorizationList"] == [
        {"idTag": "A"},
        {"idTag": "B", "idTagInfo": {"status": "Blocked"}},
    ]


def test_a_list_of_single_values():
    """The same field several times, or a JSON list at once."""
    assert payload("1.6", "GetConfiguration", ["key=A", "key=B"]) == {"key": ["A", "B"]}
    assert payload("1.6", "GetConfiguration", ['key=["A","B"]']) == {"key": ["A", "B"]}
    assert payload("1.6", "GetConfiguration", []) == {}


def test_one_json_object_is_the_payload():
    """As it is written."""
    assert payload("1.6", "Reset", ['{"type": "Hard"}']) == {"type": "Hard"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["type"], "'type' is no FIELD=VALUE"),
        (["typ=Hard"], "did you mean type?"),
        (["colour=red"], "there are type"),
        (['{"type": '], "that is no JSON"),
        (["type.word=Hard"], "no field is taken here"),
    ],
)
def test_what_makes_no_payload_says_why(words, said):
    """With the field at fault and the nearest one."""
    with pytest.raises(Wrong) as wrong:
        payload("1.6", "Reset", words)
    assert said.partition(" ")[0] in str(wrong.value)
    assert said in str(wrong.value)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("connectorId=one", "'one' is no integer"),
        ("connectorId.x=1", "connectorId"),
        ("chargingProfile.chargingSchedule.chargingSchedulePeriod.1.limit=1", "not the next"),
        ("chargingProfile.chargingSchedule.chargingSchedulePeriod.x.limit=1", "not the next"),
    ],
)
def test_values_of_another_type(word, said):
    """They are named before anything is sent."""
    with pytest.raises(Wrong, match=said):
        payload("1.6", "RemoteStartTransaction", [word])


def test_a_version_is_chosen_by_what_fits():
    """Reset is spelt differently in 1.6; where none takes it, each says why."""
    assert fitting(V, "Reset", ["type=Hard"]) == ({"type": "Hard"}, ("1.6",))
    assert fitting(V, "Reset", ["type=OnIdle"])[1] == ("2.0.1", "2.1")
    assert fitting(V, "ClearCache", [])[1] == V
    with pytest.raises(Wrong, match=r"^\$\.type: .*\(OCPP 1\.6\)\n.*\(OCPP 2\.0\.1\)\n"):
        fitting(V, "Reset", ["type=Warm"])


def test_a_wrong_word_names_those_that_are_right():
    """As many as a line has room for; of many, the nearest, wherever in the payload it stands."""
    with pytest.raises(Wrong) as few:
        fitting(("1.6",), "Reset", ["type=Warm"])
    assert str(few.value) == "$.type: one of Hard, Soft expected (OCPP 1.6)"
    assert violation("1.6", "TriggerMessage", {"requestedMessage": "Hearbeat"}).endswith(
        "MeterValues, StatusNotification expected; did you mean Heartbeat?"
    )
    component = {"variable": {"name": "V"}, "component": {"name": "C"}}
    monitor = {"id": 1, "value": 1, "severity": 1, "type": "UpperTreshold", **component}
    said = violation("2.0.1", "SetVariableMonitoring", {"setMonitoringData": [monitor]})
    assert said.startswith("$.setMonitoringData[0].type: one of UpperThreshold, ")
    assert said.endswith("did you mean UpperThreshold?")


def test_a_named_secret_is_any_text():
    """What it is, only gateways know."""
    secret = {"key": "AuthorizationKey", "value": {"$secret": "cw-0001"}}
    assert violation("1.6", "ChangeConfiguration", secret) == ""
    assert violation("1.6", "ChangeConfiguration", {"key": "A", "value": {"secret": "x"}})


def test_what_stations_have_no_room_for_is_a_risk():
    """Although the schema allows it; a secret is as long as it is."""
    long = {"key": "MeterValuesSampledData", "value": "x" * 129}
    assert violation("1.6", "ChangeConfiguration", long) == ""
    assert "129 characters" in risk("ChangeConfiguration", long)
    assert risk("ChangeConfiguration", {**long, "value": "x" * 128}) == ""
    assert risk("ChangeConfiguration", {**long, "value": {"$secret": "x" * 129}}) == ""
    assert risk("DataTransfer", {"vendorId": "v", "data": "x" * 129}) == ""
