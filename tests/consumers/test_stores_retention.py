"""Old rows in SQLite and PostgreSQL: which they are, that they go, and how far that has come."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consumers.meter_readings.projection import CONSUMER, METER_READINGS
from consumers.stores import outbox, retention
from consumers.stores.store import Fenced, Store
from tests.consumers.aging import DAY_MS, HERE, NOON_MS, THERE, folded, left, sample


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    found: str = request.getfixturevalue("postgres")
    return found


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    found = await Store.open(
        *(url, CONSUMER), published=CONSUMER.published, now_ms=lambda: NOON_MS, kept_ms=DAY_MS
    )
    yield found
    await found.close()


async def test_what_is_too_old_is_not_written(store: Store) -> None:
    """So a rebuild does not make what would be removed at once."""
    owned = await store.own([0, 1])
    began = NOON_MS - DAY_MS
    facts = [sample(station, at) for station in (HERE[0], THERE[0]) for at in (began - 1, began)]
    await folded(store, owned, facts)
    assert await left(store) == sorted((one, began, 0) for one in (HERE[0], THERE[0]))
    assert [one.key for one in await outbox.unpublished(store, 0, owned[0].generation)] == [
        f'["{HERE[0]}",1,{began},0]'
    ]


async def test_old_rows_are_found_by_age_and_go_from_topics_as_well(store: Store) -> None:
    """The oldest first, so many at once; a predecessor removes nothing."""
    owned = await store.own([0])
    times = [NOON_MS, NOON_MS - 7, NOON_MS - 5, NOON_MS - 9]
    await folded(store, owned, [sample(HERE[0], at) for at in times])
    table = METER_READINGS
    found = await retention.old(store, table, NOON_MS - 7, NOON_MS, 9)
    assert [row["observed_ms"] for row in found] == [NOON_MS - 7, NOON_MS - 5]
    found = await retention.old(store, table, NOON_MS - 9, NOON_MS, 2)
    assert [row["observed_ms"] for row in found] == [NOON_MS - 9, NOON_MS - 7]
    again = await store.own([0])
    with pytest.raises(Fenced):
        await retention.remove(store, table, {0: owned[0].generation}, {0: found})
    assert len(await left(store)) == 4
    mine = again[0].generation
    sent = await outbox.unpublished(store, 0, mine)
    await outbox.published(store, 0, mine, sent)
    assert await retention.remove(store, table, {0: mine, 1: 0}, {0: found}) == 2
    assert [at for _, at, _ in await left(store)] == [NOON_MS - 5, NOON_MS]
    gone = await outbox.unpublished(store, 0, mine)
    assert {one.key for one in gone} == {
        f'["{HERE[0]}",1,{NOON_MS - 9},0]',
        f'["{HERE[0]}",1,{NOON_MS - 7},0]',
    }
    assert [one.row for one in gone] == [None, None]


async def test_how_far_it_has_come_is_kept(store: Store) -> None:
    """Of several numbers the least; of one that nobody has begun with, nothing is known."""
    table = METER_READINGS
    assert await retention.reached(store, table, [0]) is None
    await retention.note(store, table, [0, 1], 500)
    await retention.note(store, table, [1], 400)
    assert await retention.reached(store, table, [0]) == 500
    assert await retention.reached(store, table, [0, 1]) == 400
    assert await retention.reached(store, table, [0, 2]) is None
    await store.clear()
    assert await retention.reached(store, table, [0]) is None
