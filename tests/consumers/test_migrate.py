"""Tables are brought up to date without a consumer that folds."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import asyncpg
import pytest
from structlog.testing import capture_logs

from consumers.migrate import migrated
from consumers.services import SERVICES
from tests.consumers.tally import CONSUMER, HISTORIES


def test_a_second_time_nothing_is_left_to_do(tmp_path) -> None:
    """The first makes the folder and the tables."""
    store = f"sqlite:///{tmp_path}/new/tally.db"
    for changes in (True, False):
        with capture_logs() as logs:
            assert migrated(store, CONSUMER.name, HISTORIES) == 0
        assert ("tables are up to date" in [line["event"] for line in logs]) is changes
        assert logs[-1]["event"] == "the tables are those of this version"


def test_tables_of_a_newer_version(tmp_path) -> None:
    """Are left alone, and it ends with 1: whoever upgrades sees it before a pod is replaced."""
    store = f"sqlite:///{tmp_path}/tally.db"
    assert migrated(store, CONSUMER.name, HISTORIES) == 0
    (tmp_path / "histories" / "tally").mkdir(parents=True)
    with capture_logs() as logs:
        assert migrated(store, CONSUMER.name, tmp_path / "histories") == 1
    assert "newer chargewire" in logs[-1]["problem"]


def test_a_database_that_is_not_there(tmp_path) -> None:
    """Ends with 1 and says which, without its password."""
    with capture_logs() as logs:
        assert migrated(f"postgresql://me:hidden@/none?host={tmp_path}", "stations") == 1
    assert "me:***@" in logs[-1]["store"]
    assert "hidden" not in str(logs)


@pytest.mark.postgres
def test_all_consumers_at_once_in_one_database(postgres: str) -> None:
    """They wait for each other, as the containers of one Job do."""
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        codes = pool.map(migrated, repeat(postgres), SERVICES)
        assert [*codes] == [0] * len(SERVICES)

    async def tables() -> set[str]:
        connection = await asyncpg.connect(postgres)
        try:
            found = await connection.fetch("SELECT tablename FROM pg_tables")
            return {row["tablename"] for row in found}
        finally:
            await connection.close()

    assert {table.name for one in SERVICES.values() for table in one.consumer.tables} <= (
        asyncio.run(tables())
    )
