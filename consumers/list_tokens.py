"""What each local list is to hold, as the tables of tokens say; read again when they change."""

import json
from dataclasses import dataclass

from sqlalchemy import select

from consumers.bookkeeping import POSITIONS
from consumers.facts import ListEntry
from consumers.list_plan import Limits, Wanted, limits, wanted
from consumers.projection import Row
from consumers.stores import Store
from consumers.tokens import ID_TOKENS

EVERYBODY = "*"
"""The name of the list that all stations have (see IdToken)."""

# Tokens often change many at a time, and every change of a list is a command to each station.
SETTLE_MS = 2_000
SETTLE_MOST_MS = 300_000
REST = 10  # times as long as reading them took: nothing is read
_AT_ONCE = 2_000
_WHOLE_LISTS = 64  # kept in memory, of those that differ

_Key = tuple[str, str, Limits]


@dataclass(frozen=True, slots=True)
class Brief:
    """Of what a list is to hold: its digest, how many entries, and how many do not fit."""

    digest: str
    entries: int
    left_out: int


class Tokens:
    """The tokens by list, of one store. They are those of all its partition numbers."""

    def __init__(self, store: Store, *, settle_ms: int = SETTLE_MS) -> None:
        self._store = store
        self._settle_ms = settle_ms
        self._lists: dict[str, dict[str, ListEntry]] = {}
        self._read: dict[int, int] | None = None  # the positions that the lists are of
        self._seen: dict[int, int] | None = None
        self._changed_ms = 0  # when `_seen` last changed,
        self._waiting_ms: int | None = None  # and since when it has been other than `_read`
        self._rest_until_ms = 0
        self._whole: dict[_Key, Wanted] = {}
        self._briefs: dict[_Key, Brief] = {}

    @property
    def known(self) -> bool:
        """Whether they were ever read."""
        return self._read is not None

    def wanted(self, row: Row) -> Wanted:
        """What a station's list is to hold; `row` is its row in `local_list_stations`."""
        key = self._key(row)
        found = self._whole.pop(key, None)
        if found is None:
            name, version, room = key
            issued = self._lists.get(EVERYBODY, {}) | self._lists.get(name, {})
            found = wanted(issued.values(), version, room)
            if len(self._whole) >= _WHOLE_LISTS:
                del self._whole[next(iter(self._whole))]
        self._whole[key] = found  # the last one used is the last one to go
        return found

    def brief(self, row: Row) -> Brief:
        """As `wanted`, of which many stations have the same."""
        key = self._key(row)
        if key not in self._briefs:
            found = self.wanted(row)
            self._briefs[key] = Brief(found.digest, len(found.entries), found.left_out)
        return self._briefs[key]

    def _key(self, row: Row) -> _Key:
        # The list of everybody, where no token is for its group alone.
        group, told = row["station_group"], limits(row)
        room = Limits(bytes_per_call=told.bytes_per_call, entries_max=told.entries_max)
        return group if group in self._lists else EVERYBODY, row["ocpp_version"], room

    async def refresh(self, now_ms: int) -> bool:
        """Read them again if they have changed, and stand still; tells whether it did.

        Raises Away.
        """
        seen = await self._positions()
        if seen != self._seen:
            self._seen, self._changed_ms = seen, now_ms
            if self._waiting_ms is None:
                self._waiting_ms = now_ms
        if self._seen == self._read or self._waiting_ms is None or now_ms < self._rest_until_ms:
            return False
        still = now_ms - self._changed_ms >= self._settle_ms
        if not still and now_ms - self._waiting_ms < SETTLE_MOST_MS:
            return False
        self._lists = await self._select()
        self._whole, self._briefs = {}, {}
        self._read, self._waiting_ms = seen, None
        return True

    def rest(self, now_ms: int, took_ms: int) -> None:
        """What reading them cost, so that it is not done all the time."""
        self._rest_until_ms = now_ms + REST * took_ms

    async def _positions(self) -> dict[int, int]:
        """How far the log of tokens is in the tables: another place means other tokens."""
        mine = (POSITIONS.c.consumer == self._store.name) & (POSITIONS.c.topic == "id-tokens")
        statement = select(POSITIONS.c.partition, POSITIONS.c.position).where(mine)
        async with self._store.transaction() as connection:
            return {row.partition: row.position for row in await connection.execute(statement)}

    async def _select(self) -> dict[str, dict[str, ListEntry]]:
        of = ID_TOKENS.c
        statement = select(
            *(of.token, of.spelling, of.token_type, of.status, of.expires_ms),
            *(of.group_token, of.lists),
        ).where(of.lists.is_not(None), of.status.is_not(None))
        found: dict[str, dict[str, ListEntry]] = {}
        async with self._store.transaction() as connection:
            rows = await connection.stream(statement)
            async for part in rows.partitions(_AT_ONCE):
                for token, *told, names in part:
                    entry = ListEntry(*told)
                    for name in json.loads(names):
                        found.setdefault(name, {})[token] = entry
        return found
