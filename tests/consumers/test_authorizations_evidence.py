"""authorizations.evidence: the tables are asked what a decision needs, in either database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from consumers.authorizations import evidence
from consumers.authorizations.deciding import Rules, decide
from consumers.authorizations.projection import CONSUMER
from consumers.stores.changes import Changes, differences
from consumers.stores.store import Store
from consumers.tables.projections import fold
from tests.consumers.asking import (
    NOON,
    answered,
    asked,
    authorize,
    issued,
    removed,
    started,
    stopped,
    updated,
)


@asynccontextmanager
async def stored(url, *facts) -> AsyncIterator[Store]:
    """A store that has the rows of these facts."""
    store = await Store.open(url, CONSUMER)
    try:
        await put(store, *facts)
        yield store
    finally:
        await store.close()


async def put(store, *facts):
    """Write the rows of these facts, of which there were none before."""
    owned = (await store.own([0]))[0]
    rows = {}
    for projection in CONSUMER.projections:
        rows |= differences(projection.tables, {}, fold(projection, {}, facts))
    await store.commit(0, owned.generation, Changes(rows=rows))


async def _one(store, question, since_ms=0):
    ((same, found),) = await evidence.known(store, [question], since_ms)
    assert same is question
    return found


async def _tokens_are_found(url):
    facts = [issued("Abc", 1, group="Fleet"), issued("FLEET", 2, status="Blocked"), issued("Z", 3)]
    async with stored(url, *facts, removed("z", 4)) as store:
        found = await _one(store, authorize(1, "aBC"))
        assert (found.token["spelling"], found.group["status"]) == ("Abc", "Blocked")
        assert (found.use, found.others) == (None, [])
        found = await _one(store, authorize(1, "fleet"))
        assert (found.token["spelling"], found.group) == ("FLEET", None)
        assert (await _one(store, authorize(1, "z"))).token["status"] is None
        for nobody in ("nobody", "", None, "ä'; --"):
            assert (await _one(store, authorize(1, nobody))).token is None
        assert await evidence.known(store, [], 0) == []


async def _uses_are_found(url):
    """The own one, and those that are open: not ended, not refused, not too old, not over."""
    over = [started(20, "A", "later", station="OVER", connector=2)]
    facts = [
        started(1, "A", "own"),
        started(2, "A", "open", station="OPEN"),
        started(2, "A", "done", station="DONE"),
        stopped(3, "done", station="DONE"),
        started(2, "A", "refused", station="REFUSED"),
        answered(3, "ConcurrentTx", "refused", station="REFUSED"),
        started(2, "A", "accepted", station="ACCEPTED"),
        answered(3, "Accepted", "accepted", station="ACCEPTED"),
        started(2, "A", "lost", station="LOST"),
        started(9, None, "next", station="LOST"),
        started(2, "A", "beside", station="BESIDE"),
        started(9, "B", "next", station="BESIDE", connector=2),
        started(2, "A", "old", station="OLD", observed_ms=NOON - 1),
        started(1, "A", "again", station="AGAIN"),
        stopped(2, "again", station="AGAIN"),
        started(3, "A", "again", station="AGAIN"),
        updated(2, "A", "half", station="HALF"),
        updated(2, "A", "halfdone", station="HALFDONE"),
        stopped(4, "halfdone", station="HALFDONE"),
        *over,
    ]
    async with stored(url, *facts) as store:
        found = await _one(store, asked(started(1, "a", "own")), since_ms=NOON)
        assert found.use["transaction_id"] == "own"
        assert {row["station"] for row in found.others} == {
            *("CS-1", "OPEN", "ACCEPTED", "BESIDE", "AGAIN", "HALF", "OVER"),
        }
        assert (await _one(store, authorize(1, "A"))).others == [], "it begins nothing"
        found = await evidence.known(store, [asked(started(5, "A", "x")), authorize(1, "B")], 0)
        assert [len(one.others) for _, one in found] == [8, 0], "each has its own"


async def _of_two_starts_one_wins(url):
    """Two instances, each with the start of a station of its own, and one database."""
    first, second = started(1), started(1, station="CS-2")
    async with stored(url, issued("A"), first, second) as store:
        verdicts = []
        for start in (second, first):
            found = await _one(store, asked(start))
            verdicts.append(decide(asked(start), found, Rules()).status)
        assert verdicts == ["ConcurrentTx", "Accepted"]


_STORIES = pytest.mark.parametrize(
    "story", [_tokens_are_found, _uses_are_found, _of_two_starts_one_wins]
)


@_STORIES
async def test_in_a_file(story, tmp_path):
    """SQLite."""
    await story(f"sqlite:///{tmp_path}/store.db")


@_STORIES
@pytest.mark.postgres
async def test_in_a_server(story, postgres):
    """PostgreSQL."""
    await story(postgres)


async def test_a_place_may_have_a_long_history(tmp_path):
    """Whether a later transaction began there, one index tells without looking at all of them."""
    statement = evidence._open("sqlite").params(keys='[["a"]]', since_ms=0)
    async with stored(f"sqlite:///{tmp_path}/store.db") as store, store.transaction() as connection:
        made = statement.compile(dialect=connection.dialect)
        values = tuple(made.params[name] for name in made.positiontup)
        found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {made}", values)
        (later,) = (row.detail for row in found if "later" in row.detail)
    assert "(station=? AND place=? AND (last_epoch,last_sequence)>(?,?))" in later
