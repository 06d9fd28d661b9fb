"""Rows in a real store, and how they come back."""

from consumers.stores.changes import Changes, differences
from consumers.stores.store import Store
from consumers.tables.projections import fold


async def come_back(url, consumer, projection, facts):
    """Rows are loaded as they were written, and facts that came already change nothing."""
    store = await Store.open(url, consumer)
    try:
        after = fold(projection, {}, facts)
        await write(store, projection, after)
        loaded = await store.load(projection, after.keys())
        kept = {table.name for table in projection.tables} - projection.appended
        for key, rows in after.items():
            assert {name: loaded[key][name] for name in kept} == {n: rows[n] for n in kept}
        again = fold(projection, loaded, facts)
        changed = differences(projection.tables, loaded, again)
        assert changed.keys() <= projection.appended
    finally:
        await store.close()


async def write(store, projection, groups):
    """Commit groups that were not there."""
    generation = (await store.own([0]))[0].generation
    await store.commit(0, generation, Changes(rows=differences(projection.tables, {}, groups)))
