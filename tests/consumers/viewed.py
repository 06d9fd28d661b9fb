"""Views of a real store, filled with facts, and their rows in the words of neither database."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from consumers.stores.store import Store
from consumers.tables.projections import fold
from tests.consumers.stored import write

STORES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


def store_url(request, tmp_path):
    """The URL of an empty store of the kind that the fixture is asked for."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    return request.getfixturevalue("postgres")


async def filled(url, consumer, facts):
    """The rows that come of facts, in the tables of a consumer."""
    store = await Store.open(url, consumer)
    try:
        for projection in consumer.projections:
            await write(store, projection, fold(projection, {}, facts))
    finally:
        await store.close()


async def found(url, consumer, query):
    """The rows of a query, as dicts."""
    store = await Store.open(url, consumer)
    try:
        async with store.transaction() as connection:
            rows = await connection.execute(text(query))
            return [{name: _plain(value) for name, value in row._mapping.items()} for row in rows]
    finally:
        await store.close()


def _plain(value):
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
    return value
