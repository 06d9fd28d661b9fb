"""Transactions come out the same, however their facts are read."""

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from consumers.meaning import facts_table
from consumers.meaning.facts import (
    Connected,
    Sampled,
    Seen,
    TransactionAnswered,
    TransactionMetered,
)
from consumers.stores.upgrade import upgrade
from consumers.tables.projections import fold
from consumers.transactions.facts import METADATA
from consumers.transactions.projection import CONSUMER, PROJECTION, group
from tests.consumers.stored import come_back
from tests.consumers.telling import (
    NOON,
    answered,
    at,
    ended,
    groups,
    metered,
    row,
    start,
    started,
    stop,
    updated,
)
from tests.gateway.conversation import Conversation

# What may be told, from few values, so that much of it meets.
_TIMES = st.sampled_from([0, NOON, NOON + 1, None])
_METERS = st.sampled_from(["0", "100", "900.5", None])
_IDS = st.sampled_from(["17", "17", "17", "0", None])
_TOLD = {
    "told_ms": _TIMES,
    "meter_wh": _METERS,
    "token": st.sampled_from(["A", "a", "B", None]),
    "transaction": _IDS,
}
_NUMBERED = {"seq_no": st.sampled_from([*range(6), None])}


def _kinds(sequence, epoch):
    def of(make, **told):
        return st.builds(lambda **said: make(sequence, epoch=epoch, **said), **told)

    status = st.sampled_from(["Accepted", "Invalid"])
    return st.one_of(
        of(start, **_TOLD),
        of(stop, **_TOLD),
        of(started, **_TOLD, **_NUMBERED),
        of(updated, **_TOLD, **_NUMBERED),
        of(updated, **_TOLD, **_NUMBERED),
        of(ended, **_TOLD, **_NUMBERED),
        of(answered, status=status, transaction=st.sampled_from(["17", "0"])),
    )


@st.composite
def stories(draw):
    """Facts as they stand in the log, and as they may be read.

    There are two connections, whose records may land in the topic between each other, and
    MeterValues, which stand in a topic of their own. Reading starts again at some points from an
    earlier one.
    """
    told = [
        [draw(_kinds(sequence, epoch)) for sequence in range(1, draw(st.integers(1, 8)))]
        for epoch in (1, 2)
    ]
    readings = [
        metered(sequence, draw(st.sampled_from([0, 400])), epoch, told_ms=draw(_TIMES))
        for epoch in (1, 2)
        for sequence in draw(st.sets(st.integers(20, 24), max_size=3))
    ]
    first, second = told
    order = draw(st.permutations([1] * len(first) + [2] * len(second) + [0] * len(readings)))
    streams = {1: iter(first), 2: iter(second), 0: iter(draw(st.permutations(readings)))}
    log = [next(streams[one]) for one in order]
    read, reached = [], 0
    for end in [*sorted(draw(st.lists(st.integers(0, len(log)), max_size=3))), len(log)]:
        read += log[draw(st.integers(0, reached)) : end]
        reached = end
    return first + second + readings, read


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(stories(), st.data())
def test_rows_depend_on_what_was_told_alone(story, data):
    """Not on which topic or connection is read first, on batches, or on repetition."""
    facts, read = story
    expected = groups(*facts)
    found = {}
    while read:
        size = data.draw(st.integers(1, len(read)))
        found |= fold(PROJECTION, found, read[:size])
        read = read[size:]
    assert found == expected


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(stories())
def test_nothing_told_is_left_out_or_counted_twice(story):
    """Every start, update and stop is in exactly one row, and no energy is below nothing."""
    facts, _ = story
    told = Counter()
    for fact in facts:
        if not isinstance(fact, TransactionAnswered | TransactionMetered):
            told[group(fact)] += 1
    for key, tables in groups(*facts).items():
        remembered = tables["transaction_facts"]
        kinds = ("start", "update", "stop")
        assert sum(one["frames"] for one in remembered if one["kind"] in kinds) == told[key]
        rows = tables["transactions"]
        assert bool(rows) == bool(told[key])
        assert sum(one["updates"] for one in rows) == sum(
            one["frames"] for one in remembered if one["kind"] == "update"
        )
        stops = [one for one in rows if one["state"] == "ended"]
        assert all(one["stop_repeats"] >= 0 for one in stops)
        assert all(one["energy_wh"] is None or one["energy_wh"] >= 0 for one in rows)
        assert [one["ordinal"] for one in rows] == list(range(1, len(rows) + 1))
        assert len({one["id"] for one in rows}) == len(rows)


@given(st.lists(st.integers(0, 12), min_size=1), st.sets(st.integers(1, 11)))
def test_sequence_numbers_are_counted_as_they_came(numbers, breaks):
    """Missing, repeated and disordered, whatever connections they came on."""
    epochs = [sum(one <= place for one in breaks) for place in range(len(numbers))]
    found = row(*(updated(n + 1, no, epochs[n]) for n, no in enumerate(numbers)))
    distinct = set(numbers)
    assert found["seq_repeated"] == len(numbers) - len(distinct)
    assert found["seq_missing"] == max(distinct) - min(distinct) + 1 - len(distinct)
    # Between these: one that came again after a higher one, which counts on the same connection.
    first_seen = list(dict.fromkeys(numbers))
    assert found["seq_disordered"] >= (first_seen != sorted(first_seen))
    assert found["seq_disordered"] <= (numbers != sorted(numbers))


def test_nothing_new_is_the_very_same_rows():
    """So a repetition writes nothing."""
    facts = [started(1), updated(2), metered(3), ended(4), answered(5)]
    rows = groups(*facts)["CS-1", "17"]
    for fact in facts:
        assert PROJECTION.evolve(rows, fact) is rows


def test_an_id_that_is_used_again_and_again_is_worked_out_once():
    """For all that is read together, however many transactions that are (id 0 of many stations)."""
    worked_out = []

    def derive(rows):
        worked_out.append(len(rows["transaction_facts"]))
        return PROJECTION.derive(rows)

    told = [stop(n, transaction="0", meter_wh=n) for n in range(1, 301)]
    counted = replace(PROJECTION, derive=derive)
    (rows,) = fold(counted, {}, told).values()
    assert [one["ordinal"] for one in rows["transactions"]] == [*range(1, 301)]
    assert worked_out == [300]
    assert fold(counted, {("CS-1", "0"): rows}, told) == {}
    assert worked_out == [300]


@pytest.mark.parametrize(
    ("fact", "name"),
    [
        (start(1), "17"),
        (updated(1), "17"),
        (stop(1, transaction="-1"), "-1"),
        (stop(1, transaction="0"), "0"),
        (stop(1, transaction=None), "?"),
        (started(1, transaction=None), "?1"),
        (started(1, transaction=""), "?1"),
        (updated(1, transaction=None), "?"),
        (ended(1, transaction=None, connector=2), "?2"),
        (answered(1), "17"),
        (metered(1), "17"),
    ],
)
def test_facts_of_one_id_are_folded_together(fact, name):
    """Those that name no transaction by the place where they happened, if that was told."""
    assert group(fact) == ("CS-1", name)


@pytest.mark.parametrize(
    "fact",
    [
        Connected(at(1)),
        Seen(at(1)),
        answered(1, transaction=None),
        *(metered(1, transaction=name) for name in ("", "0", "-1", str(2**63 - 1))),
        Sampled(at(1), 0, "MeterValues", "17"),
    ],
)
def test_facts_that_say_nothing_of_transactions(fact):
    """Such as meter values that belong to none: they have a table of their own."""
    assert group(fact) is None


class Station:
    """A station that talks to a real gateway's core; each connection is a new conversation."""

    def __init__(self, version="1.6"):
        self.version, self.records, self.epoch, self.ids = version, [], 10, 0
        self.connect()

    def connect(self):
        self.epoch += 5
        self.now = Conversation(self.version, opened=False)
        self.now.session.opened({"remote_address": "127.0.0.1"}, self.now.now)
        self.now.session.recorded(self.epoch, self.now.now)

    def call(self, action, **payload):
        """The answer to a call, with a message id of its own."""
        self.ids += 1
        before = len(self.now.events)
        self.now.call(str(self.ids), action, payload)
        self.records += [(*event, self.epoch) for event in self.now.events[before:]]
        return self.now.answers[-1][2]

    @property
    def facts(self):
        calls = {
            (record["epoch"], record["sequence"]): facts_table.call_payload(record)
            for _, record, _ in self.records
            if facts_table.keeps_call(record)
        }
        return [
            fact
            for topic, record, epoch in self.records
            for fact in facts_table.facts_of(
                topic, record, epoch, calls.get((record["epoch"], record["call_sequence"]))
            )
        ]

    @property
    def rows(self):
        return [one for rows in groups(*self.facts).values() for one in rows["transactions"]]


BEGUN = {
    "connectorId": 1,
    "idTag": "04A2B3C4D5E6F7",
    "meterStart": 100,
    "timestamp": "2026-11-21T12:00:00.123Z",
}


def _values(transaction, value):
    return {
        "connectorId": 1,
        "transactionId": transaction,
        "meterValue": [
            {"timestamp": "2026-11-21T12:00:00Z", "sampledValue": [{"value": value, "unit": "kWh"}]}
        ],
    }


def test_a_day_of_a_16_station_through_the_gateway():
    """The id that the gateway gave is the one that reader, meter values and stop have."""
    station = Station()
    given = station.call("StartTransaction", **BEGUN)["transactionId"]
    station.call("MeterValues", **_values(given, "0.4"))
    end = {"timestamp": "2026-11-21T12:00:00Z", "meterStop": 900, "reason": "Local"}
    station.call("StopTransaction", transactionId=given, idTag="04a2b3c4d5e6f7", **end)
    (found,) = station.rows
    assert found["transaction_id"] == str(given)
    assert (found["energy_wh"], found["meter_last_wh"], found["status"]) == (800, 400, "Accepted")
    assert found["anomalies"] == "clock_backwards"  # 123 ms


def test_a_16_stop_without_meter_through_the_gateway():
    """Its samples tell where the meter stood, at both ends; a meter of its own counts before."""

    def sample(value, context, minute):
        told = {"value": value, "unit": "kWh", "context": context}
        return {"timestamp": f"2026-11-21T12:{minute:02}:00Z", "sampledValue": [told]}

    data = [
        sample("0.1", "Transaction.Begin", 0),
        sample("7", "Transaction.End", 9),
        sample("6.5", "Sample.Periodic", 5),
    ]
    found = []
    for number, (start_wh, stop_wh) in enumerate([(100, 900), (100, ""), ("?", None), ("", 900)]):
        station = Station()
        given = station.call("StartTransaction", **BEGUN | {"meterStart": start_wh})[
            "transactionId"
        ]
        station.call("MeterValues", **_values(given, "0.4"))
        end = {"timestamp": "2026-11-21T12:10:00Z", "meterStop": stop_wh, "transactionData": data}
        station.call("StopTransaction", transactionId=given, **end)
        (one,) = station.rows
        found.append((one["meter_begin_wh"], one["meter_end_wh"], one["energy_wh"]))
        assert "meter_end_missing" not in one["anomalies"], number
    assert found == [(100, 900, 800), (100, 7000, 6900), (100, 7000, 6900), (100, 900, 800)]


def test_a_station_that_sends_all_again_through_the_gateway():
    """New message ids, a new connection: one row, counted."""
    station = Station()
    given = station.call("StartTransaction", **BEGUN)["transactionId"]
    assert station.call("StartTransaction", **BEGUN)["transactionId"] == given
    stop = {"transactionId": given, "timestamp": "2026-11-21T12:00:01Z", "meterStop": 900}
    station.call("StopTransaction", **stop)
    station.connect()
    station.call("StopTransaction", **stop)
    (found,) = station.rows
    assert (found["start_repeats"], found["stop_repeats"], found["energy_wh"]) == (1, 1, 800)
    assert (found["first_epoch"], found["last_epoch"], found["anomalies"]) == (15, 20, "")


def test_stops_of_no_transaction_through_the_gateway():
    """Each is a row, with the id as it was sent, and it names what is wrong with it."""
    station = Station()
    end = {"timestamp": "2026-11-21T12:00:00Z", "meterStop": 900}
    for sent in (0, -1, 2**63 - 1, None, 2**70, 4711, "text"):
        station.call("StopTransaction", transactionId=sent, **end)
    found = {one["transaction_id"]: one["anomalies"].split()[1:] for one in station.rows}
    assert found == {
        "0": ["id_zero"],
        "-1": ["id_minus_one"],
        "9223372036854775807": ["id_max"],
        "?": ["id_missing"],
        str(2**70): [],
        "4711": [],
        "text": [],
    }
    assert all(one["anomalies"].startswith("stop_without_start") for one in station.rows)


def test_a_station_whose_clock_was_never_set_through_the_gateway():
    """Three transactions that begin alike are three rows, and each has its energy."""
    station = Station()
    begin = BEGUN | {"timestamp": "1970-01-01T00:00:10Z", "meterStart": 0}
    for meter in (100, 200, 300):
        given = station.call("StartTransaction", **begin)["transactionId"]
        station.call(
            "StopTransaction",
            transactionId=given,
            timestamp="1970-01-01T00:01:10Z",
            meterStop=meter,
        )
    found = station.rows
    assert [one["energy_wh"] for one in found] == [100, 200, 300]
    assert [one["duration_ms"] for one in found] == [60_000] * 3
    assert [one["anomalies"] for one in found] == ["clock_1970"] + ["another_start clock_1970"] * 2


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_transaction_of_2x_through_the_gateway(version):
    """Delivered after an outage, late, with a gap and a repetition."""
    station = Station(version)
    own = "7f1c2a6e-5a63-4b0c-9a06-5c8a6b1f0e11"

    def tell(kind, number, minute, info=None, **more):
        station.call(
            "TransactionEvent",
            eventType=kind,
            timestamp=f"2026-11-21T11:{minute:02}:00Z",
            triggerReason="Trigger",
            seqNo=number,
            transactionInfo={"transactionId": own} | (info or {}),
            **more,
        )

    def meter(value, context):
        sample = {"value": value, "context": context, "unitOfMeasure": {"unit": "kWh"}}
        return [{"timestamp": "2026-11-21T11:00:00Z", "sampledValue": [sample]}]

    token = {"idToken": "04A2B3C4D5E6F7", "type": "ISO14443"}
    evse = {"id": 2, "connectorId": 1}
    begin = meter(1.5, "Transaction.Begin")
    tell("Started", 0, 0, {"remoteStartId": 8}, evse=evse, meterValue=begin, offline=True)
    tell("Updated", 1, 5, {"chargingState": "Charging"}, idToken=token)
    station.connect()
    tell("Updated", 1, 5, {"chargingState": "Charging"}, idToken=token)
    end = {"stoppedReason": "EVDisconnected", "chargingState": "Idle"}
    tell("Ended", 3, 40, end, meterValue=meter(9.25, "Transaction.End"))
    (found,) = station.rows
    assert (found["transaction_id"], found["own"], found["evse"]) == (own, True, 2)
    assert (found["energy_wh"], found["duration_ms"]) == (Decimal(7750), 2_400_000)
    assert (found["token"], found["status"], found["remote_start"]) == (
        *("04A2B3C4D5E6F7", "Accepted", 8),
    )
    assert (found["reason"], found["charging_state"]) == ("EVDisconnected", "Idle")
    assert found["anomalies"].split() == ["delivered_late", "seq_gap", "seq_repeated"]
    assert found["offline"]


def test_the_first_migrations_make_the_tables_as_they_are():
    """In a database that had nothing."""
    with create_engine("sqlite://").begin() as connection:
        upgrade(connection, CONSUMER.name)
        context = MigrationContext.configure(
            connection,
            opts={
                "include_object": lambda _, name, kind, *__: (
                    kind != "table" or not name.startswith("chargewire_")
                )
            },
        )
        assert compare_metadata(context, METADATA) == []


TOLD = [
    *(started(1, meter_wh="0.1"), updated(2, meter_wh="7.25"), metered(3), ended(4)),
    *(stop(5, transaction="0"), stop(6, transaction=None, told_ms=None, told_text="now")),
]


async def test_rows_come_back_from_a_file_as_they_were(tmp_path):
    """Nulls, booleans, exact numbers: folding goes on with rows that were loaded."""
    await come_back(f"sqlite:///{tmp_path}/store.db", CONSUMER, PROJECTION, TOLD)


@pytest.mark.postgres
async def test_rows_come_back_from_a_server_as_they_were(postgres):
    """The same on PostgreSQL."""
    await come_back(postgres, CONSUMER, PROJECTION, TOLD)


def test_all_values_fit_the_columns():
    """What is computed has every column of its table and no other."""
    for table in PROJECTION.tables:
        for one in groups(start(1), metered(2), answered(3), stop(4))["CS-1", "17"][table.name]:
            assert set(one) == set(table.columns.keys())
            json.dumps(one, default=str)
