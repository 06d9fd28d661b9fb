"""Writes what a commit changes into the tables, inside the transaction of a caller."""

import base64
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Table, bindparam, delete
from sqlalchemy.ext.asyncio import AsyncConnection

from consumers.stores import statements
from consumers.stores.bookkeeping import OPEN_CALLS, OUTBOX, POISON, POSITIONS
from consumers.stores.changes import Changes, Difference, Poison
from consumers.tables.projections import Consumer, Key
from consumers.tables.schemas import key_of, key_text

_CALL = ("k_consumer", "k_station", "k_epoch", "k_sequence")
UNANSWERED_MS = 24 * 60 * 60 * 1000  # no answer comes as late as that
FORGET_EVERY_MS = 60 * 1000
_FORGOTTEN = delete(OPEN_CALLS).where(
    OPEN_CALLS.c.consumer == bindparam("of"),
    OPEN_CALLS.c.topic == bindparam("on"),
    OPEN_CALLS.c.partition == bindparam("at"),
    OPEN_CALLS.c.written_ms < bindparam("before"),
)


class Writer:
    """Writes for one consumer; parameters always go as lists, which drivers send as one."""

    def __init__(
        self,
        dialect: str,
        consumer: Consumer,
        *,
        published: Collection[str],
        now_ms: Callable[[], int],
        kept_ms: int = 0,
    ) -> None:
        self._dialect = dialect
        self._name = consumer.name
        self._tables = consumer.tables
        self._published = published
        self._now_ms = now_ms
        self._kept_ms = kept_ms
        self._ages = consumer.ages if kept_ms else {}
        self._upserts = {
            table.name: statements.upsert(dialect, table, keep=table.name in projection.appended)
            for projection in consumer.projections
            for table in projection.tables
        }
        self._forgotten_ms: dict[tuple[int, str], int] = {}  # number, topic -> time in the log
        self._removals = {table.name: statements.removal(table) for table in self._tables}

    async def write(
        self,
        connection: AsyncConnection,
        revisions: Mapping[int, int],
        changes: Mapping[int, Changes],
    ) -> int:
        """Write what changes, by partition number; returns how many rows differ.

        The caller holds the generations of these numbers, whose revisions these are. Rows that are
        too old to be kept are left out.
        """
        if self._ages:
            changes = {number: self._young(one) for number, one in changes.items()}
        for table in self._tables:
            found = [
                (number, difference)
                for number, one in changes.items()
                if (difference := one.rows.get(table.name))
            ]
            await self._rows(connection, table, [difference for _, difference in found])
            if table.name in self._published:
                outgoing = (_outgoing(table, of, at, revisions[at]) for at, of in found)
                await self._put(connection, OUTBOX, chain.from_iterable(outgoing))
        await self._calls(connection, changes)
        poison = (self._poison(bad) for one in changes.values() for bad in one.poison)
        await self._put(connection, POISON, poison)
        positions = (
            {"topic": topic, "partition": number, "position": position}
            for number, one in changes.items()
            for topic, position in one.positions.items()
        )
        await self._put(connection, POSITIONS, positions)
        differing = (rows for one in changes.values() for rows in one.rows.values())
        return sum(len(rows.put) + len(rows.gone) for rows in differing)

    def _young(self, changes: Changes) -> Changes:
        since_ms = self._now_ms() - self._kept_ms
        rows = dict(changes.rows)
        for name in rows.keys() & self._ages.keys():
            age, difference = self._ages[name], rows[name]
            young = [row for row in difference.put if row[age] >= since_ms]
            rows[name] = replace(difference, put=young)
        return replace(changes, rows=rows)

    async def _rows(
        self, connection: AsyncConnection, table: Table, differences: Sequence[Difference]
    ) -> None:
        gone = [row for one in differences for row in one.gone]
        if gone:
            removals = [statements.removal_parameters(table, row) for row in gone]
            await connection.execute(self._removals[table.name], removals)
        put = [row for one in differences for row in one.put]
        if put:
            await connection.execute(self._upserts[table.name], storable_rows(put))

    async def _put(
        self, connection: AsyncConnection, table: Table, rows: Iterable[dict[str, Any]]
    ) -> None:
        given = [{"consumer": self._name, **row} for row in rows]
        if given:
            await connection.execute(statements.upsert(self._dialect, table), storable_rows(given))

    async def _calls(self, connection: AsyncConnection, changes: Mapping[int, Changes]) -> None:
        await self._forget(connection, changes)
        closed = [key for one in changes.values() for key in one.closed]
        if closed:
            await connection.execute(
                statements.removal(OPEN_CALLS),
                [dict(zip(_CALL, (self._name, *key), strict=True)) for key in closed],
            )
        await self._put(
            connection,
            OPEN_CALLS,
            (
                {
                    **dict(zip(("station", "epoch", "sequence"), key, strict=True)),
                    "topic": call.topic,
                    "partition": number,
                    "written_ms": call.written_ms,
                    "payload": msgspec.json.encode(call.payload).decode(),
                }
                for number, one in changes.items()
                for key, call in one.opened.items()
            ),
        )

    async def _forget(self, connection: AsyncConnection, changes: Mapping[int, Changes]) -> None:
        """Forget calls that nobody will answer, by the time of the log, and of their own topic.

        How late another topic is read tells nothing. Not with every commit: that costs too much.
        """
        newest: dict[tuple[int, str], int] = {}
        for number, one in changes.items():
            for call in one.opened.values():
                place = number, call.topic
                newest[place] = max(call.written_ms, newest.get(place, 0))
        due = {
            place: written_ms
            for place, written_ms in newest.items()
            if written_ms >= self._forgotten_ms.get(place, 0) + FORGET_EVERY_MS
        }
        if due:
            self._forgotten_ms |= due
            await connection.execute(
                _FORGOTTEN,
                [
                    {
                        "of": self._name,
                        "on": topic,
                        "at": number,
                        "before": written_ms - UNANSWERED_MS,
                    }
                    for (number, topic), written_ms in due.items()
                ],
            )

    def _poison(self, poison: Poison) -> dict[str, Any]:
        return {
            "topic": poison.topic,
            "partition": poison.partition,
            "position": poison.position,
            "reason": poison.reason,
            "key": _base64(poison.key),
            "value": _base64(poison.value),
            "at": self._now_ms(),
        }


def _outgoing(
    table: Table, difference: Difference, partition: int, revision: int
) -> Iterator[dict[str, Any]]:
    """What waits to be published: rows that are gone as well."""
    for row in (*difference.put, *difference.gone):
        key = key_text(storable(key_of(table, row)))
        yield {
            "partition": partition,
            "table_name": table.name,
            "key": key,
            "revision": revision,
        }


def storable_rows(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows as they stand in the database."""
    found = []
    for row in rows:
        stored = row
        for value in row.values():  # a plain loop: every value of every row passes here
            if type(value) is str and "\0" in value:
                stored = {name: _without_nul(one) for name, one in row.items()}
                break
        found.append(stored)
    return found


def storable(key: Key) -> Key:
    """A key as it stands in the database."""
    return tuple(map(_without_nul, key))


def _without_nul(value: Any) -> Any:
    """PostgreSQL's text cannot hold the character NUL, and SQLite's functions stop at it."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
