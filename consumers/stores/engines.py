"""Connections to a consumer's database: a file, or PostgreSQL."""

from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from consumers.stores import files

ANSWER_TIME_S = 60.0  # a database that takes longer for one statement is taken to be gone
CONNECT_TIME_S = 10.0
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


def is_store(text: str) -> bool:
    """Tell whether a text is the URL of a store: sqlite:///file, or postgresql://..."""
    try:
        url = make_url(text)
    except ArgumentError:
        return False
    if url.drivername == "sqlite":
        return bool(url.database) and url.database != ":memory:" and not url.host
    return url.drivername == "postgresql" and bool(url.database)


def shown(text: str) -> str:
    """The URL without its password, for people."""
    return make_url(text).render_as_string(hide_password=True)


def engine(text: str, application: str, answer_time_s: float = ANSWER_TIME_S) -> AsyncEngine:
    """An engine for the URL of a store; it connects when it is first used.

    libpq's `sslmode`, `sslrootcert` and their like in the URL are understood. `application` is what
    PostgreSQL shows of us; it is given up if one statement takes longer than `answer_time_s`.
    """
    url = make_url(text)
    made = url.set(drivername=_DRIVERS[url.drivername])
    if url.drivername == "sqlite":
        return _file(made)
    return _server(made, application, answer_time_s)


def _server(url: URL, application: str, answer_time_s: float) -> AsyncEngine:
    ssl = {name: told for name, told in url.query.items() if name.startswith("ssl")}
    arguments: dict[str, Any] = {
        "dsn": f"postgresql://?{urlencode(ssl)}",  # whose options asyncpg reads as libpq does
        "timeout": CONNECT_TIME_S,
        "command_timeout": answer_time_s,
        "server_settings": {"application_name": application},
    }
    return create_async_engine(
        url.difference_update_query(ssl),
        connect_args=arguments,
        pool_size=4,
        pool_timeout=CONNECT_TIME_S,
    )


def _file(url: URL) -> AsyncEngine:
    made = create_async_engine(url, connect_args={"async_creator_fn": files.connect})

    # The write lock is taken at once: one that is wanted in the middle may be refused without
    # waiting.

    @event.listens_for(made.sync_engine, "connect")
    def connected(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")  # who reads does not stop us
        cursor.execute("PRAGMA synchronous = NORMAL")  # a power cut takes back rows with positions
        cursor.close()

    @event.listens_for(made.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return made
