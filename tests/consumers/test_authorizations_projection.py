"""The consumer authorizations: its tables in both databases, and whom nobody knows."""

import pytest
from sqlalchemy import text

from consumers.authorizations.projection import CONSUMER
from consumers.tables.projections import fold
from tests.consumers.asking import (
    NOON,
    answered,
    asked,
    authorize,
    issued,
    removed,
    started,
    stopped,
)
from tests.consumers.migrated import differences
from tests.consumers.test_authorizations_evidence import stored


def test_the_first_migrations_make_the_tables_as_they_are():
    """In a database that had nothing."""
    assert differences(CONSUMER) == []


def test_what_is_public_says_what_it_is():
    """Every table and column of it has a comment."""
    for table in CONSUMER.tables:
        assert table.comment
        assert [column.name for column in table.columns if not column.comment] == []


async def _unknown_tokens_are_listed(url):
    """Those that were asked about, and are not issued or were taken away again."""
    facts = [
        *(authorize(n, token) for n, token in enumerate(("Ghost", "ghost", "known", "gone", ""))),
        asked(started(7, "ghost")),
        authorize(8, "GHOST", station="CS-2"),
        *(issued("KNOWN", 1), issued("gone", 2), removed("gone", 3)),
    ]
    async with stored(url, *facts) as store, store.transaction() as connection:
        statement = text("SELECT * FROM unknown_tokens ORDER BY token, station")
        found = [dict(row) for row in (await connection.execute(statement)).mappings()]
    names = ("token", "station", "spelling", "times", "first_ms", "last_ms")
    assert [tuple(row[name] for name in names) for row in found] == [
        ("ghost", "CS-1", "ghost", 3, NOON, NOON + 7000),
        ("ghost", "CS-2", "GHOST", 1, NOON + 8000, NOON + 8000),
        ("gone", "CS-1", "gone", 1, NOON + 3000, NOON + 3000),
    ]
    assert {row["token_type"] for row in found} == {None}


async def _rows_come_back(url):
    """Folding goes on with rows that were loaded."""
    start = started(1)
    facts = [issued("A", lists=("*",)), start, asked(start), answered(2), stopped(3)]
    async with stored(url, *facts) as store:
        for projection in CONSUMER.projections:
            after = fold(projection, {}, facts)
            loaded = await store.load(projection, after.keys())
            assert loaded == after
            assert fold(projection, loaded, facts) == {}


_STORIES = pytest.mark.parametrize("story", [_unknown_tokens_are_listed, _rows_come_back])


@_STORIES
async def test_in_a_file(story, tmp_path):
    """SQLite."""
    await story(f"sqlite:///{tmp_path}/store.db")


@_STORIES
@pytest.mark.postgres
async def test_in_a_server(story, postgres):
    """PostgreSQL."""
    await story(postgres)
