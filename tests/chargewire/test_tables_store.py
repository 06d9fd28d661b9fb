"""A store is read beside the consumer that writes it, and never written."""

import asyncio
import errno
import sqlite3

import pytest
from sqlalchemy import literal, select

from chargewire.tables.store import Unreadable, read
from consumers.stores.store import Store
from consumers.transactions.projection import CONSUMER

TABLE = CONSUMER.tables[0]
STATEMENT = select(TABLE)


async def made(url):
    store = await Store.open(url, CONSUMER)
    await store.close()


def nothing(_):
    raise AssertionError("there is no row")


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    """The words say how it comes to be; a password would not be among them."""
    with pytest.raises(Unreadable, match="chargewire consume transactions"):
        read(f"sqlite:///{tmp_path}/none.db", "transactions", STATEMENT, nothing)
    assert not list(tmp_path.iterdir())


def test_a_store_without_the_table(tmp_path):
    """Another consumer's, or one that has not begun."""
    sqlite3.connect(tmp_path / "other.db").close()
    (tmp_path / "other.db").touch()
    with pytest.raises(Unreadable, match="no such table yet"):
        read(f"sqlite:///{tmp_path}/other.db", "transactions", STATEMENT, nothing)


def test_a_file_that_is_no_store(tmp_path):
    """Its first line is not shown, only what SQLite says."""
    (tmp_path / "notes.db").write_text("bread and butter" * 100)
    with pytest.raises(Unreadable, match="not a database"):
        read(f"sqlite:///{tmp_path}/notes.db", "transactions", STATEMENT, nothing)


def test_a_server_that_does_not_answer():
    """The password stays ours."""
    url = "postgresql://me:secret@127.0.0.1:1/none"
    with pytest.raises(Unreadable, match="cannot be read") as caught:
        read(url, "transactions", STATEMENT, nothing)
    assert "secret" not in str(caught.value)


async def test_who_cannot_write_what_was_read_has_that_trouble_alone(tmp_path):
    """The tables can be read all the same: nothing is said of them."""
    url = f"sqlite:///{tmp_path}/store.db"
    await made(url)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    def gone(_):
        raise BrokenPipeError

    for take, trouble in ((full, OSError), (gone, BrokenPipeError)):
        with pytest.raises(trouble):
            await asyncio.to_thread(read, url, "transactions", select(literal(1)), take)


async def test_reading_does_not_wait_for_a_writer(tmp_path):
    """A commit may be going on."""
    await made(f"sqlite:///{tmp_path}/store #1.db")
    writer = sqlite3.connect(tmp_path / "store #1.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        await _apart(f"sqlite:///{tmp_path}/store #1.db")
    finally:
        writer.close()


async def _apart(url):
    """`read` has an event loop of its own."""

    await asyncio.to_thread(read, url, "transactions", STATEMENT, nothing)


@pytest.mark.postgres
async def test_rows_of_a_server(postgres):
    """In a transaction that cannot write."""
    await made(postgres)
    await _apart(postgres)
