"""URLs of stores: which there are, and what is shown of them."""

from contextlib import nullcontext

import pytest
from sqlalchemy import text

from consumers.engines import engine, is_store, shown


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///data/some.db",
        "sqlite:////var/lib/some.db",
        "postgresql://user:secret@host:5432/db",
        "postgresql://user@/db?host=/run/postgresql",
        "postgresql://host/db?sslmode=require",
    ],
)
def test_what_is_a_store(url: str) -> None:
    """A file, or a database of a PostgreSQL."""
    assert is_store(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "data/some.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite://host/file",
        "mysql://h/db",
        "postgresql://host",
        "postgresql+psycopg://host/db",
    ],
)
def test_what_is_none(url: str) -> None:
    """No URL, another database, one that would not last, or a driver that is our business."""
    assert not is_store(url)


def test_passwords_are_not_shown() -> None:
    """A URL for people has none."""
    assert shown("postgresql://user:secret@host/db") == "postgresql://user:***@host/db"


async def test_libpq_s_word_for_tls_is_understood() -> None:
    """`sslmode` means what it means to every other client of PostgreSQL."""
    made = engine("postgresql://user@host/db?sslmode=require", "test")
    assert dict(made.url.query) == {"ssl": "require"}
    await made.dispose()


@pytest.mark.postgres
async def test_a_server_that_takes_too_long_is_given_up(postgres: str) -> None:
    """Consumers go on elsewhere; who reads a large table waits longer."""
    for answer_time_s, is_patient in ((0.05, False), (30.0, True)):
        made = engine(postgres, "test", answer_time_s)
        async with made.connect() as connection:
            with nullcontext() if is_patient else pytest.raises(TimeoutError):
                await connection.execute(text("SELECT pg_sleep(0.2)"))
        await made.dispose()
