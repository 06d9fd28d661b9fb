"""Where a payload departs from its schema, and by which rule."""

import json

import pytest

from gateway.deviations import RULES, deviations, note

METER_VALUES = {
    "connectorId": 1,
    "meterValue": [
        {"timestamp": "2024-01-01T00:00:00Z", "sampledValue": [{"value": "1"}, {"value": "2"}]}
    ],
}


def found(payload, action="MeterValues", version="1.6", part="request"):
    _, violations = deviations(version, action, part, payload)
    return [(one.rule, one.path) for one in violations.values()]


def test_a_conforming_payload_has_none():
    """And it comes back equal."""
    payload, violations = deviations("1.6", "MeterValues", "request", METER_VALUES)
    assert violations == {}
    assert payload == METER_VALUES


def test_a_path_leads_to_the_place():
    """Names and indexes as in JSON paths, quoted where a name is no identifier."""
    payload = json.loads(json.dumps(METER_VALUES))
    payload["meterValue"][0]["sampledValue"][1]["value"] = 2
    payload["meterValue"][0]["sampledValue"][1]["odd key"] = 2
    payload["meterValue"][0]["sampledValue"][0]["unit"] = "Furlong"
    assert found(payload) == [
        ("unknown_word", "$.meterValue[0].sampledValue[0].unit"),
        ("scalar_for_text", "$.meterValue[0].sampledValue[1].value"),
        ("unknown_property", '$.meterValue[0].sampledValue[1]["odd key"]'),
    ]


def test_only_the_first_place_of_a_rule_is_told():
    """Thousands of deviations cost no memory."""
    payload = {"connectorId": 1, "meterValue": [{"timestamp": "", "sampledValue": []}] * 9999}
    assert found(payload) == [
        ("unreadable_timestamp", "$.meterValue[0].timestamp"),
        ("too_few_items", "$.meterValue[0].sampledValue"),
    ]


def test_a_wrong_word_is_told_the_right_ones():
    """As many as there is room for beside the longest path; what was sent is not repeated."""
    payload = json.loads(json.dumps(METER_VALUES))
    payload["meterValue"][0]["sampledValue"][0]["measurand"] = "s3cr3t"
    _, violations = deviations("1.6", "MeterValues", "request", payload)
    assert violations["unknown_word"].description == (
        "$.meterValue[0].sampledValue[0].measurand: one of Energy.Active.Export.Register, "
        "Energy.Active.Import.Register, Energy.Reactive.Export.Register, "
        "Energy.Reactive.Import.Register and 18 others expected"
    )


def test_descriptions_are_short_and_repeat_no_value():
    """errorDescription is at most 255 characters, and a value may be a secret."""
    for name in ("x" * 5000, "\U0001f600" * 99, "\u0000" * 99, "odd name " * 99):
        payload = {"idTag": "s3cr3t" * 9, name: "s3cr3t"}
        _, violations = deviations("1.6", "Authorize", "request", payload)
        assert set(violations) == {"over_long_text", "unknown_property"}
        for violation in violations.values():
            assert len(violation.path) <= 200
            assert "s3cr3t" not in violation.description
            assert violation.description.startswith(violation.path)
            assert violation.code == RULES[violation.rule].code
    noted = {}
    note(noted, "wrong_type", None, "x" * 300)
    assert len(noted["wrong_type"].description) == 255


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2024-01-31T23:59:59Z", None),
        ("2024-01-31T23:59:59.1Z", None),
        ("2024-01-31T23:59:59.123Z", None),
        ("2024-01-31T23:59:59.123000000Z", None),
        ("1970-01-01T00:00:00Z", None),
        # RFC 3339 too, but more than milliseconds in UTC can say.
        ("2024-01-31T23:59:59.123456789Z", "inexact_timestamp"),
        ("2024-01-31T23:59:59+02:00", "inexact_timestamp"),
        ("2024-01-31T23:59:59+00:00", "inexact_timestamp"),
        ("2024-01-31 23:59:59Z", "inexact_timestamp"),
        # ISO 8601 only: Growatt has no zone, others no minutes in it.
        ("2024-01-31T23:59:59", "loose_timestamp"),
        ("2024-01-31T23:59:59.000", "loose_timestamp"),
        ("2024-01-31T23:59:59+02", "loose_timestamp"),
        ("2024-01-31T23:59Z", "loose_timestamp"),
        ("2024-01-31", "loose_timestamp"),
        ("20240131T235959Z", "loose_timestamp"),
        ("", "unreadable_timestamp"),
        ("now", "unreadable_timestamp"),
        ("2024-02-30T00:00:00Z", "unreadable_timestamp"),
        ("2024-13-01T00:00:00Z", "unreadable_timestamp"),
        ("1706745599", "unreadable_timestamp"),
        ("31.01.2024 23:59", "unreadable_timestamp"),
        ("2024-01-31T23:59:59\u0660Z", "unreadable_timestamp"),
    ],
)
def test_times_are_graded(text, rule):
    """Exact, inexact, loose or unreadable."""
    payload = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": text}
    expected = [(rule, "$.timestamp")] if rule else []
    assert found(payload, "StatusNotification") == expected


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (7, None),
        (7.0, None),
        (2**63 - 1, None),
        (-(2**63), None),
        (2**63, "oversize_number"),
        (1e30, "oversize_number"),
        (7.5, "fraction_for_integer"),
        ("7", "quoted_value"),
        ("-7.5e3", "quoted_value"),
        (" 7 ", "quoted_value"),
        ("", "wrong_type"),
        ("seven", "wrong_type"),
        ("1" * 100_000, "wrong_type"),
        (True, "wrong_type"),
        ([7], "wrong_type"),
        ({}, "wrong_type"),
    ],
)
def test_integers_are_graded(value, rule):
    """12.0 is an integer, since JSON has numbers only; more than 64 bits conform, but no record."""
    payload = {
        "transactionId": value,
        "meterStop": 1,
        "timestamp": "2024-01-01T00:00:00Z",
    }
    expected = [(rule, "$.transactionId")] if rule else []
    assert found(payload, "StopTransaction") == expected


@pytest.mark.parametrize(
    ("limit", "rule"),
    [
        (21.4, None),
        (16, None),
        (1e15, None),
        (21.44, "not_a_multiple"),
        (10**400, "oversize_number"),
        (2**53 + 1, "oversize_number"),
        ("21.4", "quoted_value"),
        (False, "wrong_type"),
    ],
)
def test_numbers_are_decimal(limit, rule):
    """21.4 is a multiple of 0.1, which binary fractions deny."""
    payload = {
        "status": "Accepted",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
    }
    expected = [(rule, "$.chargingSchedule.chargingSchedulePeriod[0].limit")] if rule else []
    assert found(payload, "GetCompositeSchedule", part="response") == expected


@pytest.mark.parametrize(
    ("payload", "rules"),
    [
        ({"messagesInQueue": True}, []),
        ({"messagesInQueue": "true"}, ["quoted_value"]),
        ({"messagesInQueue": "yes"}, ["wrong_type"]),
        ({"messagesInQueue": 1}, ["wrong_type"]),
        ({"messagesInQueue": None}, ["null_field", "missing_field"]),
        ({}, ["missing_field"]),
    ],
)
def test_booleans_and_their_absence_are_graded(payload, rules):
    """A required field that is null is missing as well."""
    violations = found(payload, "GetTransactionStatus", "2.0.1", "response")
    assert [rule for rule, _ in violations] == rules


def test_nulls_are_taken_out_and_nothing_else_is_changed():
    """Absent is what a null is meant to be; untyped data keeps its own."""
    sent = {
        "vendorId": 7,
        "messageId": None,
        "data": None,
        "customData": {"vendorId": "x", "a": None},
    }
    payload, violations = deviations("2.0.1", "DataTransfer", "request", sent)
    assert payload == {"vendorId": 7, "data": None, "customData": {"vendorId": "x", "a": None}}
    assert list(violations) == ["scalar_for_text", "null_field"]
    assert "messageId" in sent, "the object given is unchanged"


def test_lists_have_lengths():
    """Too few and too many."""
    status = {"vendorId": "x"}
    assert found({"meterValue": [], "evseId": 1, "customData": status}, version="2.0.1") == [
        ("too_few_items", "$.meterValue")
    ]
    needs = {
        "idToken": {"idToken": "x", "type": "Local"},
        "iso15118CertificateHashData": [None] * 5,
    }
    rules = [rule for rule, _ in found(needs, "Authorize", "2.0.1")]
    assert rules == ["too_many_items", "null_field"]


def test_numbers_have_ranges():
    """A level of 101 % is out of range."""
    payload = {"eventType": "BatteryIn", "requestId": 1, "idToken": {"idToken": "", "type": "x"}}
    battery = {"evseId": 0, "serialNumber": "1", "soC": 101, "soH": -1}
    assert found(payload | {"batteryData": [battery]}, "BatterySwap", "2.1") == [
        ("out_of_range", "$.batteryData[0].soC")
    ]
