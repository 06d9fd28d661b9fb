"""SQLite without a thread; the contract of stores has what SQL does in it."""

import asyncio
import sqlite3

import pytest

from consumers.stores import files


@pytest.fixture
async def opened(tmp_path):
    made = []

    async def open_file():
        made.append(await files.connect(str(tmp_path / "some.db")))
        return made[-1]

    yield open_file
    for one in made:
        await one.close()


async def test_a_lock_is_waited_for_while_the_loop_goes_on(opened):
    """Another process may be in the middle of a commit."""
    one, other = await opened(), await opened()
    await one.cursor().execute("PRAGMA journal_mode = WAL")
    await one.cursor().execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(other.cursor().execute("BEGIN IMMEDIATE"))
    await asyncio.wait({waiting}, timeout=5 * files.ASK_EVERY_S)
    assert not waiting.done()
    await one.commit()
    async with asyncio.timeout(30):
        await waiting


async def test_nobody_waits_for_a_lock_for_ever(opened, monkeypatch):
    """Then the database is away."""
    monkeypatch.setattr(files, "LOCK_TIME_S", 0.02)
    one, other = await opened(), await opened()
    await one.cursor().execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await other.cursor().execute("BEGIN IMMEDIATE")


async def test_many_rows_come_in_parts(opened):
    """So that they are never all in memory."""
    cursor = (await opened()).cursor()
    await cursor.execute("VALUES (1), (2), (3), (4)")
    parts = [await cursor.fetchmany(), await cursor.fetchmany(2), await cursor.fetchmany(2)]
    assert parts == [[(1,)], [(2,), (3,)], [(4,)]]


async def test_what_fails_for_another_reason_fails_at_once(opened):
    """Waiting would not help."""
    with pytest.raises(sqlite3.OperationalError, match="syntax"):
        await (await opened()).cursor().execute("no statement")


async def test_a_transaction_is_begun_by_us_alone(opened):
    """Without BEGIN each statement stands; with it all of them do, or none."""
    one, other = await opened(), await opened()
    cursor = one.cursor()
    await cursor.execute("CREATE TABLE t (n)")
    await cursor.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    await cursor.execute("BEGIN IMMEDIATE")
    await cursor.execute("DELETE FROM t")
    assert cursor.rowcount == 2
    await one.rollback()
    seen = other.cursor()
    await seen.execute("SELECT n FROM t ORDER BY n")
    assert [name for name, *_ in seen.description] == ["n"]
    assert await seen.fetchall() == [(1,), (2,)]


async def test_a_closed_file_is_no_connection(opened):
    """In the words that SQLAlchemy takes for a connection that is gone."""
    one = await opened()
    await one.close()
    await one.close()
    with pytest.raises(ValueError, match="no active connection"):
        await one.commit()
