"""Old rows of a table in a store: which they are, that they go, and how far that has come."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Table, func, select

from consumers.stores import statements
from consumers.stores.bookkeeping import REMOVED
from consumers.stores.changes import Changes, Difference
from consumers.stores.store import Store
from consumers.tables.projections import Row


async def old(store: Store, table: Table, from_ms: int, before_ms: int, limit: int) -> list[Row]:
    """Keys and ages of rows from one time to before another, the oldest first. Raises Away."""
    column = table.columns[store.ages[table.name]]
    wanted = (
        select(*statements.keys_of(table), column)
        .where(column >= from_ms, column < before_ms)
        .order_by(column)
        .limit(limit)
    )
    async with store.questions() as connection:
        return [dict(row) for row in (await connection.execute(wanted)).mappings()]


async def remove(
    store: Store, table: Table, generations: Mapping[int, int], rows: Mapping[int, Sequence[Row]]
) -> int:
    """Take rows away, by partition number, as a fold would; returns how many. Raises Away, Fenced.

    What is on a topic is taken away there as well.
    """
    changes = {
        number: Changes(rows={table.name: Difference(put=(), gone=gone)})
        for number, gone in rows.items()
    }
    async with store.working({number: generations[number] for number in rows}) as work:
        return await work.write(changes)


async def reached(store: Store, table: Table, numbers: Collection[int]) -> int | None:
    """Before when no row of these partition numbers is left; None: not known. Raises Away."""
    of = REMOVED.c
    noted = select(func.count(), func.min(of.before_ms)).where(
        of.consumer == store.name, of.table_name == table.name, of.partition.in_(numbers)
    )
    async with store.questions() as connection:
        count, before_ms = (await connection.execute(noted)).one()
    return before_ms if count == len(numbers) else None


async def note(store: Store, table: Table, numbers: Collection[int], before_ms: int) -> None:
    """From now on that is what `reached` tells of them. Raises Away."""
    mine = {"consumer": store.name, "table_name": table.name, "before_ms": before_ms}
    rows = [mine | {"partition": number} for number in sorted(numbers)]
    async with store.transaction() as connection:
        await connection.execute(statements.upsert(store.dialect, REMOVED), rows)
