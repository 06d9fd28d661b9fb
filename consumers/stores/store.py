"""A consumer's rows and its place in the log, kept together in SQLite or PostgreSQL."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import asyncpg
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from consumers.stores import statements
from consumers.stores.bookkeeping import (
    GENERATIONS,
    OPEN_CALLS,
    ORIGINS,
    OUTBOX,
    POISON,
    POSITIONS,
    REMOVED,
)
from consumers.stores.changes import CallKey, Changes, Ownership, Poison
from consumers.stores.engines import engine
from consumers.stores.loading import Loader
from consumers.stores.unusable import check, told
from consumers.stores.upgrade import HISTORIES, upgrade
from consumers.stores.writing import Writer
from consumers.tables.projections import Consumer, Key, Projection, Rows

CLOSE_TIME_S = 5.0
_FINAL = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)  # the latter: a row, key too large
_NEW = {"generation": 0, "revision": 0, "settled": True}
_RAISING = (
    update(GENERATIONS)
    .where(GENERATIONS.c.consumer == bindparam("of"), GENERATIONS.c.partition == bindparam("at"))
    .values(generation=bindparam("to"))
)


class Fenced(Exception):  # noqa: N818 - a fact: somebody else owns the partition number now
    """A newer owner has taken the partition number over; nothing was written."""


class Refused(Exception):  # noqa: N818 - a fact about rows
    """The database cannot hold these rows, however often it is asked; nothing was written."""


class Away(Exception):  # noqa: N818 - a state of the database
    """The database does not answer as it should; what became of a commit, `own` tells later."""


@dataclass(frozen=True, slots=True)
class Work:
    """A transaction that holds the generations of some partition numbers, until it ends."""

    _connection: AsyncConnection
    _revisions: Mapping[int, int]
    _loader: Loader
    _writer: Writer

    async def load(self, projection: Projection, keys: Collection[Key]) -> dict[Key, Rows]:
        """As Loader.groups."""
        return await self._loader.groups(self._connection, projection, keys)

    async def calls(self, keys: Collection[CallKey]) -> dict[CallKey, Mapping[str, Any]]:
        """As Loader.calls."""
        return await self._loader.calls(self._connection, keys)

    async def write(self, changes: Mapping[int, Changes]) -> int:
        """Write what changes, by partition number; returns how many rows differ."""
        return await self._writer.write(self._connection, self._revisions, changes)


class Store:
    """One consumer's tables in one database; `open` makes it. Every method may raise Away."""

    def __init__(
        self,
        engine: AsyncEngine,
        consumer: Consumer,
        *,
        published: Collection[str],
        now_ms: Callable[[], int],
        kept_ms: int = 0,
    ) -> None:
        self._engine = engine
        # To begin and end a transaction is two ways to a server and back, for nothing.
        alone = {} if engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        self._questions = engine.execution_options(**alone)
        self.name = consumer.name
        self._now_ms = now_ms
        self.tables = consumer.tables
        self.dialect = engine.dialect.name
        self.kept_ms = kept_ms
        self.ages = consumer.ages if kept_ms else {}
        self._writer = Writer(
            *(self.dialect, consumer), published=published, now_ms=now_ms, kept_ms=kept_ms
        )
        self._loader = Loader(self.dialect, consumer.name)

    @classmethod
    async def open(  # noqa: PLR0913 - all but two are optional
        cls,
        url: str,
        consumer: Consumer,
        *,
        histories: Path = HISTORIES,
        published: Collection[str] = (),
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        kept_ms: int = 0,
    ) -> Self:
        """Connect to ``sqlite:///path`` or ``postgresql://...``, and bring the tables up to date.

        Of the tables in `published` it is noted which rows change. With `kept_ms`, rows that are
        older, where a table says how old they are, are not written. Raises UpgradeError, Unusable.
        """
        store = cls(
            engine(url, f"chargewire {consumer.name}"),
            consumer,
            published=published,
            now_ms=now_ms,
            kept_ms=kept_ms,
        )
        try:
            async with store.transaction() as connection:
                await connection.run_sync(upgrade, consumer.name, histories)
        except BaseException as error:
            await store.close()
            check(url, error)
            raise
        return store

    @property
    def single(self) -> bool:
        """Whether only one instance can share the store: a file is on one machine."""
        return self.dialect == "sqlite"

    async def close(self) -> None:
        """Let go of all connections, also of dead ones; the next use makes new ones."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIME_S):
                await self._engine.dispose()

    async def origin(self, prefix: str) -> str:
        """The prefix of the topics that the tables are made of; of new ones it is this one."""
        said = {"consumer": self.name, "prefix": prefix}
        found = select(ORIGINS.c.prefix).where(ORIGINS.c.consumer == self.name)
        async with self.transaction() as connection:
            await connection.execute(statements.upsert(self.dialect, ORIGINS, keep=True), [said])
            return str(await connection.scalar(found))

    async def own(self, partitions: Iterable[int]) -> dict[int, Ownership]:
        """Take partition numbers over: earlier owners' commits fail from now on.

        Generations rise with the clock as well, so that those of a store that was lost are lower
        than those of its successor, which readers of the published rows can then tell.
        """
        numbers = sorted(set(partitions))  # sorted: two of us do not wait for each other in a ring
        async with self.transaction() as connection:
            generations = await self._raise(connection, numbers)
            found = await connection.execute(
                select(POSITIONS.c.partition, POSITIONS.c.topic, POSITIONS.c.position).where(
                    POSITIONS.c.consumer == self.name, POSITIONS.c.partition.in_(numbers)
                )
            )
            positions: dict[int, dict[str, int]] = {number: {} for number in numbers}
            for partition, topic, position in found:
                positions[partition][topic] = position
        return {number: Ownership(generations[number], positions[number]) for number in numbers}

    async def _raise(self, connection: AsyncConnection, numbers: list[int]) -> dict[int, int]:
        if not numbers:
            return {}
        # Rows first, so that there is one to lock.
        await connection.execute(
            statements.upsert(self.dialect, GENERATIONS, keep=True),
            [{"consumer": self.name, "partition": n, **_NEW} for n in numbers],
        )
        mine = (GENERATIONS.c.consumer == self.name) & GENERATIONS.c.partition.in_(numbers)
        locked = select(GENERATIONS.c.partition, GENERATIONS.c.generation).where(mine)
        before = await connection.execute(
            locked.order_by(GENERATIONS.c.partition).with_for_update()
        )
        now_ms = self._now_ms()
        raised = {number: max(generation + 1, now_ms) for number, generation in before}
        for number, generation in raised.items():
            await connection.execute(_RAISING, {"of": self.name, "at": number, "to": generation})
        return raised

    async def load(self, projection: Projection, keys: Collection[Key]) -> dict[Key, Rows]:
        """As Loader.groups, alone."""
        async with self.transaction() as connection:
            return await self._loader.groups(connection, projection, keys)

    async def calls(self, keys: Collection[CallKey]) -> dict[CallKey, Mapping[str, Any]]:
        """As Loader.calls, alone."""
        async with self.transaction() as connection:
            return await self._loader.calls(connection, keys)

    async def commit(self, partition: int, generation: int, changes: Changes) -> int:
        """Write rows and positions in one transaction; returns how many rows differ.

        Raises Fenced, Refused.
        """
        async with self.working({partition: generation}) as work:
            return await work.write({partition: changes})

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction, which ends with the block; errors become ours."""
        async with self._connection(self._engine) as connection:
            yield connection

    @asynccontextmanager
    async def questions(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read by, where each statement sees what is committed by then."""
        async with self._connection(self._questions) as connection:
            yield connection

    @asynccontextmanager
    async def _connection(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with engine.begin() as connection:
                yield connection
        except (DataError, IntegrityError, OverflowError) as error:
            raise Refused(str(error)) from error
        except (SQLAlchemyError, asyncpg.PostgresError, OSError) as error:  # OSError: TimeoutError
            # asyncpg looks at parameters before it sends them; SQLAlchemy has no name for that.
            cause = getattr(getattr(error, "orig", None), "__cause__", None)
            said = told(self._engine.url, error)
            raise (Refused if isinstance(cause, _FINAL) else Away)(said) from error

    @asynccontextmanager
    async def working(self, generations: Mapping[int, int]) -> AsyncIterator[Work]:
        """Reading and writing in one transaction that holds the generations of partition numbers.

        Raises Fenced if one of them is no more.
        """
        async with self._holding(generations) as (connection, revisions):
            yield Work(connection, revisions, self._loader, self._writer)

    @asynccontextmanager
    async def holding(
        self, partition: int, generation: int
    ) -> AsyncIterator[tuple[AsyncConnection, int]]:
        """A transaction that holds the generation, and its revision: a successor waits for its end.

        Revisions of a partition number rise, and none comes twice. Raises Fenced.
        """
        async with self._holding({partition: generation}) as (connection, revisions):
            yield connection, revisions[partition]

    @asynccontextmanager
    async def _holding(
        self, generations: Mapping[int, int]
    ) -> AsyncIterator[tuple[AsyncConnection, dict[int, int]]]:
        keys = [(self.name, *one) for one in generations.items()]
        parameters = statements.groups_parameters(self.dialect, keys)
        async with self.transaction() as connection:
            found = await connection.execute(statements.revising(self.dialect), parameters)
            revisions = {row.partition: row.revision for row in found}
            if lost := generations.keys() - revisions.keys():
                raise Fenced(f"{self.name}, partition {min(lost)}")
            yield connection, revisions

    async def clear(self) -> None:
        """Throw all rows and positions away, for a rebuild; other instances are fenced.

        What is known of the topics of tables stays. Rows that wait to be published may be there, in
        this state or another.
        """
        async with self.transaction() as connection:
            found = await connection.execute(
                select(GENERATIONS.c.partition).where(GENERATIONS.c.consumer == self.name)
            )
            await self._raise(connection, [row.partition for row in found])
            for table in self.tables:
                await connection.execute(statements.emptying(self.dialect, table))
            await connection.execute(statements.unknown(self.dialect), {"of": self.name})
            mine = GENERATIONS.c.consumer == self.name
            await connection.execute(update(GENERATIONS).where(mine).values(settled=False))
            for table in (POSITIONS, POISON, OPEN_CALLS, OUTBOX, ORIGINS, REMOVED):
                await connection.execute(delete(table).where(table.c.consumer == self.name))

    async def poison(self, limit: int = 1000) -> list[Poison]:
        """Records that were set aside, by their place."""
        places = (POISON.c.topic, POISON.c.partition, POISON.c.position)
        statement = select(*places, POISON.c.reason, POISON.c.key, POISON.c.value).where(
            POISON.c.consumer == self.name
        )
        async with self.transaction() as connection:
            found = await connection.execute(statement.order_by(*places).limit(limit))
            return [
                Poison(*row[:4], *(None if b is None else base64.b64decode(b) for b in row[4:]))
                for row in found
            ]
