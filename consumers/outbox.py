"""Changed rows that wait in a store to be published, oldest first."""

from dataclasses import fields

from sqlalchemy import delete, select

from consumers.bookkeeping import OUTBOX
from consumers.changes import Outgoing
from consumers.stores import Store


async def unpublished(store: Store, partition: int, limit: int = 1000) -> list[Outgoing]:
    """The oldest changed rows of a partition number that are still to be published."""
    columns = (getattr(OUTBOX.c, found.name) for found in fields(Outgoing))
    statement = select(*columns).where(
        OUTBOX.c.consumer == store.name, OUTBOX.c.partition == partition
    )
    async with store.transaction() as connection:
        found = await connection.execute(statement.order_by(OUTBOX.c.revision).limit(limit))
        return [Outgoing(*row) for row in found]


async def published(store: Store, partition: int, revision: int) -> None:
    """Rows of a partition number up to this revision are on their topic: forget them."""
    mine = (OUTBOX.c.consumer == store.name, OUTBOX.c.partition == partition)
    async with store.transaction() as connection:
        await connection.execute(delete(OUTBOX).where(*mine, OUTBOX.c.revision <= revision))
