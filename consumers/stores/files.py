"""SQLite in the thread of the event loop, for SQLAlchemy's dialect of aiosqlite.

A statement of a consumer takes some ten microseconds in a file; to hand it to a thread and back, as
aiosqlite does, takes ten times that. So the loop waits while a statement runs. For a lock that
somebody else has it does not wait: that is asked for again and again.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any, Self

LOCK_TIME_S = 30.0
ASK_EVERY_S = 0.005

Parameters = Sequence[Any]


async def connect(database: str, **options: Any) -> "Connection":
    """Open a file. Raises sqlite3.Error."""
    # Transactions are begun by whoever wants one: the driver would do it late, and not always.
    made = sqlite3.connect(database, **options, isolation_level=None, timeout=0)
    return Connection(made)


class Cursor:
    """What runs statements, one after the other."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """The columns of what was found."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The number of the row that was written last."""
        return self._cursor.lastrowid

    async def execute(self, statement: str, parameters: Parameters = ()) -> None:
        """Run a statement; one that wants a lock waits for it. Raises sqlite3.Error."""
        end_s = time.monotonic() + LOCK_TIME_S
        while True:
            try:
                self._cursor.execute(statement, parameters)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end_s:
                    raise
                await asyncio.sleep(ASK_EVERY_S)
            else:
                return

    async def executemany(self, statement: str, parameters: Iterable[Parameters]) -> None:
        """Run a statement for each of many parameter sets. Raises sqlite3.Error."""
        self._cursor.executemany(statement, parameters)

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows that were found; others have their turn before each part of many."""
        await asyncio.sleep(0)
        return self._cursor.fetchmany(self.arraysize if size is None else size)

    async def fetchall(self) -> list[Any]:
        """All rows that were found."""
        return self._cursor.fetchall()

    async def close(self) -> None:
        """Let go of what was found."""
        self._cursor.close()


class Connection:
    """An open file."""

    isolation_level = None

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = connection

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("no active connection")
        return self._connection

    def cursor(self) -> Cursor:
        """One more cursor."""
        return Cursor(self._open.cursor())

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        """As sqlite3 has it."""
        self._open.create_function(*arguments, **options)

    async def commit(self) -> None:
        """End a transaction, if one has begun."""
        self._open.commit()

    async def rollback(self) -> None:
        """End a transaction, if one has begun, as if it had not been."""
        self._open.rollback()

    async def close(self) -> None:
        """Let go of the file."""
        self.stop()

    def stop(self) -> None:
        """As `close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
