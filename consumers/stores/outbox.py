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
from sqlalchemy import bindparam, delete, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from consumers.stores import statements
from consumers.stores.bookkeeping import GENERATIONS, OUTBOX, PUBLISHED
from consumers.stores.store import Store
from consumers.tables.projections import Row
from consumers.tables.schemas import key_from, key_of, key_text

AT_ONCE = 1000
Place = tuple[str, str]
"""Table and key of a row."""
FIRST: Place = ("", "")
"""Before all of them."""

_PLACE = ("consumer", "partition", "table_name", "key")
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


async def waiting(store: Store, numbers: Collection[int]) -> int:
    """How many changed rows of these numbers are not on their topics. Raises Away."""
    mine = (OUTBOX.c.consumer == store.name, OUTBOX.c.partition.in_(numbers))
    async with store.transaction() as connection:
        return int((await connection.execute(select(func.count()).where(*mine))).scalar_one())


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


async def settle(store: Store, number: int, generation: int, after: Place = FIRST) -> Place | None:
    """After a rebuild: find out which rows differ from what is on their topics, some at a time.

    While rows are made anew, they only collect here. Then those wait no longer which are as they
    are on the topic, and what is on a topic but has no row any more is to be taken away. Nothing
    may be sent before all of that is done: or one would not know what is on the topic.

    Begins `after` a place, and returns the one after which to go on; None: all is done. However
    often it begins anew, it comes to the same. Raises Away, Fenced.
    """
    async with store.holding(number, generation) as (connection, revision):
        known = (await connection.execute(_on_topics(store, number, after))).all()
        if not known:
            mine = _mine(GENERATIONS, store, number)
            await connection.execute(update(GENERATIONS).where(*mine).values(settled=True))
            return None
        rows = await _with_rows(connection, store, [(*one[:2], revision) for one in known])
        same: list[dict[str, Any]] = []
        other: list[dict[str, Any]] = []
        for row, (*_, was) in zip(rows, known, strict=True):
            place = _place(store, number, row)
            if row.row is not None and was == digest(row.row):
                same.append(statements.removal_parameters(OUTBOX, place))
            else:
                other.append(place | {"revision": revision})
        if same:
            await connection.execute(statements.removal(OUTBOX), same)
        if other:
            await connection.execute(statements.upsert(store.dialect, OUTBOX, keep=True), other)
        return known[-1].table_name, known[-1].key


def _on_topics(store: Store, number: int, after: Place) -> Any:
    """Some of what is on topics, in the order of its key."""
    place = (PUBLISHED.c.table_name, PUBLISHED.c.key)
    return (
        select(*place, PUBLISHED.c.digest)
        .where(*_mine(PUBLISHED, store, number), tuple_(*place) > tuple_(*after))
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
            **{f"k_{name}": value for name, value in _place(store, number, one).items()},
            "k_revision": one.revision,
        }
        for one in done
    ]
    if parameters:
        await connection.execute(_DONE, parameters)


def _noted(store: Store, number: int, one: Outgoing) -> dict[str, Any]:
    return _place(store, number, one) | {"digest": None if one.row is None else digest(one.row)}


def _place(store: Store, number: int, one: Outgoing) -> dict[str, Any]:
    return {
        "consumer": store.name,
        "partition": number,
        "table_name": one.table,
        "key": one.key,
    }
