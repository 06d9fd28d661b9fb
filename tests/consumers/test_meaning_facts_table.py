"""meaning.facts_table: what frames of each version say of stations and transactions, and of all."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.meaning.facts import (
    At,
    AuthorizationAsked,
    AvailabilityAnswered,
    BootAnswered,
    Booted,
    Connected,
    Disconnected,
    Sampled,
    Seen,
    StatusTold,
    TransactionAnswered,
    TransactionMetered,
    TransactionStarted,
    TransactionStopped,
    TransactionUpdated,
)
from consumers.meaning.facts_table import facts_of, keeps_call, wants_call
from gateway.validation import QUIRKS
from schemas.catalogue import ACTIONS, json_schema
from tests.consumers.hearing import commanded, conversation, exchange, facts, heard, one, told
from tests.gateway.conversation import NOON, Conversation

CONVERSATIONS = Path(__file__).parent.parent / "conversations"
V2 = ("2.0.1", "2.1")
AT = At("CS-1", 77, 1, NOON, "77.1.CS-1")
TIME, TIME_MS = "2026-11-21T11:59:58.5Z", NOON - 1500
both = pytest.mark.parametrize("version", V2)


def start(**fields):
    call = {"connectorId": 1, "idTag": "A1", "meterStart": 1000, "timestamp": TIME}
    started, _ = told("1.6", "StartTransaction", call | fields)
    return started


def stop(**fields):
    call = {"transactionId": 5, "meterStop": 2000, "timestamp": TIME}
    return told("1.6", "StopTransaction", call | fields)


def event(kind, version="2.0.1", **fields):
    call = {
        "eventType": kind,
        "timestamp": TIME,
        "triggerReason": "Authorized",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "tx"},
    }
    return told(version, "TransactionEvent", call | fields)


def status(**fields):
    call = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    return one(told("1.6", "StatusNotification", call | fields))


# --- connections ---


def test_a_connection_has_the_offset_of_its_record_as_epoch():
    """The record cannot know it; everything else of it does."""
    talk = Conversation("2.0.1")
    assert facts(talk.events) == [
        Connected(At("CS-1", 77, 0, NOON, "c-1.0"), "gw", "2.0.1", "127.0.0.1", connection_id="c-1")
    ]


def test_an_end_may_not_know_its_epoch():
    """Then it is -1, and the connection's id tells which one ended."""
    record = {
        "event_id": "c-1.0", "type": "disconnected", "station": "CS-1", "at": NOON,
        "connection_id": "c-1", "epoch": None, "sequence": None, "close_code": 1013,
        "reason": "outage",
    }  # fmt: skip
    at = At("CS-1", -1, -1, NOON, "c-1.0")
    assert facts_of("connections", record, 90, None) == [Disconnected(at, "c-1", 1013, "outage")]
    known = record | {"epoch": 77, "sequence": 8}
    assert one(facts_of("connections", known, 90, None)).at == At("CS-1", 77, 8, NOON, "c-1.0")


def test_what_newer_gateways_write_into_the_connection_log_is_passed_over():
    """It is no reason to stop."""
    record = {"type": "paused", "epoch": 1, "sequence": None, "station": "CS-1", "at": NOON}
    assert facts_of("connections", record, 90, None) == []


# --- boot, heartbeat, status ---


def test_boot_of_1_6():
    """The station says what it is, and hears whether it may charge."""
    boot = {
        "chargePointVendor": "V", "chargePointModel": "M", "chargePointSerialNumber": "S",
        "chargeBoxSerialNumber": "B", "firmwareVersion": "1.2", "iccid": "i", "imsi": "j",
        "meterType": "T", "meterSerialNumber": "N",
    }  # fmt: skip
    talk = conversation("1.6", ("BootNotification", boot))
    assert facts(talk.events)[1:] == [
        Booted(AT, "V", "M", "S", "B", "1.2", "i", "j", "T", "N"),
        BootAnswered(At("CS-1", 77, 2, NOON, "77.2.CS-1"), "Accepted", 300),
    ]


@both
def test_boot_of_2_x(version):
    """The same in other words, and the reason."""
    station = {
        "vendorName": "V", "model": "M", "serialNumber": "S", "firmwareVersion": "1.2",
        "modem": {"iccid": "i", "imsi": "j"},
    }  # fmt: skip
    call = {"reason": "PowerUp", "chargingStation": station}
    talk = conversation(version, ("BootNotification", call))
    assert facts(talk.events)[1:] == [
        Booted(AT, "V", "M", "S", None, "1.2", "i", "j", reason="PowerUp"),
        BootAnswered(At("CS-1", 77, 2, NOON, "77.2.CS-1"), "Accepted", 300),
    ]


@pytest.mark.parametrize("version", ["1.6", *V2])
def test_heartbeat(version):
    """Also one with null for a payload."""
    assert told(version, "Heartbeat", {}) == [Seen(AT)]
    assert heard("1.6", '[2,"1","Heartbeat",null]') == [Seen(AT)]


def test_status_of_1_6():
    """With all that a vendor adds; connector 0 is the station, and stays 0."""
    told_ = status(
        status="Faulted", errorCode="OtherError", info="i" * 60, vendorId="v", vendorErrorCode="E7",
        timestamp=TIME, connectorId=0,
    )  # fmt: skip
    assert told_ == StatusTold(AT, None, 0, "Faulted", "OtherError", "i" * 60, "v", "E7", TIME_MS)
    assert status(status="Charging") == StatusTold(AT, None, 1, "Charging", "NoError")


@both
def test_status_of_2_x(version):
    """Of a connector of an EVSE."""
    call = {"timestamp": TIME, "connectorStatus": "Occupied", "evseId": 2, "connectorId": 1}
    assert told(version, "StatusNotification", call) == [
        StatusTold(AT, 2, 1, "Occupied", told_ms=TIME_MS)
    ]


@both
def test_status_in_the_device_model(version):
    """2.x may tell it in NotifyEvent: several at once, among other news."""

    def data(component, variable, value, **evse):
        place = {"evse": evse} if evse else {}
        return {
            "eventId": 1, "timestamp": TIME, "trigger": "Delta", "actualValue": value,
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": component} | place, "variable": {"name": variable},
        }  # fmt: skip

    call = {
        "generatedAt": TIME,
        "seqNo": 0,
        "eventData": [
            data("Connector", "AvailabilityState", "Faulted", id=1, connectorId=2)
            | {"techCode": "E7", "techInfo": "relay"},
            data("Connector", "Temperature", "41", id=1, connectorId=2),
            data("EVSE", "AvailabilityState", "Available", id=3),
            data("ChargingStation", "AvailabilityState", "Available"),
            data("Controller", "AvailabilityState", "Available"),
        ],
    }
    assert told(version, "NotifyEvent", call) == [
        StatusTold(AT, 1, 2, "Faulted", "E7", "relay", told_ms=TIME_MS, index=0),
        StatusTold(AT, 3, 0, "Available", told_ms=TIME_MS, index=1),
        StatusTold(AT, None, 0, "Available", told_ms=TIME_MS, index=2),
    ]


def test_availability_of_1_6():
    """The answer alone does not say what was asked: its CALL does."""
    asked = {"connectorId": 0, "type": "Inoperative"}
    found = commanded("1.6", "ChangeAvailability", asked, {"status": "Scheduled"})
    at = At("CS-1", 77, 2, NOON, "77.2.CS-1")
    assert found == [AvailabilityAnswered(at, None, 0, "Inoperative", "Scheduled")]


@both
@pytest.mark.parametrize(
    ("evse", "place"), [({"evse": {"id": 1, "connectorId": 2}}, (1, 2)), ({}, (None, None))]
)
def test_availability_of_2_x(version, evse, place):
    """Of a connector, or of the whole station."""
    asked = {"operationalStatus": "Operative"} | evse
    found = commanded(version, "ChangeAvailability", asked, {"status": "Accepted"})
    at = At("CS-1", 77, 2, NOON, "77.2.CS-1")
    assert found == [AvailabilityAnswered(at, *place, "Operative", "Accepted")]


# --- transactions of 1.6 ---


def test_start_has_the_id_that_the_station_was_given():
    """It is computed from the call, so that the answer is not needed to know it."""
    talk = conversation("1.6", ("StartTransaction", {
        "connectorId": 1, "idTag": "A1", "meterStart": 1000, "timestamp": TIME,
        "reservationId": 0,
    }))  # fmt: skip
    (answer,) = talk.answers
    transaction = str(answer[2]["transactionId"])
    assert facts(talk.events)[1:] == [
        TransactionStarted(AT, transaction, None, 1, "A1", None, TIME_MS, None, Decimal(1000)),
        AuthorizationAsked(
            AT, "1.6", "StartTransaction", "A1", transaction=transaction, connector=1
        ),
        TransactionAnswered(At("CS-1", 77, 2, NOON, "77.2.CS-1"), transaction, "Accepted"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"timestamp": "2026-11-21T12:59:58.5+01:00"},
        {"timestamp": "garbage"},
        {"timestamp": None},
        {"meterStart": 1000.5},
        {"meterStart": "1000"},
        {"idTag": 17},
        {"idTag": "é" * 30},
        {"connectorId": 2**70},
        {"meterStart": 2**64 + 1},
        {"meterStart": 1e20},
        {"connectorId": None, "extra": 1},
    ],
)
def test_start_has_that_id_also_where_the_call_is_odd(fields):
    """Times with an offset, numbers as text, nulls: the text that the event keeps says enough."""
    call = {"connectorId": 1, "idTag": "A1", "meterStart": 1000, "timestamp": TIME} | fields
    talk = conversation("1.6", ("StartTransaction", call))
    started, asked = facts(talk.events[1:2])
    assert started.transaction == str(talk.answers[0][2]["transactionId"])
    assert asked.transaction == started.transaction


def test_start_with_what_the_schema_does_not_allow():
    """A long token stays whole; a meter with decimals, or written as text, is a number."""
    assert start(idTag="x" * 21).token == "x" * 21
    assert start(idTag="").token == ""
    assert start(meterStart=1000.5).meter_wh == Decimal("1000.5")
    assert start(meterStart="1000.5").meter_wh == Decimal("1000.5")
    assert start(meterStart="NaN").meter_wh is None
    assert start(connectorId=0).connector == 0


def test_start_that_a_service_refuses():
    """Its answer says so, to which group the token belongs, and of which reservation it is."""
    talk = conversation("1.6", decided=frozenset({"StartTransaction"}))
    call = {"connectorId": 1, "idTag": "A1", "meterStart": 0, "timestamp": TIME, "reservationId": 9}
    talk.call("s", "StartTransaction", call)
    info = {"status": "ConcurrentTx", "parentIdTag": "G"}
    response = json.dumps({"idTagInfo": info, "transactionId": 1})
    talk.decide(talk.events[-1][1]["event_id"], response=response)
    started, asked, answered = facts(talk.events)[1:]
    assert asked.decide_by_ms == NOON + 5000
    assert (answered.status, answered.group, answered.reservation) == ("ConcurrentTx", "G", 9)
    assert answered.transaction == started.transaction, "whatever id the service gave"
    (alone,) = facts(talk.events[-1:])
    assert alone == replace(answered, reservation=None), "its CALL was lost"


@pytest.mark.parametrize("sent", [0, -1, 5, 2**63 - 1, 2**70])
def test_stop_keeps_the_id_as_sent(sent):
    """0, -1 and 2^63-1 are what stations send; what they mean is for the projection."""
    assert one(stop(transactionId=sent)).transaction == str(sent)


@pytest.mark.parametrize(
    ("sent", "kept"), [(None, None), ("17", "17"), (17.0, "17"), ("", ""), ({"a": 1}, '{"a":1}')]
)
def test_stop_with_an_id_of_another_kind(sent, kept):
    """Null is no id, and never 0."""
    assert one(stop(transactionId=sent)).transaction == kept


def test_stop():
    """The token and the reason may be left out; the reason is then Local."""
    assert stop() == [
        TransactionStopped(
            AT, "5", told_ms=TIME_MS, meter_wh=Decimal(2000), reason="Local"
        )
    ]  # fmt: skip
    stopped = one(stop(idTag="a1", reason="EVDisconnected"))
    assert (stopped.token, stopped.reason) == ("a1", "EVDisconnected")


@pytest.mark.parametrize(
    ("sent", "meter"),
    [
        (0, 0),
        ("2000", 2000),
        ("2000.25", "2000.25"),
        (-5, -5),
        (None, None),
        ("", None),
        ([], None),
    ],
)
def test_stop_with_a_meter_of_any_kind(sent, meter):
    """A number written as text is one; what is none is none, and the stop counts all the same."""
    expected = None if meter is None else Decimal(meter)
    assert one(stop(meterStop=sent)).meter_wh == expected


def test_stop_carries_samples():
    """transactionData are samples like those of MeterValues, of that transaction."""
    values = [{"value": "0.5", "unit": "kWh", "context": "Transaction.Begin"}, {"value": "2"}]
    _, begin, end = stop(transactionData=[{"timestamp": TIME, "sampledValue": values}])
    assert begin == Sampled(
        AT, 0, "StopTransaction", "5", told_ms=TIME_MS, context="Transaction.Begin", unit="Wh",
        value=Decimal(500), raw="0.5",
    )  # fmt: skip
    assert (end.index, end.value, end.context) == (1, Decimal(2), "Sample.Periodic")


def test_stop_of_whose_samples_only_the_beginning_is_told():
    """It is not the end as well: then energy would be known, and be none."""
    values = [{"value": "0.5", "unit": "kWh", "context": "Transaction.Begin"}]
    made, _ = stop(meterStop=None, transactionData=[{"timestamp": TIME, "sampledValue": values}])
    assert (made.begin_wh, made.meter_wh) == (Decimal(500), None)


# --- meter values ---


@pytest.mark.parametrize(("sent", "kept"), [(0, "0"), (-1, "-1"), (2**63 - 1, str(2**63 - 1))])
def test_meter_values_of_1_6(sent, kept):
    """Connector 0 and transaction 0 stay as sent."""
    value = {"timestamp": TIME, "sampledValue": [{"value": "7"}]}
    call = {"connectorId": 0, "transactionId": sent, "meterValue": [value, value]}
    first, second, metered = told("1.6", "MeterValues", call)
    assert first == Sampled(
        AT, 0, "MeterValues", kept, None, 0, TIME_MS, unit="Wh", value=Decimal(7), raw="7"
    )
    assert second.index == 1
    assert metered == TransactionMetered(AT, kept, Decimal(7), TIME_MS, 0)


@both
def test_meter_values_of_2_x(version):
    """Numbers, with a unit and its multiplier; no transaction is told."""
    sample = {"value": 1.25, "unitOfMeasure": {"unit": "kWh", "multiplier": 1}}
    value = {"timestamp": TIME, "sampledValue": [sample]}
    assert told(version, "MeterValues", {"evseId": 2, "meterValue": [value]}) == [
        Sampled(
            AT, 0, "MeterValues", evse=2, told_ms=TIME_MS, unit="Wh", value=Decimal(12500),
            raw="1.25",
        )
    ]  # fmt: skip


# --- transactions of 2.x ---


@both
def test_started(version):
    """With all that it can say; the meter is that of the context Transaction.Begin."""
    samples = [
        {"value": 5, "context": "Sample.Clock"},
        {"value": 230, "measurand": "Voltage", "context": "Transaction.Begin"},
        {"value": 6, "context": "Transaction.Begin", "unitOfMeasure": {"unit": "kWh"}},
        {"value": 1, "context": "Transaction.Begin", "phase": "L1"},
    ]
    started, asked, *sampled = event(
        "Started", version, offline=True, reservationId=9, seqNo=3,
        transactionInfo={"transactionId": "tx", "chargingState": "Charging", "remoteStartId": 4},
        evse={"id": 1, "connectorId": 2}, idToken={"idToken": "A1", "type": "ISO14443"},
        meterValue=[{"timestamp": TIME, "sampledValue": samples}],
    )  # fmt: skip
    assert started == TransactionStarted(
        AT, "tx", 1, 2, "A1", "ISO14443", TIME_MS, None, Decimal(6000), 9, 4, True, 3, "Charging",
        "Authorized",
    )  # fmt: skip
    assert asked == AuthorizationAsked(
        AT, version, "TransactionEvent", "A1", "ISO14443", None, "tx", 1, 2, offline=True
    )
    assert [sample.value for sample in sampled] == [5, 230, 6000, 1]
    assert {(s.source, s.transaction, s.evse, s.connector) for s in sampled} == {
        ("TransactionEvent", "tx", 1, 2)
    }


@both
def test_updated(version):
    """The newest reading of the meter counts."""
    samples = [{"value": 5}, {"value": 6}]
    updated, *_ = event(
        "Updated", version, seqNo=1, triggerReason="MeterValuePeriodic",
        meterValue=[{"timestamp": TIME, "sampledValue": samples}],
    )  # fmt: skip
    assert updated == TransactionUpdated(
        AT, "tx", 1, TIME_MS, trigger="MeterValuePeriodic", meter_wh=Decimal(6)
    )


@both
def test_ended(version):
    """The meter is that of the context Transaction.End; the reason may be left out."""
    samples = [{"value": 9, "context": "Transaction.End"}, {"value": 8}]
    info = {"transactionId": "tx", "stoppedReason": "EVDisconnected"}
    meter_value = [{"timestamp": TIME, "sampledValue": samples}]
    ended, *_ = event("Ended", version, seqNo=2, transactionInfo=info, meterValue=meter_value)
    assert ended == TransactionStopped(
        AT, "tx", 2, TIME_MS, meter_wh=Decimal(9), reason="EVDisconnected", trigger="Authorized"
    )
    assert one(event("Ended", version)).reason == "Local"


@pytest.mark.parametrize("kind", ["Resumed", None, 7])
def test_event_of_an_unknown_type(kind):
    """It went on in any case."""
    updated = one(event(kind))
    assert (type(updated), updated.transaction) == (TransactionUpdated, "tx")


@both
def test_answer_to_an_event_needs_its_call(version):
    """It does not say which transaction; and says nothing where no token was asked about."""
    call = {
        "eventType": "Started", "timestamp": TIME, "triggerReason": "Authorized", "seqNo": 0,
        "transactionInfo": {"transactionId": "tx"}, "reservationId": 9,
    }  # fmt: skip
    token = {"idToken": {"idToken": "A1", "type": "Central"}}
    talk = conversation(version, decided=frozenset({"TransactionEvent"}))
    talk.call("1", "TransactionEvent", call | token)
    group = {"groupIdToken": {"idToken": "G", "type": "Central"}}
    response = json.dumps({"idTokenInfo": {"status": "Invalid"} | group})
    talk.decide(talk.events[-1][1]["event_id"], response=response)
    answered = facts(talk.events)[-1]
    assert answered == TransactionAnswered(
        At("CS-1", 77, 2, NOON, "77.2.CS-1"), "tx", "Invalid", "G", 9
    )
    topic, record = talk.events[-1]
    assert wants_call(record)
    assert facts_of(topic, record, 0, None) == [], "its CALL was lost"
    quiet = conversation(version, ("TransactionEvent", call))
    assert facts(quiet.events[2:]) == []


def test_answer_to_a_stop_with_a_token():
    """A gateway does not give one today; another that writes the log may."""
    call = {"transactionId": 5, "meterStop": 1, "timestamp": TIME, "idTag": "A"}
    response = {"idTagInfo": {"status": "Blocked", "parentIdTag": "G"}}
    *_, answered = commanded("1.6", "StopTransaction", call, response)
    assert (answered.transaction, answered.status, answered.group) == ("5", "Blocked", "G")


# --- times ---


@pytest.mark.parametrize(
    ("sent", "told_ms", "kept"),
    [
        (TIME, TIME_MS, False),
        ("2026-11-21T11:59:58.500123Z", TIME_MS, True),
        ("2026-11-21T12:59:58.5+01:00", TIME_MS, True),
        ("2026-11-21T13:59:58.5+02", TIME_MS, True),
        ("2026-11-21T11:59:58.5", TIME_MS, True),
        ("1970-01-01T00:00:00Z", 0, False),
        ("2099-01-01T00:00:00Z", 4070908800000, False),
        ("", None, True),
        ("yesterday", None, True),
        (1795262398, None, True),
    ],
)
def test_times_of_all_kinds(sent, told_ms, kept):
    """Read as leniently as ISO 8601 allows; the text is kept where it says more."""
    fact = start(timestamp=sent)
    assert (fact.told_ms, fact.told_text) == (told_ms, str(sent) if kept else None)
    sample = {
        "connectorId": 1,
        "meterValue": [{"timestamp": sent, "sampledValue": [{"value": "1"}]}],
    }
    read = one(told("1.6", "MeterValues", sample))
    assert (read.told_ms, read.told_text) == (fact.told_ms, fact.told_text)


def test_no_time_at_all():
    """1.6 need not tell when a status began."""
    assert (status().told_ms, status().told_text) == (None, None)


# --- all frames ---


def test_dead_letters_and_errors_are_no_facts():
    """Whatever stands in a frame that was refused, nobody has checked it."""
    talk = conversation("1.6", ("StatusNotification", {}), ("NoSuchAction", {}), ("Authorize", {}))
    talk.hear('[4,"x","GenericError","",{}]')
    assert {topic for topic, _ in talk.events} == {"connections", "rejected"}
    assert len(facts(talk.events)) == 1
    assert not any(keeps_call(record) or wants_call(record) for _, record in talk.events)
    refused = conversation("1.6", decided=frozenset({"StartTransaction"}))
    refused.call("1", "StartTransaction", {"connectorId": 1, "idTag": "A"})
    refused.decide(refused.events[-1][1]["event_id"], error_code="InternalError")
    topic, error = refused.events[-1]
    assert (error["kind"], facts_of(topic, error, 0, None)) == ("error", [])


def test_newer_versions_are_passed_over():
    """A version or action that is not in the table yet is no reason to stop: somebody is there."""
    talk = conversation("1.6", ("BootNotification", {}), ("Heartbeat", {}))
    topic, record = talk.events[-2]
    assert facts_of(topic, record | {"ocpp_version": "2.2"}, 0, None) == [Seen(_at(record))]
    assert facts_of(topic, record | {"action": "Hello"}, 0, None) == [Seen(_at(record))]


def _at(record):
    return At("CS-1", 77, record["sequence"], NOON, record["event_id"])


def test_a_station_that_says_nothing_of_concern_is_seen():
    """What it is told is no sign of it."""
    talk = conversation("1.6", ("FirmwareStatusNotification", {"status": "Idle"}))
    _, (_, call), _ = talk.events
    assert facts(talk.events)[1:] == [Seen(_at(call))]
    (_, asked), (_, answer) = exchange("1.6", "Reset", {"type": "Soft"}, {"status": "Accepted"})
    assert facts([("provisioning", asked), ("provisioning", answer)]) == [Seen(_at(answer))]


def test_an_error_settles_its_call_too():
    """Otherwise it would be kept for ever."""
    talk = conversation("1.6", ("Authorize", {"idTag": "A"}), decided=frozenset({"Authorize"}))
    talk.decide(talk.events[-1][1]["event_id"], error_code="InternalError")
    (_, call), (_, error) = talk.events[1:]
    assert keeps_call(call)
    assert not wants_call(call)
    assert wants_call(error)
    assert error["call_sequence"] == call["sequence"]


def test_only_calls_that_are_answered_with_news_are_kept():
    """The runner keeps them until their answer, so most are not."""
    talk = conversation("1.6", ("Heartbeat", {}), ("StatusNotification", {
        "connectorId": 1, "errorCode": "NoError", "status": "Available",
    }))  # fmt: skip
    assert not any(keeps_call(record) or wants_call(record) for _, record in talk.events)


def _said():
    for path in sorted(CONVERSATIONS.glob("*.jsonl")):
        first, *lines = map(json.loads, path.read_text().splitlines())
        yield first["version"], [line["station"] for line in lines if "station" in line]


def test_golden_conversations_are_understood():
    """Every event of every conversation has facts or none, and never fails."""
    kinds = set()
    for version, lines in _said():
        talk = Conversation(version)
        for line in lines:
            talk.hear(line if isinstance(line, str) else json.dumps(line))
        kinds |= {type(fact) for fact in facts(talk.events)}
    assert kinds >= {Booted, BootAnswered, Seen, StatusTold, Sampled, TransactionStarted}
    assert kinds >= {TransactionUpdated, TransactionStopped, TransactionAnswered}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
    | st.sampled_from(["NaN", "1e999", "", TIME, "9999-12-31T23:59:60.9-14:00", "\0", "Started"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)  # fmt: skip
CALLS = sorted(
    kind
    for kind, row in ACTIONS.items()
    if row.from_station
    and "request" in row.parts
    and kind[1]
    in {
        *("Authorize", "BootNotification", "Heartbeat", "MeterValues", "NotifyEvent"),
        *("NotifyReport", "ReservationStatusUpdate", "StartTransaction", "StatusNotification"),
        *("StopTransaction", "TransactionEvent"),
    }
)
ANSWERED = sorted(
    kind
    for kind in ACTIONS
    if kind[1]
    in {
        *("Authorize", "CancelReservation", "ChangeAvailability", "GetConfiguration"),
        *("GetLocalListVersion", "GetVariables", "RemoteStartTransaction", "ReserveNow"),
        *("RequestStartTransaction", "SendLocalList", "StopTransaction", "TransactionEvent"),
    }
)


def _names(*kind):
    """The names in a schema, and those that the tests know."""
    schema = json_schema(*kind)
    nested = [d.get("properties", {}) for d in schema.get("definitions", {}).values()]
    inner = [p.get("items", {}).get("properties", {}) for p in schema["properties"].values()]
    names = {name for properties in (schema["properties"], *nested, *inner) for name in properties}
    return st.sampled_from(sorted(names | {"timestamp", "sampledValue", "value", "unit"}))


def _payloads(names):
    nested = st.recursive(
        JSON,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=5),
        max_leaves=15,
    )
    return st.dictionaries(names, nested, max_size=6)


def _is_plain(value):
    """Whether any database can hold it."""
    match value:
        case bool() | None | At():
            return True
        case int():
            return -(2**63) <= value < 2**63
        case str():
            return b"\0" not in value.encode()
        case Decimal():
            return value.is_finite()
        case tuple():
            return all(_is_plain(getattr(one, slot)) for one in value for slot in one.__slots__)
    return False


# The first of each action compiles its schema, and what is drawn nests deep.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@patient
@given(st.sampled_from(CALLS), st.data())
def test_whatever_the_gateway_takes_has_facts_or_none(kind, data):
    """Never an error: one bad frame must not stop a consumer."""
    version, name = kind
    talk = Conversation(version, quirks=frozenset(QUIRKS))
    talk.call("m", name, data.draw(_payloads(_names(*kind, "request"))))
    for fact in facts(talk.events):
        assert all(_is_plain(getattr(fact, slot)) for slot in fact.__slots__)


@patient
@given(st.sampled_from(ANSWERED), st.data())
def test_whatever_a_station_answers_has_facts_or_none(kind, data):
    """Also where the CALL was as odd as its answer; and an error is one, or none."""
    call = data.draw(_payloads(_names(*kind, "request")) | st.none())
    said = data.draw(_payloads(_names(*kind, "response")))
    topic, record = exchange(*kind, {}, {})[1]
    record |= {"raw": json.dumps([3, "m", said]), "command_id": data.draw(st.text() | st.none())}
    error = exchange(*kind, {})[1]
    for found in (facts_of(topic, record, 0, call), facts_of(*error, 0, call)):
        for fact in found:
            assert all(_is_plain(getattr(fact, slot)) for slot in fact.__slots__)
