"""consumers.transactions.remote_starts: which command began a transaction."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from consumers.log.folding import Folder
from consumers.meaning.facts import RemoteStartAnswered
from consumers.meaning.facts_table import facts_of
from consumers.stores.changes import Changes, differences
from consumers.stores.engines import engine
from consumers.stores.store import Store
from consumers.tables.projections import fold, key_columns
from consumers.transactions.projection import CONSUMER
from consumers.transactions.remote_starts import PROJECTION, REMOTE_STARTS, WINDOW_MS, command
from consumers.transactions.rows import TRANSACTIONS
from schemas.topics import TOPICS
from tests.consumers.hearing import commanded, conversation, exchange, one
from tests.consumers.migrated import differences as migrated
from tests.consumers.telling import NOON, at, groups, start, started, stop, updated
from tests.gateway.conversation import CODEC
from tests.gateway.conversation import NOON as HEARD

START_MS = NOON + WINDOW_MS
CARD = {"token": "04a1B2", "connector": 1, "observed_ms": START_MS}


def asked(sequence, name, observed_ms=START_MS - 1000, **said):
    """A remote start of 1.6 that the station accepted."""
    usual = {"status": "Accepted", "token": "04A1b2", "command": name}
    return RemoteStartAnswered(at(sequence, observed_ms=observed_ms), **usual | said)


def rows(*facts):
    return list(fold(PROJECTION, {}, facts)["CS-1",][REMOTE_STARTS.name])


def test_remote_start_of_1_6_is_remembered():
    """With what was asked for, and the token as tokens are compared."""
    call = {"idTag": "04A1b2", "connectorId": 2}
    topic, record = exchange("1.6", "RemoteStartTransaction", call, {"status": "Rejected"})[1]
    (fact,) = facts_of(topic, record | {"command_id": "c-1"}, 0, call)
    (row,) = rows(fact)
    assert row == dict.fromkeys(REMOTE_STARTS.columns.keys()) | {
        "station": "CS-1", "epoch": 77, "sequence": 2, "command": "c-1", "token": "04a1b2",
        "connector": 2, "status": "Rejected", "observed_ms": HEARD,
    }  # fmt: skip


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_remote_start_of_2_x_is_remembered(version):
    """It has an id, which the transaction gives back; it may have begun already."""
    call = {"remoteStartId": 5, "evseId": 1, "idToken": {"idToken": "A", "type": "Central"}}
    said = {"status": "Accepted", "transactionId": "tx"}
    (row,) = rows(one(commanded(version, "RequestStartTransaction", call, said)))
    assert (row["remote_start"], row["evse"], row["transaction_id"]) == (5, 1, "tx")
    assert (row["token"], row["status"], row["command"]) == ("a", "Accepted", None)


def test_an_error_is_an_answer_without_a_status():
    """The station did not want to, or could not."""
    (row,) = rows(one(commanded("1.6", "RemoteStartTransaction", {"idTag": "A"})))
    assert (row["token"], row["status"]) == ("a", None)


GUESSED = [
    ("the last one counts", [asked(1, "a"), asked(2, "b")], CARD, "b"),
    ("whatever the case of the token", [asked(1, "a", token="04A1B2")], CARD, "a"),
    ("another token", [asked(1, "a", token="04A1B3")], CARD, None),
    ("refused", [asked(1, "a"), asked(2, "b", status="Rejected")], CARD, "a"),
    ("an error", [asked(1, "a", status=None)], CARD, None),
    ("that connector", [asked(1, "a", connector=1), asked(2, "b", connector=2)], CARD, "a"),
    ("five minutes", [asked(1, "a", NOON)], CARD, "a"),
    ("longer ago", [asked(1, "a", NOON - 1)], CARD, None),
    ("afterwards", [asked(1, "a", START_MS + 1)], CARD, None),
    ("without a command", [asked(1, None)], CARD, None),
    ("an id, which 1.6 does not have", [asked(1, "a", remote_start=1)], CARD, None),
]
OF_2X = {"observed_ms": START_MS, "remote_start": 5}
NAMED = [
    ("that id", [asked(1, "a", remote_start=5), asked(2, "b", remote_start=6)], OF_2X, "a"),
    ("the last one", [asked(1, "a", remote_start=5), asked(2, "b", remote_start=5)], OF_2X, "b"),
    ("whatever else", [asked(1, "a", remote_start=5, token="X", status=None)], OF_2X, "a"),
    ("long ago", [asked(1, "a", 0, remote_start=5)], OF_2X, "a"),
    ("an answer that is late", [asked(1, "a", START_MS + 9, remote_start=5)], OF_2X, "a"),
    (
        "an id that is used again",
        [asked(1, "a", remote_start=5), asked(2, "b", START_MS + WINDOW_MS + 1, remote_start=5)],
        OF_2X,
        "a",
    ),
    ("no such id", [asked(1, "a", remote_start=6), asked(2, "b")], OF_2X, None),
]


async def matched(url, cases):
    """What the column says, case by case; each is a station of its own."""
    wanted, every = {}, {}
    for number, (name, facts) in enumerate(cases):
        station = f"CS-{number}"
        for table, found in (
            (REMOTE_STARTS, rows(*(f for f in facts if isinstance(f, RemoteStartAnswered)))),
            (TRANSACTIONS, _transactions(facts)),
        ):
            made = tuple(row | {"station": station} for row in found)
            every.setdefault((station,), {})[table.name] = made
        wanted[station] = name
    store = await Store.open(url, CONSUMER)
    try:
        generation = (await store.own([0]))[0].generation
        changes = differences((REMOTE_STARTS, TRANSACTIONS), {}, every)
        await store.commit(0, generation, Changes(rows=changes))
    finally:
        await store.close()
    made = engine(url, "test")
    try:
        async with made.connect() as connection:
            result = await connection.execute(select(TRANSACTIONS.c.station, command()))
            return {wanted[row.station]: row.command for row in result}
    finally:
        await made.dispose()


def _transactions(facts):
    told = [fact for fact in facts if not isinstance(fact, RemoteStartAnswered)]
    return [row for rows in groups(*told).values() for row in rows[TRANSACTIONS.name]]


async def _guess_and_name(url):
    cases = [(why, [*facts, start(8, **said)]) for why, facts, said, _ in GUESSED]
    cases += [(why, [*facts, started(8, **said)]) for why, facts, said, _ in NAMED]
    # The start with the id may have been seen before the answer, or it is told later.
    cases.append(
        (
            "told by an update",
            [asked(3, "a", remote_start=5), started(8), updated(9, remote_start=5)],
        )
    )
    cases.append(("no start", [asked(1, "a"), stop(8, token="04a1b2")]))
    expected = {why: name for why, _, _, name in (*GUESSED, *NAMED)}
    assert await matched(url, cases) == expected | {"told by an update": "a", "no start": None}


async def test_which_command_began_each_in_a_file(tmp_path):
    """By the id that 2.x gives back, or by token, connector and time."""
    await _guess_and_name(f"sqlite:///{tmp_path}/store.db")


@pytest.mark.postgres
async def test_which_command_began_each_on_a_server(postgres):
    """The same on PostgreSQL."""
    await _guess_and_name(postgres)


ANSWERS = st.builds(
    lambda sequence, said: RemoteStartAnswered(at(sequence), **said),
    st.integers(1, 9),
    st.fixed_dictionaries({}, optional={"command": st.just("c"), "token": st.text(max_size=3)}),
)


@given(
    st.lists(ANSWERS, min_size=1, max_size=9, unique_by=lambda fact: fact.at), st.data(),
    st.integers(1, 4),
)  # fmt: skip
def test_order_batches_and_repetition_do_not_matter(facts, data, size):
    """Each answer is a row of its own, which is written once."""
    told = data.draw(st.permutations(facts + facts[:3]))
    kept = {}
    for first in range(0, len(told), size):
        for row in rows(*told[first : first + size]):
            kept.setdefault((row["epoch"], row["sequence"]), row)
    assert sorted(kept) == sorted((fact.at.epoch, fact.at.sequence) for fact in facts)
    assert list(kept.values()) == [
        row for key in kept for row in rows(*facts) if _place(row) == key
    ]


def _place(row):
    return row["epoch"], row["sequence"]


def test_answers_are_only_ever_added():
    """Nothing is loaded for them; their topic is there."""
    assert PROJECTION.append_only
    assert PROJECTION.joins
    assert set(PROJECTION.topics) <= TOPICS.keys()
    assert key_columns(REMOTE_STARTS) == ("station", "epoch", "sequence")
    assert rows(asked(1, "a"))[0].keys() == set(REMOTE_STARTS.columns.keys())
    assert groups(asked(1, "a")) == {}, "and transactions have no use of them"


def test_the_migrations_make_the_tables_as_they_are():
    """In a database that had nothing."""
    assert migrated(CONSUMER) == []


@dataclass(frozen=True)
class Record:
    """An event as it is read from the log."""

    offset: int
    value: bytes
    key: bytes = b"CS-1"
    timestamp: int = HEARD


def recorded(events, command_id):
    """Topic and record of events of one command."""
    for offset, (topic, event) in enumerate(events):
        yield topic, Record(offset, CODEC.encode(topic, event | {"command_id": command_id}))


@pytest.mark.parametrize("first", ["transactions", "remote-control"])
@pytest.mark.parametrize("size", [1, 9])
async def test_through_the_log_in_any_order(tmp_path, first, size):
    """CALL and answer may come in two batches, and the start before either of them."""
    call = {"idTag": "04A1B2", "connectorId": 1}
    asked_ = exchange("1.6", "RemoteStartTransaction", call, {"status": "Accepted"})
    talk = conversation("1.6", ("StartTransaction", {
        "connectorId": 1, "idTag": "04a1b2", "meterStart": 0, "timestamp": "2026-11-21T12:00:00Z",
    }))  # fmt: skip
    log = [*recorded(asked_, "c-1"), *recorded(talk.events[1:], None)]
    log.sort(key=lambda entry: entry[0] != first)
    url = f"sqlite:///{tmp_path}/store.db"
    store = await Store.open(url, CONSUMER)
    try:
        generation = (await store.own([0]))[0].generation
        folder = Folder(store, CONSUMER, decode=CODEC.decode, home=lambda _: 0)
        for begin in range(0, len(log), size):
            batch = {}
            for topic, record in log[begin : begin + size]:
                batch.setdefault(topic, []).append(record)
            assert not (await folder.fold({0: generation}, {0: batch})).poison
        async with store.transaction() as connection:
            (found,) = await connection.execute(select(command()).select_from(TRANSACTIONS))
    finally:
        await store.close()
    assert found.command == "c-1"
