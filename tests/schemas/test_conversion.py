"""Conversion: JSON to Avro and back, by the fast way and the slow one alike."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.conversion import from_avro, to_avro
from schemas.fitting import fitting
from schemas.forms import form

NOTHING: frozenset[tuple[str, str]] = frozenset()
METER_VALUES = form("1.6", "MeterValues", "request")
EVENT = form("2.1", "NotifyEvent", "request")


def sample(**change: Any) -> dict[str, Any]:
    values = [{"value": "1", "unit": "Wh"}, {"value": "2"} | change]
    return {
        "connectorId": 1,
        "transactionId": 2**63 - 1,
        "meterValue": [{"timestamp": "2024-05-01T00:00:00.5Z", "sampledValue": values}],
    }


def test_a_plain_payload_only_changes_its_times() -> None:
    """The parts without times are shared, and the payload itself stays as it was."""
    payload = sample()
    before = copy.deepcopy(payload)
    record, holds_all = to_avro(METER_VALUES, NOTHING)(payload)
    assert holds_all
    assert payload == before
    assert record["meterValue"][0]["timestamp"] == 1714521600500
    assert record["meterValue"][0]["sampledValue"] is payload["meterValue"][0]["sampledValue"]


def test_a_payload_without_times_is_its_own_record() -> None:
    """Nothing is copied where nothing changes."""
    payload = {"idTag": "A"}
    assert to_avro(form("1.6", "Authorize", "request"), NOTHING)(payload)[0] is payload


def test_deviations_do_not_change_the_payload() -> None:
    """The payload serves the reply, whatever the record can hold of it."""
    payload = sample(value=2, vendor={"a": [1]}, unit=None)
    before = copy.deepcopy(payload)
    record, holds_all = to_avro(METER_VALUES, NOTHING)(payload)
    assert not holds_all
    assert payload == before
    assert record["meterValue"][0]["sampledValue"][1] == {
        "value": "2",
        "extra": '{"vendor":{"a":[1]}}',
    }


def test_a_time_that_is_not_exact_is_told() -> None:
    """Nanoseconds are more than milliseconds hold."""
    payload = sample()
    payload["meterValue"][0]["timestamp"] = "2024-05-01T00:00:00.123456789Z"
    record, holds_all = to_avro(METER_VALUES, NOTHING)(payload)
    assert (record["meterValue"][0]["timestamp"], holds_all) == (None, False)


def test_integers_over_64_bits_are_an_overflow() -> None:
    """The caller makes a dead letter of them."""
    with pytest.raises(OverflowError):
        to_avro(METER_VALUES, NOTHING)(sample() | {"transactionId": 2**63})


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False, max_value=1e18, min_value=-1e18)
    | st.sampled_from(["", "1", "x", "2024-05-01T00:00:00Z", "Periodic"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["seqNo", "generatedAt", "tbc", "eventData", "customData", "timestamp", "extra",
             "component", "name", "evse", "id", "eventId", "trigger", "new"]
        ),
        inner,
        max_size=4,
    ),
)  # fmt: skip


@settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.dictionaries(st.sampled_from(["seqNo", "generatedAt", "eventData", "new"]), _JSON))
def test_any_object_is_taken_and_told_alike_by_both_ways(payload: dict[str, Any]) -> None:
    """Nothing is raised, both ways agree, and what is said to be held comes back."""
    lost: list[Any] = []
    slow = fitting(EVENT, NOTHING, {})(payload, lost)
    record, holds_all = to_avro(EVENT, NOTHING)(payload)
    assert (record, holds_all) == (slow, not lost)
    if holds_all:
        assert from_avro(EVENT)(record) == payload


def test_null_is_absent_and_times_are_texts() -> None:
    """As fastavro reads them: every field there, times as datetime."""
    moment = datetime(2024, 5, 1, 0, 0, 0, 500000, tzinfo=UTC)
    record = {
        "connectorId": 1,
        "transactionId": None,
        "meterValue": [{"timestamp": moment, "sampledValue": [], "extra": None}],
        "extra": '{"new":null}',
    }
    assert from_avro(METER_VALUES)(record) == {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2024-05-01T00:00:00.500Z", "sampledValue": []}],
        "new": None,
    }


@pytest.mark.parametrize(
    ("millis", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-62135596800000, "0001-01-01T00:00:00Z"),
    ],
)
def test_times_come_back_in_utc(millis: int, text: str) -> None:
    """With milliseconds where there are any, also from the bare number."""
    read = from_avro(form("1.6", "Heartbeat", "response"))
    assert read({"currentTime": millis}) == {"currentTime": text}


def test_a_fraction_in_a_shared_double_stays() -> None:
    """2.0.1 has an integer there; what a lenient gateway took must not change when it is read."""
    read = from_avro(form("2.0.1", "NotifyEVChargingNeeds", "request"))
    for value in (5.0, 5.5):
        record = {"chargingNeeds": {"dcChargingParameters": {"evMaxPower": value}}}
        assert read(record) == record
    assert type(read({"evseId": 5.0})["evseId"]) is int
