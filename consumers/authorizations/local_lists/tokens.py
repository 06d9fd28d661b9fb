"""What each local list is to hold, as the tables of tokens say; read again when they change."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Select, select

from consumers.authorizations.local_lists.plan import Limits, Wanted, limits, wanted
from consumers.authorizations.tokens import ID_TOKENS
from consumers.meaning.facts import ListEntry
from consumers.stores.bookkeeping import POSITIONS
from consumers.stores.store import Store
from consumers.tables.projections import Row

EVERYBODY = "*"
"""The name of the list that all stations have (see IdToken)."""

# Tokens often change many at a time, and every change of a list is a command to each station.
SETTLE_MS = 2_000
SETTLE_MOST_MS = 300_000
LIST_MAX = 20_000
"""No station's list may be longer (the view `local_lists_now` has it, too).

Such a list is not worked out: its stations keep what they hold.
"""
PAGE = 1_000  # tokens
PAGES_AT_ONCE = 20  # of one `refresh`
REST_MS = 200  # for each page read, about ten times as long as that took, nothing is read
_WHOLE_LISTS = 64  # kept in memory, of those that differ

_Key = tuple[str, str, Limits]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Brief:
    """Of what a list is to hold: its digest, how many entries, and how many do not fit."""

    digest: str
    entries: int
    left_out: int


@dataclass(slots=True)
class _Reading:
    """How far tokens are read; a list is None once it is too long."""

    positions: dict[int, int]
    pages: int = 0
    last: str = ""  # token
    lists: dict[str, dict[str, ListEntry] | None] = field(default_factory=dict)


def page_after(token: str) -> Select[Any]:
    """The next tokens that are in lists: as compared, the parts of a ListEntry, the lists."""
    of = ID_TOKENS.c
    entry = of.spelling, of.token_type, of.status, of.expires_ms, of.group_token
    listed = select(of.token, *entry, of.lists).where(of.lists.is_not(None), of.token > token)
    return listed.order_by(of.token).limit(PAGE)


class Tokens:
    """The tokens by list, of one store. They are those of all its partition numbers.

    However many there are, the event loop is free: they are read page by page, by several calls of
    `refresh` where one is not enough, and lists are worked out in a thread.
    """

    def __init__(self, store: Store, *, settle_ms: int = SETTLE_MS) -> None:
        self._store = store
        self._settle_ms = settle_ms
        self._lists: dict[str, dict[str, ListEntry] | None] = {}
        self._read: dict[int, int] | None = None  # the positions that the lists are of
        self._seen: dict[int, int] | None = None
        self._changed_ms = 0  # when `_seen` last changed,
        self._waiting_ms: int | None = None  # and since when it has been other than `_read`
        self._rest_until_ms = 0
        self._reading: _Reading | None = None
        self._working = asyncio.Lock()  # many stations have the same list
        self._whole: dict[_Key, Wanted] = {}
        self._briefs: dict[_Key, Brief | None] = {}

    @property
    def known(self) -> bool:
        """Whether they were ever read."""
        return self._read is not None

    async def wanted(self, row: Row) -> Wanted:
        """What a station's list is to hold; `row` is its row in `local_list_stations`.

        Only for a list of which there is a `brief`.
        """
        key = self._key(row)
        async with self._working:
            found = self._whole.pop(key, None)
            if found is None:
                name, version, room = key
                issued = self._issued(name)
                assert issued is not None, "a list that is too long is not worked out"
                found = await asyncio.to_thread(wanted, issued.values(), version, room)
                if len(self._whole) >= _WHOLE_LISTS:
                    del self._whole[next(iter(self._whole))]
            self._whole[key] = found  # the last one used is the last one to go
        return found

    async def brief(self, row: Row) -> Brief | None:
        """As `wanted`, of which many stations have the same; None: the list is too long."""
        key = self._key(row)
        if key not in self._briefs:
            if self._issued(key[0]) is None:
                self._briefs[key] = None
            else:
                found = await self.wanted(row)
                self._briefs[key] = Brief(found.digest, len(found.entries), found.left_out)
        return self._briefs[key]

    def _key(self, row: Row) -> _Key:
        # The list of everybody, where no token is for its group alone.
        group, told = row["station_group"], limits(row)
        room = Limits(bytes_per_call=told.bytes_per_call, entries_max=told.entries_max)
        return group if group in self._lists else EVERYBODY, row["ocpp_version"], room

    def _issued(self, name: str) -> dict[str, ListEntry] | None:
        """The tokens of a list and those for everybody; None: too many."""
        everybody, own = self._lists.get(EVERYBODY, {}), self._lists.get(name, {})
        if everybody is None or own is None:
            return None
        both = everybody | own
        return both if len(both) <= LIST_MAX else None

    async def refresh(self, now_ms: int) -> bool:
        """Read them again if they have changed, and stand still; tells whether all are read.

        If not, the next call goes on with it, and lists are as they were. Raises Away.
        """
        seen = await self._positions()
        if seen != self._seen:
            self._seen, self._changed_ms = seen, now_ms
            if self._waiting_ms is None:
                self._waiting_ms = now_ms
        if self._reading is None:
            if not self._is_time(now_ms):
                return False
            self._reading = _Reading(seen)
        for _ in range(PAGES_AT_ONCE):
            if await self._read_page(self._reading) < PAGE:
                self._end(self._reading, now_ms)
                return True
        return False

    def _is_time(self, now_ms: int) -> bool:
        if self._seen == self._read or self._waiting_ms is None or now_ms < self._rest_until_ms:
            return False
        still = now_ms - self._changed_ms >= self._settle_ms
        return still or now_ms - self._waiting_ms >= SETTLE_MOST_MS

    def _end(self, reading: _Reading, now_ms: int) -> None:
        self._reading, self._lists, self._read = None, reading.lists, reading.positions
        self._whole, self._briefs = {}, {}
        # What has changed since then may have been read, or not.
        self._waiting_ms = None if self._seen == self._read else self._changed_ms
        self._rest_until_ms = now_ms + REST_MS * reading.pages
        if too_long := sorted(name for name, found in self._lists.items() if found is None):
            log.error(
                "local lists are too long: their stations keep what they hold",
                lists=too_long[:10],
                number=len(too_long),
                entries_max=LIST_MAX,
            )

    async def _positions(self) -> dict[int, int]:
        """How far the log of tokens is in the tables: another place means other tokens."""
        mine = (POSITIONS.c.consumer == self._store.name) & (POSITIONS.c.topic == "id-tokens")
        statement = select(POSITIONS.c.partition, POSITIONS.c.position).where(mine)
        async with self._store.transaction() as connection:
            return {row.partition: row.position for row in await connection.execute(statement)}

    async def _read_page(self, reading: _Reading) -> int:
        """Read some more, and tell how many. It is not done, or done in full."""
        async with self._store.transaction() as connection:
            page = (await connection.execute(page_after(reading.last))).all()
        for token, *told, names in page:
            entry = ListEntry(*told)
            for name in json.loads(names):
                found = reading.lists.setdefault(name, {})
                if found is not None:
                    found[token] = entry
                    if len(found) > LIST_MAX:
                        reading.lists[name] = None
        if page:
            reading.last = page[-1].token
        reading.pages += 1
        return len(page)
