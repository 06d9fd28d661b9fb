"""Reads what a fold needs from the tables, inside the transaction of a caller."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from consumers.stores import statements
from consumers.stores.bookkeeping import OPEN_CALLS
from consumers.stores.changes import CallKey
from consumers.stores.writing import storable
from consumers.tables.projections import Key, Projection, Row, Rows, by_key

KEYS_AT_ONCE = 5000


class Loader:
    """Reads for one consumer; no keys are no question."""

    def __init__(self, dialect: str, name: str) -> None:
        self._dialect = dialect
        self._name = name
        self._groups: dict[str, Any] = {}  # name of a table -> how its groups are loaded
        self._calls = statements.groups(dialect, OPEN_CALLS, 4)

    async def groups(
        self, connection: AsyncConnection, projection: Projection, keys: Collection[Key]
    ) -> dict[Key, Rows]:
        """All rows of these groups but for tables that are appended to; a new one has no rows."""
        found: dict[Key, dict[str, list[Row]]] = {
            key: {table.name: [] for table in projection.tables} for key in keys
        }
        names = {storable(key): key for key in keys}
        wanted = list(names)
        for first in range(0, len(wanted), KEYS_AT_ONCE):
            part = wanted[first : first + KEYS_AT_ONCE]
            parameters = statements.groups_parameters(self._dialect, part)
            width = len(part[0])
            for table, statement in self._statements(projection, width):
                columns = [column.name for column in statements.keys_of(table)[:width]]
                for row in (await connection.execute(statement, parameters)).mappings():
                    key = names[tuple([row[name] for name in columns])]
                    found[key][table.name].append(dict(row))
        # Texts have another order in each database.
        orders = {table.name: by_key(table) for table in projection.tables}
        return {
            key: {name: tuple(sorted(rows, key=orders[name])) for name, rows in group.items()}
            for key, group in found.items()
        }

    async def calls(
        self, connection: AsyncConnection, keys: Collection[CallKey]
    ) -> dict[CallKey, Mapping[str, Any]]:
        """The payloads of those CALLs that were committed as open."""
        if not keys:
            return {}
        named = [(self._name, *key) for key in keys]
        parameters = statements.groups_parameters(self._dialect, named)
        return {
            (row.station, row.epoch, row.sequence): msgspec.json.decode(row.payload)
            for row in await connection.execute(self._calls, parameters)
        }

    def _statements(self, projection: Projection, width: int) -> Iterator[tuple[Table, Any]]:
        for table in projection.tables:
            if table.name in projection.appended:
                continue
            if table.name not in self._groups:
                made = statements.groups(self._dialect, table, width)
                self._groups[table.name] = made
            yield table, self._groups[table.name]
