"""Reservations come out the same, however their facts are read."""

import json
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from consumers.meaning.facts import RemoteStartAnswered, Seen, TransactionStarted
from consumers.reservations.projection import CONSUMER, PROJECTION, group
from consumers.reservations.rows import NOW
from consumers.stores.store import Store
from consumers.tables.projections import fold
from tests.consumers.hearing import conversation, exchange, facts
from tests.consumers.migrated import differences
from tests.consumers.readings import in_batches, reading
from tests.consumers.reserving import (
    HOUR,
    answered,
    asked,
    begun,
    cancelled,
    groups,
    judged,
    tables,
    updated,
    went_on,
)
from tests.consumers.stored import come_back, write
from tests.consumers.telling import NOON, at

_IDS = st.sampled_from([5, 5, 5, 6])
_STATUSES = st.sampled_from(["Accepted", "Accepted", "Occupied", None])
_TRANSACTIONS = {"transaction": st.sampled_from(["17", "18", None]), "reservation": _IDS}


def _kinds(sequence, epoch):
    def of(make, **told):
        return st.builds(lambda **said: make(sequence, epoch=epoch, **said), **told)

    kinds = {
        "reservation": [
            of(asked, reservation=_IDS),
            of(answered, reservation=_IDS, status=_STATUSES),
            of(cancelled, reservation=_IDS, status=_STATUSES),
            of(updated, reservation=_IDS, status=st.sampled_from(["Expired", "Removed"])),
        ],
        "transactions": [
            of(begun, **_TRANSACTIONS),
            of(went_on, **_TRANSACTIONS),
            of(judged, **_TRANSACTIONS, status=_STATUSES),
        ],
    }
    return st.sampled_from([*kinds]).flatmap(
        lambda topic: st.tuples(st.just(topic), st.one_of(kinds[topic]))
    )


@st.composite
def stories(draw):
    """Facts of two connections as they stand in the log, and as they may be read.

    What an older connection says may land in a topic behind what a newer one says.
    """
    told = [
        draw(_kinds(sequence, epoch)) for epoch in (1, 2) for sequence in range(1, draw(_LENGTHS))
    ]
    streams = [
        [fact for name, fact in told if (name, fact.at.epoch) == (topic, epoch)]
        for topic in PROJECTION.topics
        for epoch in (1, 2)
    ]
    return [fact for _, fact in told], draw(reading(*streams))


_LENGTHS = st.integers(1, 9)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(stories(), st.data())
def test_rows_depend_on_what_was_told_alone(story, data):
    """Not on which topic is read first, on batches, or on repetition."""
    told, read = story
    assert in_batches(data, PROJECTION, read) == groups(*told)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(stories())
def test_each_reservation_has_one_state_and_each_call_one_row(story):
    """No ReserveNow without a row, no transaction that used two, ordinals without gaps."""
    told, _ = story
    for (_, reservation), found in groups(*told).items():
        rows = found["reservations"]
        calls = [one for one in rows if one["asked_ms"] is not None]
        wanted = [one for one in found["reservation_facts"] if one["kind"] == "asked"]
        assert len(calls) == len(wanted)
        assert [one["ordinal"] for one in rows] == list(range(1, len(rows) + 1))
        assert all((one["state"] == "used") == (one["used_ms"] is not None) for one in rows)
        used = [one["transaction_id"] for one in rows if one["transaction_id"]]
        assert len(used) == len({*used})
        standing = [one for one in rows if one["state"] == "accepted"]
        assert len(standing) <= 1, reservation


def test_nothing_new_is_the_very_same_rows():
    """So a repetition writes nothing."""
    told = [asked(1), answered(2), begun(3), judged(4), updated(5), cancelled(6)]
    rows = tables(*told)
    for fact in told:
        assert PROJECTION.evolve(rows, fact) is rows


def test_an_id_that_is_used_again_and_again_is_worked_out_once():
    """For all that is read together, however many reservations that are."""
    worked_out = []

    def derive(rows):
        worked_out.append(len(rows["reservation_facts"]))
        return PROJECTION.derive(rows)

    told = [make(n + (make is answered)) for n in range(1, 400, 2) for make in (asked, answered)]
    (rows,) = fold(replace(PROJECTION, derive=derive), {}, told).values()
    assert [one["ordinal"] for one in rows["reservations"]] == [*range(1, 201)]
    assert worked_out == [400]


@pytest.mark.parametrize("fact", [asked(1), answered(1), cancelled(1), updated(1), begun(1)])
def test_facts_of_an_id_are_folded_together(fact):
    """For each station; ids of two stations have nothing to do with each other."""
    assert group(fact) == ("CS-1", 5)
    assert group(replace(fact, at=replace(fact.at, station="CS-2"))) == ("CS-2", 5)


@pytest.mark.parametrize(
    "fact",
    [
        Seen(at(1)),
        TransactionStarted(at(1)),
        judged(1, reservation=None),
        RemoteStartAnswered(at(1)),
    ],
)
def test_facts_that_say_nothing_of_reservations(fact):
    """Most transactions name none."""
    assert group(fact) is None


def test_another_reservation_of_the_connector_ends_none():
    """Whether a station takes a second one is its business: it would have refused."""
    told = [asked(1), answered(2), asked(3, reservation=6), answered(4, reservation=6)]
    states = [rows["reservations"][0]["state"] for rows in groups(*told).values()]
    assert states == ["accepted", "accepted"]


RESERVE = {
    "1.6": {
        "connectorId": 1,
        "expiryDate": "2026-11-21T13:00:00Z",
        "idTag": "A",
        "reservationId": 5,
    },
    "2.1": {
        "id": 5,
        "expiryDateTime": "2026-11-21T13:00:00Z",
        "idToken": {"idToken": "A", "type": "Central"},
        "evseId": 1,
    },
}
BEGIN = {
    "1.6": (
        "StartTransaction",
        {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-11-21T12:00:00Z"},
        {"idTagInfo": {"status": "Invalid"}, "transactionId": 1},
    ),
    "2.1": (
        "TransactionEvent",
        {
            "eventType": "Started",
            "timestamp": "2026-11-21T12:00:00Z",
            "triggerReason": "Authorized",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "tx"},
            "idToken": {"idToken": "A", "type": "Central"},
        },
        {"idTokenInfo": {"status": "Invalid"}},
    ),
}


@pytest.mark.parametrize("version", ["1.6", "2.1"])
@pytest.mark.parametrize(("refused", "state"), [(False, "used"), (True, "accepted")])
def test_frames_of_a_station(version, refused, state):
    """From the ReserveNow to the start that names it, as the gateway writes them."""
    made = exchange(version, "ReserveNow", RESERVE[version], {"status": "Accepted"})
    action, call, refusal = BEGIN[version]
    talk = conversation(version, decided=frozenset({action}))
    talk.call("9", action, call | {"reservationId": 5})
    if refused:
        talk.decide(talk.events[-1][1]["event_id"], response=json.dumps(refusal))
    else:
        talk.later(6)  # nobody decides: a start is accepted then
    later = [(topic, {**record, "epoch": 80}) for topic, record in talk.events[1:]]
    (found,) = groups(*facts(made), *facts(later)).values()
    (row,) = found["reservations"]
    assert (row["state"], row["token"], row["expires_ms"]) == (state, "A", NOON + HOUR)
    assert (row["transaction_id"] is None) == refused
    assert (row["refused_transaction_id"] is None) != refused


def test_the_migrations_make_the_tables_as_they_are():
    """In a database that had nothing."""
    assert differences(CONSUMER) == []


TOLD = [
    *(asked(1, group="G", command="c"), answered(2), begun(3), judged(4, "Invalid"), updated(5)),
    *(begun(6, reservation=7, transaction=None), asked(7, reservation=2**62, expires_ms=None)),
]


async def test_rows_come_back_from_a_file_as_they_were(tmp_path):
    """Nulls and large ids: folding goes on with rows that were loaded."""
    await come_back(f"sqlite:///{tmp_path}/store.db", CONSUMER, PROJECTION, TOLD)


@pytest.mark.postgres
async def test_rows_come_back_from_a_server_as_they_were(postgres):
    """The same on PostgreSQL."""
    await come_back(postgres, CONSUMER, PROJECTION, TOLD)


async def _what_time_has_ended(url):
    now_ms = time.time_ns() // 1_000_000
    told = [
        *(asked(1, expires_ms=now_ms - 2000), answered(2)),
        asked(1, reservation=6, expires_ms=now_ms - 2000),
        *(asked(1, reservation=7, expires_ms=now_ms + HOUR), answered(2, reservation=7)),
        *(asked(1, reservation=8, expires_ms=None), answered(2, reservation=8)),
        *(asked(1, reservation=9, expires_ms=now_ms - 2000), begun(3, reservation=9)),
    ]
    store = await Store.open(url, CONSUMER)
    try:
        await write(store, PROJECTION, groups(*told))
        async with store.transaction() as connection:
            rows = await connection.execute(text(f"SELECT * FROM {NOW} ORDER BY reservation_id"))
            found = [row._mapping for row in rows]
        assert [one["state"] for one in found] == [
            *("expired", "expired", "accepted", "accepted", "used"),
        ]
        (row,) = groups(*told)["CS-1", 7]["reservations"]
        assert dict(found[2]) == row, "the columns of the table"
    finally:
        await store.close()


async def test_time_ends_a_reservation_without_a_write_to_a_file(tmp_path):
    """The view knows the time; the row stays as it was told."""
    await _what_time_has_ended(f"sqlite:///{tmp_path}/store.db")


@pytest.mark.postgres
async def test_time_ends_a_reservation_without_a_write_to_a_server(postgres):
    """The same on PostgreSQL."""
    await _what_time_has_ended(postgres)


def test_all_values_fit_the_columns():
    """What is computed has every column of its table and no other."""
    for table in PROJECTION.tables:
        for one in tables(*TOLD[:5])[table.name]:
            assert set(one) == set(table.columns.keys())
