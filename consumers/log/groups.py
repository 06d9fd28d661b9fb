"""Which group of Kafka the instances of a consumer are in: one for each store.

A group shares the partitions among its members. Those of another store are therefore in another
group: else each of the two stores would have a part of the rows, and neither would say so.
"""

import hashlib
from pathlib import Path

from sqlalchemy import text

from consumers.stores.store import Store

_FILE = text("SELECT file FROM pragma_database_list WHERE name = 'main'")
_DATABASE = text("SELECT oid, current_schema() FROM pg_database WHERE datname = current_database()")
# All may ask for it, unless somebody has taken that away. A copy on another server, under the same
# name, may well have the same oid.
_MAY_ASK = text("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
_SERVER = text("SELECT system_identifier FROM pg_control_system()")


def group(prefix: str, consumer: str, identity: str = "") -> str:
    """The name of the group; without `identity`, what those of all stores begin with."""
    return f"{prefix}consume-{consumer}-{identity}"


async def identity(store: Store) -> str:
    """What tells this database from every other, also from a copy of it: eight characters.

    It is the same for all who use the database, whatever they call it, and stays with a rebuild.
    Copied byte by byte, a server of PostgreSQL with its copy counts as one. Raises Away.
    """
    async with store.questions() as connection:
        if store.dialect == "sqlite":
            told: tuple[object, ...] = _place(str(await connection.scalar(_FILE)))
        else:
            told = tuple((await connection.execute(_DATABASE)).one())
            if await connection.scalar(_MAY_ASK):
                told += (await connection.scalar(_SERVER),)
    return hashlib.blake2b(repr(told).encode(), digest_size=4).hexdigest()


def _place(file: str) -> tuple[int, int]:
    found = Path(file).stat()
    return found.st_dev, found.st_ino
