"""Stores that cannot be opened: which of them waiting mends, and what is said of the others."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from consumers.log.runner import Runner
from consumers.metrics import Metrics
from consumers.migrate import migrated
from consumers.stores.store import Away, Store
from consumers.stores.unusable import Unusable, check, make_folder
from deploy.local.ports import HOST, free_port
from tests.consumers.tally import CONSUMER, HISTORIES
from tests.consumers.written import CODEC


async def _open(url: str) -> None:
    store = await Store.open(url, CONSUMER, histories=HISTORIES)
    await store.close()


async def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """Whoever forgot the file's name is told which store it is, and where to name another."""
    with pytest.raises(Unusable) as caught:
        await _open(f"sqlite:///{tmp_path}")
    assert str(caught.value) == (
        f"sqlite:///{tmp_path}: it is a folder; a store is a file in one. Mend that, or name "
        "another with --store (CHARGEWIRE_STORE) or its folder with --data."
    )


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Or is not there: SQLite cannot tell the two apart, so both are asked for."""
    with pytest.raises(Unusable, match=f"may this user write in {tmp_path}/gone\\?"):
        await _open(f"sqlite:///{tmp_path}/gone/store.db")


async def test_a_file_of_something_else(tmp_path: Path) -> None:
    """It is left as it is."""
    (file := tmp_path / "november.csv").write_text("station,transaction_id\n" * 100)
    with pytest.raises(Unusable, match="the file is no database of SQLite"):
        await _open(f"sqlite:///{file}")
    assert file.read_text().startswith("station,")


def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    """The rights of files do not stop root, so the file is opened for reading only."""
    (file := tmp_path / "store.db").touch()
    with (
        closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection,
        pytest.raises(sqlite3.OperationalError) as refused,
    ):
        connection.execute("CREATE TABLE one (two)")
    with pytest.raises(Unusable, match="it cannot be written"):
        check(f"sqlite:///{file}", refused.value)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """What stands in its way is named."""
    (tmp_path / "data").touch()
    with pytest.raises(Unusable, match=f"{tmp_path}/data cannot be made a folder: File exists"):
        make_folder(f"sqlite:///{tmp_path}/data/stations.db")


async def test_a_lock_of_somebody_else_is_waited_for() -> None:
    """Another instance may end; so may whatever this version does not know."""
    locked = sqlite3.OperationalError("database is locked")
    locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
    for error in (locked, TimeoutError(), ConnectionRefusedError(), KeyError("a mistake")):
        check("sqlite:///store.db", error)


async def test_a_server_that_is_away_is_waited_for() -> None:
    """And named, without its password."""
    port = free_port()
    with pytest.raises(Away) as caught:
        await _open(f"postgresql://me:hidden@{HOST}:{port}/chargewire")
    assert str(caught.value).startswith(f"postgresql://me:***@{HOST}:{port}/chargewire: Connect")


async def test_a_parameter_that_no_server_takes() -> None:
    """Which one it is."""
    with pytest.raises(Unusable, match="'tls'"):
        await _open(f"postgresql://me:hidden@{HOST}:1/chargewire?tls=yes")


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"username": "stranger"}, 'role "stranger" does not exist'),
        ({"database": "elsewhere"}, 'database "elsewhere" does not exist'),
    ],
)
async def test_a_server_that_says_no(given: dict[str, str], said: str, postgres: str) -> None:
    """Its own words, once, after the name of the store."""
    url = make_url(postgres).set(**given).render_as_string(hide_password=False)
    with pytest.raises(Unusable) as caught:
        await _open(url)
    assert str(caught.value) == (
        f"{url}: {said}. Mend that, or name another with --store (CHARGEWIRE_STORE)."
    )


def test_who_only_migrates_is_told_the_same(tmp_path: Path) -> None:
    """And ends with 1."""
    (tmp_path / "data").touch()
    for store, said in {
        f"sqlite:///{tmp_path}": "it is a folder",
        f"sqlite:///{tmp_path}/data/stations.db": "cannot be made a folder",
    }.items():
        with capture_logs() as told:
            assert migrated(store, CONSUMER.name, HISTORIES) == 1
        assert told[-1]["store"] == store
        assert said in told[-1]["problem"]


def _runner(url: str, connect: Callable[..., Awaitable[Any]]) -> Runner:
    return Runner(
        consumer=CONSUMER,
        open_store=partial(Store.open, url, CONSUMER, histories=HISTORIES),
        connect=connect,
        codec=CODEC,
        learn=partial(asyncio.sleep, 0, False),
        partitions=1,
        prefix="ocpp.",
        metrics=Metrics(CONSUMER.name),
        back_off_s=(0.01, 0.01),
    )


async def test_a_mistake_ends_a_consumer(tmp_path: Path) -> None:
    """Before it has asked Kafka for anything."""
    runner = _runner(f"sqlite:///{tmp_path}", partial(pytest.fail, "asked Kafka"))
    with pytest.raises(Unusable):
        await asyncio.wait_for(runner.run(asyncio.Event()), 60)


async def test_what_was_open_once_is_waited_for(tmp_path: Path) -> None:
    """The name was right then: whoever has changed something can change it back."""
    path, stop = tmp_path / "store.db", asyncio.Event()
    runner = _runner(f"sqlite:///{path}", lambda *_: leave())
    broke: list[str] = []

    async def leave() -> None:
        path.rename(tmp_path / "elsewhere.db")
        path.mkdir()
        raise KafkaConnectionError("gone")

    with capture_logs() as told:
        running = asyncio.create_task(runner.run(stop))
        async with asyncio.timeout(60):
            while not broke:
                await asyncio.sleep(0.01)
                broke = [one["error"] for one in told if one["event"] == "the database is away"]
        stop.set()
        await running
    assert "it is a folder" in broke[0]
    assert runner.unready() == ["waiting: the database is away"]
