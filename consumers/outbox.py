"""Changed rows that wait in a store to be on their topics, and what is there already.

A commit notes only which rows changed, each once and with the newest revision: the row itself is
read when it is sent. Whatever is known of a topic is noted after its acknowledgement, so after a
failure a row is sent again. All of it is of one partition number, and conditional on owning it.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, delete, exists, insert, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from consumers import statements
from consumers.bookkeeping import GENERATIONS, OUTBOX, PUBLISHED
from consumers.projection import Row
from consumers.stores import Store
from consumers.table_schemas import key_from, key_of, key_text

AT_ONCE = 1000
_PLACE = ("consumer", "partition", "table_name", "key")
_SAME = and_(*(OUTBOX.c[name] == PUBLISHED.c[name] for name in _PLACE))
# Unless it has changed again since it was read.
_DONE = delete(OUTBOX).where(
    *(OUTBOX.c[name] == bindparam(f"k_{name}") for name in _PLACE),
    OUTBOX.c.revision == bindparam("k_revision"),
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A row that changed, as it is now; None: it is gone. `key` is JSON text."""

    table: str
    key: str
    revision: int
    row: Row | None


async def due(store: Store, numbers: Collection[int]) -> dict[int, bool]:
    """Of these numbers those that have something to publish; False: first `settle`. Raises Away."""
    waits = exists().where(
        OUTBOX.c.consumer == GENERATIONS.c.consumer, OUTBOX.c.partition == GENERATIONS.c.partition
    )
    wanted = select(GENERATIONS.c.partition, GENERATIONS.c.settled).where(
        GENERATIONS.c.consumer == store.name,
        GENERATIONS.c.partition.in_(numbers),
        waits | GENERATIONS.c.settled.is_(False),
    )
    async with store.transaction() as connection:
        return {row.partition: row.settled for row in await connection.execute(wanted)}


async def unpublished(
    store: Store, number: int, generation: int, limit: int = AT_ONCE
) -> list[Outgoing]:
    """Rows that changed, the longest waiting first. Raises Away, Fenced."""
    wanted = select(OUTBOX.c.table_name, OUTBOX.c.key, OUTBOX.c.revision)
    wanted = wanted.where(*_mine(OUTBOX, store, number)).order_by(OUTBOX.c.revision).limit(limit)
    async with store.holding(number, generation) as (connection, _):
        return await _with_rows(connection, store, (await connection.execute(wanted)).all())


async def published(store: Store, number: int, generation: int, sent: Sequence[Outgoing]) -> None:
    """These are on their topics: they wait no longer, unless they have changed again.

    Raises Away, Fenced.
    """
    async with store.holding(number, generation) as (connection, _):
        await _forget(connection, store, number, sent)
        there = [_noted(store, number, one) for one in sent if one.row is not None]
        if there:
            await connection.execute(statements.upsert(store.dialect, PUBLISHED), there)
        gone = [_noted(store, number, one) for one in sent if one.row is None]
        if gone:
            keys = [statements.removal_parameters(PUBLISHED, one) for one in gone]
            await connection.execute(statements.removal(PUBLISHED), keys)


async def settle(store: Store, number: int, generation: int) -> None:
    """After a rebuild: find out which rows differ from what is on their topics.

    While rows are made anew, they only collect here. Then those wait no longer which are as they
    are on the topic, and what is on a topic but has no row any more is to be taken away. Nothing
    may be sent before all of that is done: or one would not know what is on the topic. Raises Away,
    Fenced.
    """
    async with store.holding(number, generation) as (connection, revision):
        columns = (*(PUBLISHED.c[name] for name in _PLACE), literal(revision))
        rest = select(*columns).where(*_mine(PUBLISHED, store, number), ~_waiting())
        await connection.execute(insert(OUTBOX).from_select([*_PLACE, "revision"], rest))
    after = ("", "")
    while True:
        async with store.holding(number, generation) as (connection, _):
            found = (await connection.execute(_compared(store, number, after))).all()
            if not found:
                mine = _mine(GENERATIONS, store, number)
                await connection.execute(update(GENERATIONS).where(*mine).values(settled=True))
                return
            after = (found[-1].table_name, found[-1].key)
            rows = await _with_rows(connection, store, [one[:3] for one in found])
            same = [
                row
                for row, (*_, there, was) in zip(rows, found, strict=True)
                if (not there if row.row is None else was == digest(row.row))
            ]
            await _forget(connection, store, number, same)


def _waiting() -> Any:
    return exists(select(literal(1)).select_from(OUTBOX).where(_SAME))


def _compared(store: Store, number: int, after: tuple[str, str]) -> Any:
    """What waits, in the order of its key, and what is known of it on the topic."""
    place = (OUTBOX.c.table_name, OUTBOX.c.key)
    known = (PUBLISHED.c.key.is_not(None).label("there"), PUBLISHED.c.digest)
    return (
        select(*place, OUTBOX.c.revision, *known)
        .select_from(OUTBOX.outerjoin(PUBLISHED, _SAME))
        .where(*_mine(OUTBOX, store, number), tuple_(*place) > tuple_(*after))
        .order_by(*place)
        .limit(AT_ONCE)
    )


def digest(row: Row) -> str:
    """What a row is known by again; a column that was added later and is null makes no other."""
    told = {name: value for name, value in row.items() if value is not None}
    text = msgspec.json.encode(told, order="deterministic")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _mine(table: Any, store: Store, number: int) -> tuple[Any, Any]:
    return table.c.consumer == store.name, table.c.partition == number


async def _with_rows(
    connection: AsyncConnection, store: Store, waiting: Sequence[Any]
) -> list[Outgoing]:
    """Each (table, key, revision), with the row as it is now."""
    rows: dict[tuple[str, str], Row] = {}
    for table in store.tables:
        keys = [key_from(key) for name, key, _ in waiting if name == table.name]
        if keys:
            statement = statements.groups(store.dialect, table, len(keys[0]))
            parameters = statements.groups_parameters(store.dialect, keys)
            for found in (await connection.execute(statement, parameters)).mappings():
                row = dict(found)
                rows[table.name, key_text(key_of(table, row))] = row
    return [Outgoing(name, key, revision, rows.get((name, key))) for name, key, revision in waiting]


async def _forget(
    connection: AsyncConnection, store: Store, number: int, done: Iterable[Outgoing]
) -> None:
    parameters = [
        {
            "k_consumer": store.name,
            "k_partition": number,
            "k_table_name": one.table,
            "k_key": one.key,
            "k_revision": one.revision,
        }
        for one in done
    ]
    if parameters:
        await connection.execute(_DONE, parameters)


def _noted(store: Store, number: int, one: Outgoing) -> dict[str, Any]:
    return {
        "consumer": store.name,
        "partition": number,
        "table_name": one.table,
        "key": one.key,
        "digest": None if one.row is None else digest(one.row),
    }
