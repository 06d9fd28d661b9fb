"""Tables are made and brought up to date by histories, and come out as they are declared."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from consumers.services import SERVICES
from consumers.stores import bookkeeping
from consumers.stores.engines import engine
from consumers.stores.upgrade import UpgradeError, upgrade, version_table
from tests.consumers.tally import CONSUMER, HISTORIES

DECLARED = {CONSUMER: HISTORIES} | {one.consumer: None for one in SERVICES.values()}


async def differences(made: AsyncEngine) -> list[object]:
    """What the tables of all consumers, in one database, are otherwise than declared."""
    declared = MetaData()
    for table in (*bookkeeping.METADATA.sorted_tables, *(t for c in DECLARED for t in c.tables)):
        table.to_metadata(declared)

    def compared(connection: Connection) -> list[object]:
        for consumer, history in DECLARED.items():
            for _ in range(2):  # the second time there is nothing to do
                upgrade(connection, consumer.name, *([history] if history else []))
        versions = {"chargewire_version", *(version_table(one.name) for one in DECLARED)}
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_server_default": True,
                "include_name": lambda name, kind, _: kind != "table" or name not in versions,
            },
        )
        return [
            found
            for found in compare_metadata(context, declared)
            # What a column is for is said where it is declared; databases are not told.
            if "comment" not in (found[0][0] if isinstance(found, list) else found[0])
        ]

    try:
        async with made.begin() as connection:
            return await connection.run_sync(compared)
    finally:
        await made.dispose()


async def test_tables_in_a_file_are_as_declared(tmp_path: Path) -> None:
    """Every consumer's, in SQLite."""
    assert await differences(engine(f"sqlite:///{tmp_path}/all.db", "test")) == []


@pytest.mark.postgres
async def test_tables_on_a_server_are_as_declared(postgres: str) -> None:
    """Every consumer's, in PostgreSQL."""
    assert await differences(engine(postgres, "test")) == []


async def test_where_nothing_is_to_be_done_alembic_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It works on one database of a process at a time; two stores may be opened at once."""

    def upgraded(*_: object) -> None:
        raise AssertionError("there is nothing to be done")

    made = engine(f"sqlite:///{tmp_path}/made.db", "test")
    try:
        async with made.begin() as connection:
            await connection.run_sync(upgrade, CONSUMER.name, HISTORIES)
        monkeypatch.setattr("consumers.stores.upgrade.command.upgrade", upgraded)
        async with made.begin() as connection:
            await connection.run_sync(upgrade, CONSUMER.name, HISTORIES)
    finally:
        await made.dispose()


async def test_what_is_done_is_said(tmp_path: Path) -> None:
    """Which tables are at which revision, before and after; where nothing is to do, nothing."""
    made = engine(f"sqlite:///{tmp_path}/said.db", "test")
    try:
        with capture_logs() as told:
            for _ in range(2):
                async with made.begin() as connection:
                    await connection.run_sync(upgrade, CONSUMER.name, HISTORIES)
    finally:
        await made.dispose()
    mine = [(one["event"], one["revision"]) for one in told if one["of"] == CONSUMER.name]
    assert mine == [
        ("upgrading tables", None),
        ("tables are up to date", "0001"),
    ]


async def test_tables_of_a_newer_program_are_left_alone(tmp_path: Path) -> None:
    """A revision that this program does not have is said, with what to do."""
    made = engine(f"sqlite:///{tmp_path}/newer.db", "test")
    newer = sa.text("UPDATE chargewire_version SET version_num = 'from the future'")
    try:
        async with made.begin() as connection:
            await connection.run_sync(upgrade, CONSUMER.name, HISTORIES)
            await connection.execute(newer)
        with pytest.raises(UpgradeError, match="newer chargewire"):
            async with made.begin() as connection:
                await connection.run_sync(upgrade, CONSUMER.name, HISTORIES)
    finally:
        await made.dispose()
