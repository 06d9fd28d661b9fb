"""What simulated stations answer, held to the OCA's schemas, for every action of every version."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.local.answers import RULES, answer
from deploy.local.calls import Call
from deploy.local.effects import Effect, Errand, Expire, Rest
from schemas.catalogue import ACTIONS, json_schema
from tests.deploy.memories import NOW, station, valid
from tests.schemas.payloads import full, payloads, turns

KINDS = [(version, action) for (version, action), row in ACTIONS.items() if row.to_station]


def check(version: str, action: str, payload: dict[str, Any], memory: Any) -> tuple[Effect, ...]:
    """The effects of a call whose answer, and what is to be said next, keep to their schemas."""
    response, effects = answer(version, action, payload, memory)
    valid(version, action, "response", response)
    for effect in effects:
        if isinstance(effect, Errand):
            for step in effect.steps:
                if isinstance(step, Call):
                    valid(version, step.action, "request", step.payload)
    return effects


def test_every_action_that_a_version_has_is_answered() -> None:
    """And none beside them."""
    assert {(version, action) for version in RULES for action in RULES[version]} == set(KINDS)
    with pytest.raises(KeyError):
        answer("1.6", "GetVariables", {}, station("1.6"))


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize(("version", "action"), KINDS)
def test_every_word_that_may_be_asked_is_answered_by_its_schema(
    version: str, action: str, busy: bool
) -> None:
    """Full payloads with each word of each enum, one after the other, to a station that keeps."""
    root, memory = json_schema(version, action, "request"), station(version, busy=busy)
    for turn in range(turns(root)):
        check(version, action, full(root, root, turn), memory)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(data=st.data(), kind=st.sampled_from(KINDS), busy=st.booleans())
def test_whatever_is_valid_is_answered_by_its_schema(
    data: st.DataObject, kind: tuple[str, str], busy: bool
) -> None:
    """Random payloads, two after the other."""
    root, memory = json_schema(*kind, "request"), station(kind[0], busy=busy)
    for _ in range(2):
        check(*kind, data.draw(payloads(root, root)), memory)


def test_a_time_that_is_none_is_a_value_error() -> None:
    """Which becomes a CALLERROR on the wire: no schema forbids it."""
    payload = {"connectorId": 1, "expiryDate": "soon", "idTag": "T", "reservationId": 1}
    with pytest.raises(ValueError, match="soon"):
        answer("1.6", "ReserveNow", payload, station("1.6"))


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_both_families_keep_the_same_list_and_reservation(version: str) -> None:
    """Only the names on the wire differ."""
    memory, until = station(version), (NOW + timedelta(hours=1)).isoformat()
    if version == "1.6":
        info = {"status": "Accepted", "parentIdTag": "G"}
        rows = [{"idTag": "Abc", "idTagInfo": info}]
        sent = {"listVersion": 3, "updateType": "Full", "localAuthorizationList": rows}
        kept = {"connectorId": 1, "expiryDate": until, "idTag": "X", "parentIdTag": "G"}
        kept["reservationId"] = 7
    else:
        token, group = ({"idToken": name, "type": "Central"} for name in ("Abc", "G"))
        info = {"status": "Accepted", "groupIdToken": group}
        rows = [{"idToken": token, "idTokenInfo": info}]
        sent = {"versionNumber": 3, "updateType": "Full", "localAuthorizationList": rows}
        owner = {"idToken": "X", "type": "Central"}
        kept = {"evseId": 1, "expiryDateTime": until, "idToken": owner, "groupIdToken": group}
        kept["id"] = 7
    assert check(version, "SendLocalList", sent, memory) == ()
    told, _ = answer(version, "GetLocalListVersion", {}, memory)
    assert list(told.values()) == [3]
    effects = check(version, "ReserveNow", kept, memory)
    assert [type(effect) for effect in effects] == [Rest, Expire]
    plug = memory.plugs[1]
    assert plug.reservation is not None
    assert (plug.reservation.id, plug.reservation.until) == (7, NOW + timedelta(hours=1))
    # Who is of the group may charge there: the local list says so.
    assert [memory.welcome(plug, token) for token in ("x", "ABC", "other")] == [True, True, False]


def test_data_is_understood_from_its_own_vendor_only() -> None:
    """Who says Echo, or nothing; another message is not known, another vendor neither."""
    memory = station("1.6")
    own = {"vendorId": memory.model.vendor, "data": "x"}
    assert answer("1.6", "DataTransfer", own, memory)[0] == {"status": "Accepted", "data": "x"}
    other = own | {"messageId": "Sing"}
    assert answer("1.6", "DataTransfer", other, memory)[0] == {"status": "UnknownMessageId"}
    foreign = {"vendorId": "Else"}
    assert answer("2.1", "DataTransfer", foreign, memory)[0] == {"status": "UnknownVendorId"}


def test_a_transaction_is_ongoing_or_not() -> None:
    """Without an id only the queue is told of."""
    memory = station("2.0.1", busy=True)
    for asked, ongoing in (({"transactionId": "7"}, False), ({"transactionId": "T-7"}, True)):
        told, _ = answer("2.0.1", "GetTransactionStatus", asked, memory)
        assert told == {"ongoingIndicator": ongoing, "messagesInQueue": False}
    assert answer("2.0.1", "GetTransactionStatus", {}, memory)[0] == {"messagesInQueue": False}


def test_a_reservation_of_the_past_is_rejected() -> None:
    """By the station's clock."""
    past = datetime(2025, 1, 1, tzinfo=UTC).isoformat()
    payload = {"connectorId": 1, "expiryDate": past, "idTag": "T", "reservationId": 1}
    assert answer("1.6", "ReserveNow", payload, station("1.6"))[0] == {"status": "Rejected"}


SCHEDULE = {
    "id": 1,
    "chargingRateUnit": "A",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8}],
}
PROFILE = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": [SCHEDULE],
}
MONITOR = {
    "component": {"name": "TxCtrlr"},
    "variable": {"name": "EVConnectionTimeOut"},
    "value": 1,
    "type": "Delta",
    "severity": 5,
}
TEXT = {"id": 1, "priority": "InFront", "message": {"format": "UTF8", "content": "Hello"}}
TOKEN = {"idToken": "T", "type": "Central"}
FIRMWARE = {"location": "ftp://h/fw-2.bin", "retrieveDateTime": "2027-01-01T00:00:00Z"}
GRADIENT = {"priority": 1, "gradient": 2.0, "softGradient": 1.0}
DER = {"isDefault": True, "controlId": "g", "controlType": "Gradients", "gradient": GRADIENT}

STORIES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("SetChargingProfile", {"evseId": 1, "chargingProfile": PROFILE}, []),
    ("GetChargingProfiles", {"requestId": 1, "chargingProfile": {}}, ["ReportChargingProfiles"]),
    ("GetCompositeSchedule", {"evseId": 1, "duration": 60, "chargingRateUnit": "A"}, []),
    ("SetVariableMonitoring", {"setMonitoringData": [MONITOR]}, []),
    ("GetMonitoringReport", {"requestId": 1}, ["NotifyMonitoringReport"]),
    ("SetDisplayMessage", {"message": TEXT}, []),
    ("GetDisplayMessages", {"requestId": 1}, ["NotifyDisplayMessages"]),
    (
        "CustomerInformation",
        {"requestId": 1, "idToken": TOKEN, "report": True, "clear": False},
        ["NotifyCustomerInformation"],
    ),
    (
        "UpdateFirmware",
        {"requestId": 1, "firmware": FIRMWARE},
        ["FirmwareStatusNotification"] * 6,
    ),
    (
        "PublishFirmware",
        {"requestId": 1, "location": "ftp://h/fw", "checksum": "c"},
        ["PublishFirmwareStatusNotification"] * 4,
    ),
    ("GetReport", {"requestId": 1}, ["NotifyReport"] * 3),
    (
        "InstallCertificate",
        {"certificateType": "CSMSRootCertificate", "certificate": "-----BEGIN CERTIFICATE-----"},
        [],
    ),
    ("GetInstalledCertificateIds", {}, []),
]
NEWER_STORIES: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "SetVariableMonitoring",
        {"setMonitoringData": [MONITOR | {"severity": 6, "periodicEventStream": {"interval": 5}}]},
        ["OpenPeriodicEventStream"],
    ),
    ("GetPeriodicEventStream", {}, []),
    ("SetDERControl", DER, []),
    ("GetDERControl", {"requestId": 1}, ["ReportDERControl"]),
    ("RequestBatterySwap", {"requestId": 1, "idToken": TOKEN}, ["BatterySwap"] * 2),
    ("SetDefaultTariff", {"evseId": 0, "tariff": {"tariffId": "t", "currency": "EUR"}}, []),
    ("GetTariffs", {"evseId": 0}, []),
]


@pytest.mark.parametrize(
    ("version", "stories"), [("2.0.1", STORIES), ("2.1", [*STORIES, *NEWER_STORIES])]
)
def test_what_was_kept_is_told_again_by_its_schema(
    version: str, stories: list[tuple[str, dict[str, Any], list[str]]]
) -> None:
    """One thing after the other is set and asked for; the calls that follow are valid, too."""
    memory = station(version)
    for action, payload, said in stories:
        valid(version, action, "request", payload)
        effects = check(version, action, payload, memory)
        steps = [step for e in effects if isinstance(e, Errand) for step in e.steps]
        assert [step.action for step in steps if isinstance(step, Call)] == said, action


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_what_is_not_there_is_answered_without_a_report(version: str) -> None:
    """A new station has no profile, monitor or text to tell of."""
    for action, payload, said in STORIES:
        if action.startswith("Get") and action != "GetReport" and said:
            assert check(version, action, payload, station(version)) == (), action
