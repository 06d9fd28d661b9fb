"""SQLite and PostgreSQL keep the same contract."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from consumers.stores.changes import Changes
from consumers.stores.store import Fenced, Refused, Store
from consumers.tables.projections import Consumer
from tests.consumers.store_contract import Contract, Opened, put, row
from tests.consumers.tally import CONSUMER, HISTORIES


class _Stores:
    """Opens stores on one database, and closes them at the end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stores: list[Store] = []

    async def __call__(self, *, name: str = CONSUMER.name, **options: Any) -> Store:
        consumer, histories = CONSUMER, HISTORIES
        if name != CONSUMER.name:  # another consumer: nothing but its bookkeeping
            consumer, histories = Consumer(name, ()), HISTORIES / "none"
        store = await Store.open(self._url, consumer, histories=histories, **options)
        self._stores.append(store)
        return store

    async def close(self) -> None:
        for store in self._stores:
            await store.close()


class TestSQLite(Contract):
    """A file."""

    @pytest.fixture
    async def opened(self, tmp_path: Path) -> AsyncIterator[Opened]:
        stores = _Stores(f"sqlite:///{tmp_path}/store.db")
        yield stores
        await stores.close()

    async def test_a_file_is_for_one_instance(self, opened: Opened) -> None:
        """So the runner must have all partitions."""
        assert (await opened()).single


@pytest.mark.postgres
class TestPostgreSQL(Contract):
    """A server."""

    @pytest.fixture
    async def opened(self, postgres: str) -> AsyncIterator[Opened]:
        stores = _Stores(postgres)
        yield stores
        await stores.close()

    async def test_a_server_is_for_many(self, opened: Opened) -> None:
        """So instances may share the partitions."""
        assert not (await opened()).single

    async def test_a_successor_waits_for_a_commit_under_way(self, opened: Opened) -> None:
        """Positions are those after a commit that had begun before they were asked for."""
        slow, quick = await opened(), await opened()
        generation = (await slow.own([0]))[0].generation
        async with slow.working({0: generation}) as work:
            taking = asyncio.create_task(quick.own([0]))
            await asyncio.wait({taking}, timeout=0.2)
            assert not taking.done(), "did not wait"
            changes = Changes(put(row()), {"provisioning": 9})
            await work.write({0: changes})
        assert (await taking)[0].positions == {"provisioning": 9}
        with pytest.raises(Fenced):
            await slow.commit(0, generation, Changes())

    async def test_a_key_too_large_for_an_index_is_refused(self, opened: Opened) -> None:
        """However often it is asked; so it is not taken for a database that is away."""
        store = await opened()
        generation = (await store.own([0]))[0].generation
        endless = "".join(map(chr, range(0x4E00, 0x4E00 + 5000)))  # hard to compress
        with pytest.raises(Refused):
            await store.commit(0, generation, Changes(put(row(kind=endless))))
        await store.commit(0, generation, Changes(put(row())))

    async def test_stores_opened_at_once(self, opened: Opened) -> None:
        """Instances that start together on an empty database make its tables once."""
        stores = await asyncio.gather(*(opened() for _ in range(4)))
        assert [one.single for one in stores] == [False] * 4
