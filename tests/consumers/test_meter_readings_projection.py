"""consumers.meter_readings.projection: one row for each sampled value."""

import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from consumers.meaning.facts import At, Sampled, Seen
from consumers.meter_readings.projection import CONSUMER, METER_READINGS, PROJECTION, evolve
from consumers.tables.projections import NO_ROWS, fold, key_columns
from schemas.topics import TOPICS
from tests.consumers.hearing import conversation, facts
from tests.consumers.migrated import differences

TIME = "2026-11-21T12:00:00Z"
TIME_MS = 1_795_262_400_000
SAMPLES = [{"value": "1.5", "unit": "kWh"}, {"value": "NaN"}, {"value": "230", "unit": "V"}]


def rows(groups):
    """All rows, by their primary keys."""
    found = {}
    for group in groups.values():
        for row in group.get(METER_READINGS.name, ()):
            found[tuple(row[name] for name in key_columns(METER_READINGS))] = row
    return found


def test_a_row_says_all_of_a_sample():
    """Every column has a value of its own."""
    at = At("CS-1", 77, 5, TIME_MS + 9, "77.5.CS-1")
    fact = Sampled(
        at, 2, "StopTransaction", "0", 3, 4, TIME_MS, "text", "Voltage", "L1", "EV", "Trigger",
        "Raw", "V", Decimal("230.1"), "230.1", "signed",
    )  # fmt: skip
    assert fold(PROJECTION, {}, [fact]) == {
        ("CS-1",): {
            "meter_readings": (
                {
                    "station": "CS-1", "epoch": 77, "sequence": 5, "sample_no": 2,
                    "observed_ms": TIME_MS + 9, "told_ms": TIME_MS, "told_text": "text",
                    "source": "StopTransaction", "transaction_id": "0", "evse": 3, "connector": 4,
                    "measurand": "Voltage", "phase": "L1", "location": "EV", "context": "Trigger",
                    "format": "Raw", "unit": "V", "value": Decimal("230.1"), "raw": "230.1",
                    "signed": "signed",
                },
            )
        }
    }  # fmt: skip
    row = fold(PROJECTION, {}, [fact])["CS-1",]["meter_readings"][0]
    assert list(row) == METER_READINGS.columns.keys()


def test_samples_come_from_wherever_stations_put_them():
    """Also from the end of a transaction, which may be the only place; a bad one sinks no other."""
    value = {"timestamp": TIME, "sampledValue": SAMPLES}
    call = {"transactionId": 5, "meterStop": 1, "timestamp": TIME, "transactionData": [value]}
    talk = conversation(
        "1.6", ("MeterValues", {"connectorId": 1, "meterValue": [value, value]}),
        ("StopTransaction", call),
    )  # fmt: skip
    found = rows(fold(PROJECTION, {}, facts(talk.events))).values()
    assert [(row["source"], row["sample_no"]) for row in found] == [
        *(("MeterValues", number) for number in range(6)),
        *(("StopTransaction", number) for number in range(3)),
    ]
    assert [row["value"] for row in found] == [Decimal(1500), None, Decimal(230)] * 3
    assert [row["raw"] for row in found][:3] == ["1.5", "NaN", "230"]


def test_what_is_no_sample_makes_no_row():
    """Every other fact is passed over."""
    seen = Seen(At("CS-1", 77, 5, 0, ""))
    assert fold(PROJECTION, {}, [seen]) == {}
    assert evolve(NO_ROWS, seen) is NO_ROWS


def test_nothing_is_loaded():
    """A station has millions of readings."""
    assert PROJECTION.append_only
    assert set(PROJECTION.topics) <= TOPICS.keys()


@given(st.randoms(use_true_random=False), st.integers(1, 5))
def test_order_batches_and_repetition_do_not_matter(chance: random.Random, size):
    """Each sample has its row, once."""
    value = {"timestamp": TIME, "sampledValue": SAMPLES}
    talk = conversation(
        "1.6", *[("MeterValues", {"connectorId": 1, "meterValue": [value]})] * 3
    )  # fmt: skip
    told = facts(talk.events)
    expected = rows(fold(PROJECTION, {}, told))
    shuffled = told * 2
    chance.shuffle(shuffled)
    kept = {}
    for start in range(0, len(shuffled), size):
        # What is there already stays.
        kept = rows(fold(PROJECTION, {}, shuffled[start : start + size])) | kept
    assert kept == expected
    assert len(kept) == 9


def test_the_migrations_make_the_table_as_it_is():
    """In a database that had nothing."""
    assert differences(CONSUMER) == []
