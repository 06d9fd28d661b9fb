"""Which group of Kafka the instances of a consumer are in: one for each store.

A group shares the partitions among its members. Those of another store are therefore in another
group: else each of the two stores would have a part of the rows, and neither would say so.
"""

import hashlib
from pathlib import Path

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from consumers.stores.store import Store

_FILE = text("SELECT file FROM pragma_database_list WHERE name = 'main'")
_DATABASE = text("SELECT oid, current_schema() FROM pg_database WHERE datname = current_database()")
# A copy on another server, under the same name, may well have the same oid.
_SERVER = text("SELECT system_identifier FROM pg_control_system()")
# All may ask for it, unless somebody has taken that away, or a service keeps it from all. What may
# pass, such as an end of patience, is not among these: the group would be another one for as long.
_REFUSALS = (
    asyncpg.FeatureNotSupportedError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.InternalServerError,
)


def group(prefix: str, consumer: str, identity: str = "") -> str:
    """The name of the group; without `identity`, what those of all stores begin with."""
    return f"{prefix}consume-{consumer}-{identity}"


async def identity(store: Store) -> str:
    """What tells this database from every other, also from a copy of it: eight characters.

    It is the same for all who use the database, whatever they call it, and stays with a rebuild; of
    a file, on one machine and until its disk is mounted anew. Copied byte by byte, a server of
    PostgreSQL with its copy counts as one. Raises Away, also where the file is gone.
    """
    async with store.questions() as connection:
        if store.dialect == "sqlite":
            told: tuple[object, ...] = _place(str(await connection.scalar(_FILE)))
        else:
            told = tuple((await connection.execute(_DATABASE)).one())
            told += await _server(connection)
    return hashlib.blake2b(repr(told).encode(), digest_size=4).hexdigest()


async def _server(connection: AsyncConnection) -> tuple[object, ...]:
    try:
        return (await connection.scalar(_SERVER),)
    except DBAPIError as error:
        if isinstance(getattr(error.orig, "__cause__", None), _REFUSALS):
            return ()
        raise


def _place(file: str) -> tuple[int, int]:
    found = Path(file).stat()
    return found.st_dev, found.st_ino
