"""Reads the tables of a consumer for a person, beside the consumer that writes them."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from consumers.stores.engines import engine, shown
from consumers.stores.unusable import words

Take = Callable[[Any], None]  # of a mapping: name of the column -> value
TakeMany = Callable[[Sequence[Any]], None]  # of rows, as tuples in the order of the columns
_AT_ONCE = 1000
# Before the first of many million rows comes, they are sorted; who does not want to wait, ends us.
_ANSWER_TIME_S = 3600.0


class Unreadable(click.ClickException):
    """The tables of a consumer cannot be read; the text says why, and what to do."""

    def __init__(self, name: str, url: str, why: str) -> None:
        super().__init__(
            f"{why} in {shown(url)}.\n"
            f"`chargewire consume {name}` makes it; name yours with --store or CHARGEWIRE_STORE."
        )


class _NotTakenError(Exception):
    """Who took the rows could not write them: that says nothing of the tables."""

    def __init__(self, reason: OSError) -> None:
        super().__init__()
        self.reason = reason


def read(url: str, name: str, statement: Select[Any], take: Take) -> None:
    """Run a SELECT on the store of the consumer `name`; `take` gets its rows, one by one.

    Nothing is ever written, and the consumer need not wait for us. Raises Unreadable, and what
    `take` does.
    """

    def each(rows: Sequence[Any]) -> None:
        for row in rows:
            take(row._mapping)

    read_parts(url, name, statement, each, _AT_ONCE)


def read_parts(url: str, name: str, statement: Select[Any], take: TakeMany, rows: int) -> None:
    """As `read`, but `take` gets so many rows at once, and no more than these are in memory."""
    if make_url(url).drivername == "sqlite" and not Path(make_url(url).database or "").is_file():
        raise Unreadable(name, url, "there is no store")
    asyncio.run(_read(url, name, statement, take, rows))


async def _read(url: str, name: str, statement: Select[Any], take: TakeMany, rows: int) -> None:
    made = _reader(url)
    try:
        async with made.connect() as connection:
            if made.dialect.name == "postgresql":
                await connection.execute(text("SET TRANSACTION READ ONLY"))
            found = await connection.stream(statement, execution_options={"yield_per": rows})
            async for part in found.partitions():
                try:
                    take(part)
                except OSError as error:
                    raise _NotTakenError(error) from error
    except _NotTakenError as error:
        raise error.reason from None
    except (SQLAlchemyError, OSError) as error:
        raise Unreadable(name, url, _words(error)) from error
    finally:
        await made.dispose()


def _reader(url: str) -> AsyncEngine:
    if make_url(url).drivername != "sqlite":
        return engine(url, "chargewire", _ANSWER_TIME_S)
    file = Path(make_url(url).database or "").absolute()
    query = {"mode": "ro", "uri": "true"}
    return create_async_engine(URL.create("sqlite+aiosqlite", database=file.as_uri(), query=query))


def _words(error: Exception) -> str:
    """What went wrong, in a line for a person."""
    said = words(error)
    if "no such table" in said or "does not exist" in said:
        return "there is no such table yet"
    return f"the tables cannot be read ({said})"
