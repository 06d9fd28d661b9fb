"""URLs of stores: which there are, and what is shown of them."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from consumers.stores.engines import engine, is_store, shown
from deploy.local.ports import free_port


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


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sslmode=sometimes", "sslmode"),
        ("sslmode=verify-full&sslrootcert={file}", "NO_CERTIFICATE_OR_CRL_FOUND"),
        ("sslmode=require", "Connect call failed"),
    ],
)
async def test_libpq_s_words_for_tls_are_understood(query: str, said: str, tmp_path: Path) -> None:
    """They mean what they mean to every other client of PostgreSQL; files are read."""
    (file := tmp_path / "no-authority.crt").write_text("nothing")
    url = f"postgresql://user@127.0.0.1:{free_port()}/db?{query.format(file=file)}"
    made = engine(url, "test")
    with pytest.raises((OSError, SQLAlchemyError), match=said):
        async with made.connect():
            pass
    await made.dispose()


@pytest.mark.postgres
async def test_a_server_that_takes_too_long_is_given_up(postgres: str) -> None:
    """Consumers go on elsewhere; who reads a large table waits longer."""
    for answer_time_s, sleep_s, is_patient in ((0.2, 60.0, False), (60.0, 0.3, True)):
        made = engine(postgres, "test", answer_time_s)
        # A server that is this slow already while one connects is given up, too.
        with nullcontext() if is_patient else pytest.raises(TimeoutError):
            async with made.connect() as connection:
                await connection.execute(text(f"SELECT pg_sleep({sleep_s})"))
        await made.dispose()
