"""consumers.log.groups: a store has a group of Kafka for itself."""

import shutil
from pathlib import Path

import asyncpg
import pytest

from consumers.log.groups import group, identity
from consumers.stores.engines import engine
from consumers.stores.store import Away, Store
from tests.consumers.tally import CONSUMER, HISTORIES


async def told(url: str) -> str:
    """The identity of the store at this URL."""
    store = await Store.open(url, CONSUMER, histories=HISTORIES)
    try:
        return await identity(store)
    finally:
        await store.close()


async def after_a_rebuild(url: str) -> str:
    store = await Store.open(url, CONSUMER, histories=HISTORIES)
    try:
        await store.origin("a.")
        await store.clear()
        return await identity(store)
    finally:
        await store.close()


def test_groups_of_a_consumer_begin_alike() -> None:
    """So that one rule of Kafka lets all of them in; none is the beginning of another's."""
    assert group("ocpp.", "stations", "1f2e3d4c") == "ocpp.consume-stations-1f2e3d4c"
    assert group("ocpp.", "stations") == "ocpp.consume-stations-"


async def test_a_file_is_itself_and_no_copy_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is called, and however often its rows are thrown away."""
    url = f"sqlite:///{tmp_path}/one.db"
    found = await told(url)
    assert len(found) == 8
    shutil.copy(tmp_path / "one.db", tmp_path / "copy.db")
    assert await told(f"sqlite:///{tmp_path}/copy.db") != found
    monkeypatch.chdir(tmp_path)
    assert {await told(url), await told("sqlite:///one.db"), await after_a_rebuild(url)} == {found}


async def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """The store is away, which is no trouble of Kafka's."""
    store = await Store.open(f"sqlite:///{tmp_path}/one.db", CONSUMER, histories=HISTORIES)
    try:
        (tmp_path / "one.db").unlink()
        with pytest.raises(Away):
            await identity(store)
    finally:
        await store.close()


@pytest.mark.postgres
async def test_a_service_that_keeps_its_number_to_itself(postgres: str) -> None:
    """It may let all ask, and refuse to answer; whose time is up has not answered yet."""
    name = postgres.partition("@/")[2].partition("?")[0]
    await asked(postgres, f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    told_of_both = await told(postgres)
    answer = """
        CREATE OR REPLACE FUNCTION public.pg_control_system(OUT system_identifier bigint)
        LANGUAGE plpgsql AS $$ BEGIN RAISE 'not here' USING ERRCODE = '{}'; END $$
    """
    for code in ("0A000", "42501", "XX000"):
        await asked(postgres, answer.format(code))
        found = await told(postgres)
        assert found != told_of_both
        assert found == await told(postgres)
    await asked(postgres, answer.format("57014"))
    with pytest.raises(Away):
        await told(postgres)


@pytest.mark.postgres
async def test_a_database_is_itself_and_no_copy_of_it(postgres: str) -> None:
    """For users of any rights it has an identity; a copy's is another, on the same server too."""
    name = postgres.partition("@/")[2].partition("?")[0]
    found = await told(postgres)
    assert await after_a_rebuild(postgres) == found
    weak = Store(
        engine(postgres.replace("//postgres@", f"//{name}_weak@"), "test"),
        CONSUMER,
        published=(),
        now_ms=lambda: 0,
    )
    await asked(postgres, f"CREATE ROLE {name}_weak LOGIN")
    try:
        assert await identity(weak) == found
        await asked(postgres, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        assert await identity(weak) != found, "it does not ask which server that is"
    finally:
        await weak.close()
    elsewhere = postgres.replace(f"/{name}?", "/postgres?")
    await asked(elsewhere, f"CREATE DATABASE {name}_copy TEMPLATE {name}")
    assert await told(postgres.replace(f"/{name}?", f"/{name}_copy?")) != found


async def asked(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
