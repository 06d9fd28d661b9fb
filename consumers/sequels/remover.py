"""Removes rows that have grown old, a few at a time, so that the folding hardly notices."""

import asyncio
import time
from collections.abc import Iterable, Mapping

import structlog
from sqlalchemy import Table

from consumers.sequels.running import FactsOf, Parts, Sequel
from consumers.stores import retention
from consumers.stores.changes import Ownership
from consumers.stores.store import Fenced
from consumers.tables.projections import Row
from schemas.topics import partition

AT_ONCE = 500  # rows of a transaction; whoever folds waits for as long as it takes
PASS_TIME_S = 5.0  # of those that a sequel has
EVERY_MS = 60_000
# Looked through again in every pass: rows may come late, by a clock that is behind another one.
OVERLAP_MS = 60_000
TELL_EVERY_S = 10.0
FIRST_MS = -(2**62)

log = structlog.get_logger(__name__)


def sequel(parts: Parts) -> Sequel:
    """What removes for one store."""
    return Remover(parts)


class Remover:
    """Once a minute, all rows that have grown too old since; of partition numbers that are ours.

    A backlog is folded first: numbers that are not caught up with wait. A fold leaves out what is
    too old already, so a rebuild makes nothing that is to be removed.
    """

    def __init__(self, parts: Parts) -> None:
        self._metrics = parts.metrics
        tables = parts.store.tables
        self._tables = [_Aging(parts, table) for table in tables if table.name in parts.store.ages]

    async def committed(self, facts: FactsOf) -> None:
        """Age is told by the clock."""

    async def woken(self, owned: Mapping[int, Ownership]) -> None:
        """Remove some. Raises what Store raises."""
        generations = {number: one.generation for number, one in owned.items()}
        end_s = time.monotonic() + PASS_TIME_S
        overdue_ms = 0
        for table in self._tables if owned else ():
            try:
                overdue_ms = max(overdue_ms, await table.some(generations, end_s))
            except Fenced:
                return  # whoever has them now removes them
        self._metrics.overdue.set(overdue_ms / 1000)


class _Aging:
    """One table, and how far its old rows are removed."""

    def __init__(self, parts: Parts, table: Table) -> None:
        self._store = parts.store
        self._partitions = parts.config.partitions
        self._now_ms = parts.now_ms
        self._removed = parts.metrics.removed
        self._table = table
        self._age = parts.store.ages[table.name]
        self._generations: Mapping[int, int] = {}
        self._at_ms = FIRST_MS
        self._done = True
        self._due_ms = 0
        self._limit = AT_ONCE
        self._progress = _Progress(table.name)

    async def some(self, generations: Mapping[int, int], end_s: float) -> int:
        """Go on until all is done or time is up; returns how much too old the oldest may be, ms."""
        now_ms = self._now_ms()
        before_ms = now_ms - self._store.kept_ms
        if self._done or generations != self._generations:
            if generations == self._generations and now_ms < self._due_ms:
                return 0
            reached_ms = await retention.reached(self._store, self._table, generations)
            self._at_ms = FIRST_MS if reached_ms is None else reached_ms - OVERLAP_MS
            self._generations, self._done = generations, False
            self._due_ms, self._limit = now_ms + EVERY_MS, AT_ONCE
            self._progress = _Progress(self._table.name)
        while not self._done:
            begun_s = time.monotonic()
            await self._slice(before_ms)
            spent_s = (now_s := time.monotonic()) - begun_s
            if now_s + spent_s >= end_s:
                break  # the rest is for whoever folds
            await asyncio.sleep(spent_s)  # as long for whoever folds
        await retention.note(self._store, self._table, generations, self._at_ms)
        return before_ms - self._at_ms

    async def _slice(self, before_ms: int) -> None:
        limit = self._limit
        found = await retention.old(self._store, self._table, self._at_ms, before_ms, limit)
        if mine := self._mine(found):
            removed = await retention.remove(self._store, self._table, self._generations, mine)
            self._removed.inc(removed)
            self._progress.removed(removed, found[0][self._age])
        if len(found) < limit:
            # Which is back again, where rows are to be kept longer or the clock was put back.
            self._at_ms, self._done, self._limit = before_ms, True, AT_ONCE
        else:
            # There may be more of the last millisecond, and ours behind others' that fill a slice.
            last_ms = found[-1][self._age]
            is_stuck = last_ms == self._at_ms and not mine
            self._limit = 2 * limit if is_stuck else AT_ONCE
            self._at_ms = last_ms
        self._progress.at(self._at_ms, before_ms)

    def _mine(self, rows: Iterable[Row]) -> dict[int, list[Row]]:
        """The rows of our partition numbers, by number."""
        homes: dict[str, int] = {}
        found: dict[int, list[Row]] = {}
        for row in rows:
            station = row["station"]
            if station not in homes:
                homes[station] = partition(station.encode(), self._partitions)
            if homes[station] in self._generations:
                found.setdefault(homes[station], []).append(row)
        return found


class _Progress:
    """Tells of a pass that takes long, such as the first one of a table of years."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._begun_s = self._told_s = time.monotonic()
        self._rows = 0
        self._first_ms: int | None = None

    def removed(self, rows: int, first_ms: int) -> None:
        """So many are gone, of which the oldest was of this time."""
        self._rows += rows
        if self._first_ms is None:
            self._first_ms = first_ms

    def at(self, at_ms: int, before_ms: int) -> None:
        """All that is older than `at_ms` is gone; all that is older than `before_ms` is to go."""
        now_s = time.monotonic()
        over = at_ms >= before_ms and self._told_s > self._begun_s  # tell the end of what was told
        if self._first_ms is None or (now_s < self._told_s + TELL_EVERY_S and not over):
            return
        self._told_s = now_s
        spent_s = now_s - self._begun_s
        done, whole = at_ms - self._first_ms, before_ms - self._first_ms
        log.info(
            "removing old rows",
            table=self._table,
            rows=self._rows,
            per_s=round(self._rows / spent_s),
            percent=round(100 * done / whole, 1),
            left_s=round(spent_s * (whole - done) / done) if done > 0 else None,
        )
