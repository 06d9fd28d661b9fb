"""What waits to be published, and what is on topics: in SQLite and PostgreSQL alike."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from consumers.stores import outbox
from consumers.stores.changes import Changes, Difference
from consumers.stores.outbox import Outgoing, digest, due, published, settle, unpublished
from consumers.stores.store import Fenced, Store
from consumers.tables.projections import Row
from tests.consumers.tally import CONSUMER, HISTORIES, TALLY, TOTALS

PUBLIC = frozenset({TALLY.name})


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    found: str = request.getfixturevalue("postgres")
    return found


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    found = await Store.open(url, CONSUMER, histories=HISTORIES, published=PUBLIC)
    yield found
    await found.close()


def row(number: int = 0, **values: Any) -> Row:
    there = {"station": "S1", "kind": "Seen", "number": number}
    return there | {"count": 1, "total": None, "said": None} | values


def key(number: int = 0) -> str:
    return f'["S1","Seen",{number}]'


async def owned(store: Store, number: int = 0) -> int:
    return (await store.own([number]))[number].generation


async def commit(
    store: Store, generation: int, *put: Row, gone: Sequence[Row] = (), number: int = 0
) -> None:
    changes = Changes({TALLY.name: Difference(put, gone)})
    await store.commit(number, generation, changes)


async def waiting(store: Store, generation: int, number: int = 0) -> list[tuple[str, Row | None]]:
    return [(one.key, one.row) for one in await unpublished(store, number, generation)]


async def settled(store: Store, generation: int, number: int = 0) -> int:
    """Settle to the end; returns in how many parts."""
    parts, after = 0, outbox.FIRST
    while (found := await settle(store, number, generation, after)) is not None:
        parts, after = parts + 1, found
    return parts


async def on_topic(store: Store, generation: int, number: int = 0) -> list[Outgoing]:
    """Publish whatever waits."""
    found = await unpublished(store, number, generation)
    await published(store, number, generation, found)
    return found


async def test_each_changed_row_waits_once_as_it_is_now(store: Store) -> None:
    """However often it has changed, with its newest revision; what is gone, without a row."""
    generation = await owned(store)
    assert await due(store, [0]) == {}
    await commit(store, generation, row(0), row(1), row(2))
    await commit(store, generation, row(0, total=Decimal("1.50")), gone=[row(1)])
    assert await due(store, [0, 1]) == {0: True}
    second, first, third = await unpublished(store, 0, generation)
    assert (second.key, second.row, second.table) == (key(2), row(2), "tally")
    assert {first.key: first.row, third.key: third.row} == {
        key(0): row(0, total=Decimal("1.50")),
        key(1): None,
    }
    assert second.revision < first.revision == third.revision, "not in the order of commits"


async def test_what_is_on_its_topic_waits_no_longer(store: Store) -> None:
    """Unless it has changed again while it was written; a revision never comes twice."""
    generation = await owned(store)
    await commit(store, generation, row(0), row(1))
    sent = await unpublished(store, 0, generation)
    await commit(store, generation, row(0, count=2))
    await published(store, 0, generation, sent)
    (again,) = await unpublished(store, 0, generation)
    assert again.row == row(0, count=2)
    assert again.revision > max(one.revision for one in sent)
    await published(store, 0, generation, [again])
    assert await due(store, [0]) == {}
    await commit(store, generation, row(1, count=3))
    assert (await unpublished(store, 0, generation))[0].revision > again.revision


async def test_what_was_not_acknowledged_is_sent_again(store: Store) -> None:
    """Of a batch only what is on its topic is forgotten."""
    generation = await owned(store)
    await commit(store, generation, row(0), row(1))
    first, second = await unpublished(store, 0, generation)
    await published(store, 0, generation, [second])
    assert await unpublished(store, 0, generation) == [first]


async def test_a_backlog_comes_in_parts(store: Store) -> None:
    """The longest waiting first."""
    generation = await owned(store)
    for number in range(5):
        await commit(store, generation, row(number))
    parts = []
    while part := await unpublished(store, 0, generation, limit=2):
        parts.append([one.row["number"] for one in part if one.row])
        await published(store, 0, generation, part)
    assert parts == [[0, 1], [2, 3], [4]]


async def test_a_fenced_predecessor_touches_nothing(store: Store) -> None:
    """Neither what waits, nor what is known of topics: the successor sends it again."""
    old = await owned(store)
    await commit(store, old, row(0))
    sent = await unpublished(store, 0, old)
    new = await owned(store)
    with pytest.raises(Fenced):
        await published(store, 0, old, sent)
    with pytest.raises(Fenced):
        await unpublished(store, 0, old)
    with pytest.raises(Fenced):
        await settle(store, 0, old)
    assert await waiting(store, new) == [(key(), row(0))]


async def test_numbers_are_published_apart(store: Store) -> None:
    """Each by whoever owns it."""
    one, other = await owned(store, 0), await owned(store, 1)
    await commit(store, one, row(0))
    await commit(store, other, row(0, station="S2"), number=1)
    assert [text for text, _ in await waiting(store, one)] == [key(0)]
    assert [text for text, _ in await waiting(store, other, 1)] == ['["S2","Seen",0]']


async def test_what_waits_is_counted(store: Store) -> None:
    """Of the numbers that are asked about."""
    for number in (0, 1):
        await commit(store, await owned(store, number), row(number), row(number + 2), number=number)
    assert await outbox.waiting(store, [0]) == 2
    assert await outbox.waiting(store, [0, 1]) == 4
    assert await outbox.waiting(store, []) == 0


async def test_nothing_waits_unasked(store: Store, url: str) -> None:
    """Neither of a table that is not named, nor where nothing is published."""
    generation = await owned(store)
    total = Difference(put=[{"station": "S1", "count": 1}], gone=[])
    await store.commit(0, generation, Changes({TOTALS.name: total}))
    assert await due(store, [0]) == {}
    silent = await Store.open(url, CONSUMER, histories=HISTORIES)
    await commit(silent, await owned(silent), row(0))
    assert await due(silent, [0]) == {}
    await silent.close()


async def test_keys_are_those_of_the_database(store: Store) -> None:
    """A text that the database cannot hold is found again as what it became."""
    generation = await owned(store)
    await commit(store, generation, row(kind='a\0"b'))
    ((text, found),) = await waiting(store, generation)
    assert text == '["S1","a\ufffd\\"b",0]'
    assert found is not None


async def test_a_rebuild_publishes_only_differences(store: Store) -> None:
    """What comes out the same is not sent again; what is gone for good is taken away."""
    generation = await owned(store)
    await commit(store, generation, row(0), row(1), row(2), row(3))
    await on_topic(store, generation)
    await store.clear()
    generation = await owned(store)
    await commit(store, generation, row(0), row(1, count=2), row(2), row(4))
    await commit(store, generation, row(5))
    await commit(store, generation, row(0, count=7), gone=[row(2), row(5)])
    await commit(store, generation, row(0), row(2))
    assert await due(store, [0]) == {0: False}
    await settled(store, generation)
    found = dict(await waiting(store, generation))
    # The last came and went again while rows were made anew: nobody misses it.
    assert found == {key(1): row(1, count=2), key(3): None, key(4): row(4), key(5): None}
    await on_topic(store, generation)
    assert await due(store, [0]) == {}


async def test_a_rebuild_that_changes_nothing_publishes_nothing(store: Store) -> None:
    """Also where there is more than is looked at in one go."""
    generation = await owned(store)
    every = [row(number, total=Decimal("0.10")) for number in range(2 * outbox.AT_ONCE + 3)]
    await commit(store, generation, *every)
    for _ in range(3):
        await on_topic(store, generation)
    await store.clear()
    generation = await owned(store)
    await commit(store, generation, *every)
    assert await settled(store, generation) == 3
    assert await due(store, [0]) == {}


async def test_what_may_be_on_a_topic_is_not_taken_for_known(store: Store) -> None:
    """What was sent and not noted, when a rebuild began, is sent again or taken away."""
    generation = await owned(store)
    await commit(store, generation, row(0), row(1))
    await on_topic(store, generation)
    await commit(store, generation, row(0, count=2), row(2))
    # Here all of it was sent, and the process died.
    await store.clear()
    generation = await owned(store)
    await commit(store, generation, row(0), row(1))
    await settled(store, generation)
    assert dict(await waiting(store, generation)) == {key(0): row(0), key(2): None}


async def test_settling_may_be_broken_off(store: Store) -> None:
    """It is done again, and what changes meanwhile is kept."""
    generation = await owned(store)
    await commit(store, generation, row(0), row(1))
    await on_topic(store, generation)
    await store.clear()
    for _ in range(2):
        generation = await owned(store)
        await commit(store, generation, row(0), row(2))
        await settled(store, generation)
        assert dict(await waiting(store, generation)) == {key(1): None, key(2): row(2)}


async def test_settling_goes_on_where_it_was(store: Store) -> None:
    """Rows that change in between, before that place or after it, are told as they are."""
    generation = await owned(store)
    every = [row(number) for number in range(outbox.AT_ONCE + 2)]
    await commit(store, generation, *every)
    for _ in range(2):
        await on_topic(store, generation)
    await store.clear()
    generation = await owned(store)
    await commit(store, generation, *every[:-1])
    after = await settle(store, 0, generation)
    assert after is not None
    changed = [row(0, count=7), row(9, count=7)]
    await commit(store, generation, *changed)
    assert await due(store, [0]) == {0: False}
    after = await settle(store, 0, generation, after)
    assert after is not None
    assert await settle(store, 0, generation, after) is None
    missing = key(len(every) - 1)
    assert dict(await waiting(store, generation)) == {
        key(0): changed[0],
        key(9): changed[1],
        missing: None,
    }


@pytest.mark.postgres
async def test_one_row_is_found_by_its_key(postgres: str) -> None:
    """Also by a planner that has no statistics: all rows of a commit have one revision."""
    store = await Store.open(postgres, CONSUMER, histories=HISTORIES, published=PUBLIC)
    await commit(store, await owned(store), *(row(number) for number in range(5000)))
    place = "consumer = 'tally' AND partition = 0 AND table_name = 'tally'"
    statement = f"DELETE FROM chargewire_outbox WHERE {place} AND key = '{key()}' AND revision = 1"
    async with store.transaction() as connection:
        plan = "".join(row[0] for row in await connection.execute(text(f"EXPLAIN {statement}")))
    condition = plan[plan.index("Index Cond") :]
    assert f"(key = '{key()}'::text)" in condition.partition("Filter")[0], plan
    await store.close()


async def test_another_consumers_topics_are_its_own(store: Store, url: str) -> None:
    """A rebuild of one leaves what is known of the other's."""
    other = await Store.open(
        url, replace(CONSUMER, name="other", projections=()), histories=HISTORIES / "none"
    )
    await other.own([0])
    generation = await owned(store)
    await commit(store, generation, row(0))
    await other.clear()
    assert await due(store, [0]) == {0: True}
    assert await waiting(store, generation) == [(key(), row(0))]
    await other.close()


def test_a_column_that_is_added_makes_no_other_row() -> None:
    """While it is null; any other value does, and so does a digit."""
    assert digest(row()) == digest(row(mood=None))
    assert digest(row()) != digest(row(mood=""))
    assert digest(row(total=Decimal("1.5"))) != digest(row(total=Decimal("1.50")))
