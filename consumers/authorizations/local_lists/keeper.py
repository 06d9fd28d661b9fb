"""Keeps local authorization lists: asks each station for the next step to what it should hold."""

import asyncio
from collections.abc import Mapping
from itertools import chain, islice
from typing import Any

import msgspec
import structlog

from consumers.authorizations.local_lists import contents, plan, rows, stations
from consumers.authorizations.local_lists.due import Due
from consumers.authorizations.local_lists.plan import Asking, Check, Learn, Send, Wait, Wanted
from consumers.authorizations.local_lists.tokens import SETTLE_MS, Tokens
from consumers.authorizations.local_lists.wording import VERSIONS, limits_question, send_local_list
from consumers.meaning.list_commands import CHECK, REQUESTED_BY, SEND, command_id
from consumers.sequels.running import FactsOf, Parts, Sequel
from consumers.stores.changes import Ownership
from consumers.tables.projections import Row
from schemas.topics import partition

PAGE = 1000  # stations looked at in a sweep, each second,
NAMES = 10 * PAGE  # of so many: those of other processes cost no more than their names
ASKS_AT_ONCE = 100
SWEEP_EVERY_MS = 60_000  # facts tell what changes; a sweep finds what was missed
VALID_MS = 60_000
STUCK_MS = 3_600_000

log = structlog.get_logger(__name__)


def sequel(parts: Parts) -> Sequel:
    """What keeps the lists of one store's stations."""
    return Keeper(parts)


class Keeper:
    """A sequel. What it keeps in memory spares work; all that must not be done twice is in rows."""

    def __init__(self, parts: Parts, *, settle_ms: int = SETTLE_MS) -> None:
        self._parts = parts
        self._on = parts.config.local_lists == "on"
        self._tokens = Tokens(parts.store, settle_ms=settle_ms)
        self._numbers: frozenset[int] = frozenset()
        self._due = Due()
        self._asked: dict[str, tuple[str, int]] = {}  # command not read back yet, until when
        self._tried: dict[str, dict[type, tuple[Any, ...]]] = {}  # by step, when last asked
        self._cursor: str | None = None  # the station before the next page of the sweep
        self._swept_ms = 0
        self._states: dict[str, int] = {}
        self._cut = 0
        self._stations = parts.metrics.gauge("local_lists_stations")
        self._stuck = parts.metrics.counter("local_lists_stuck")
        self._commands = parts.metrics.counter("local_lists_commands")
        self._left_out = parts.metrics.gauge("local_lists_cut")

    async def committed(self, facts: FactsOf) -> None:
        """Look at once at those stations of which something is new. Raises as `woken`."""
        ours = [found for number, found in facts.items() if number in self._numbers]
        if not ours:
            return
        now_ms = self._parts.now_ms()
        for fact in chain.from_iterable(ours):
            if contents.group(fact) is not None or stations.group(fact) is not None:
                self._due[fact.at.station] = now_ms
        await self._attend(now_ms)

    async def woken(self, owned: Mapping[int, Ownership]) -> None:
        """Look at the stations that are due, and at one more page of all of them.

        Raises what Store and Producer raise.
        """
        if not self._on:
            return
        now_ms = self._parts.now_ms()
        if self._numbers != owned.keys():
            self._take_up(frozenset(owned))
        if await self._tokens.refresh(now_ms):
            self._due = Due()
            self._begin_sweep()
        if not self._tokens.known or not self._numbers:
            return
        if self._cursor is None and now_ms - self._swept_ms >= SWEEP_EVERY_MS:
            self._begin_sweep()
        await self._attend(now_ms)
        if self._cursor is not None:
            await self._sweep(now_ms)

    def _take_up(self, numbers: frozenset[int]) -> None:
        self._numbers = numbers
        kept: Due | dict[str, Any]
        for kept in (self._due, self._asked, self._tried):
            for station in [one for one in kept if not self._is_mine(one)]:
                del kept[station]
        self._begin_sweep()

    def _is_mine(self, station: str) -> bool:
        return partition(station.encode(), self._parts.config.partitions) in self._numbers

    def _begin_sweep(self) -> None:
        self._cursor, self._states, self._cut = "", {}, 0

    async def _sweep(self, now_ms: int) -> None:
        assert self._cursor is not None, "a sweep is under way"
        names = await rows.connected(self._parts.store, self._cursor, NAMES)
        mine = list(islice(filter(self._is_mine, names), PAGE))
        there = await rows.of(self._parts.store, mine)
        for station in mine:
            if row := there.get(station):
                await self._count(row, now_ms)
            self._cursor = station  # where the next wake goes on if this one takes too long
        if len(mine) == PAGE:
            return
        if len(names) == NAMES:
            self._cursor = names[-1]
            return
        self._cursor, self._swept_ms = None, now_ms
        self._stations.clear()
        for state, number in self._states.items():
            self._stations.labels(state).set(number)
        self._left_out.set(self._cut)

    async def _count(self, row: Row, now_ms: int) -> None:
        """Note one station of a sweep, and when to look at it."""
        state, station = "behind", row["station"]
        match await self._step(row, now_ms):
            case Check() | Learn() | Send():
                self._due.setdefault(station, now_ms)
            case Wait(until_ms):
                self._due.setdefault(station, until_ms)
            case None:
                state = "left alone"
        if row["ocpp_version"] in VERSIONS:
            brief = await self._tokens.brief(row)
            if brief is None:
                state = "too long"
            elif state == "left alone" and row["digest"] == brief.digest:
                state = "in sync"
            self._cut += brief is not None and brief.left_out > 0
        self._states[state] = self._states.get(state, 0) + 1

    async def _attend(self, now_ms: int) -> None:
        """Look at some of those that are due, and ask those that need it."""
        if not self._tokens.known:
            return
        due = self._due.soonest(now_ms, ASKS_AT_ONCE)
        if not due:
            return
        there = await rows.of(self._parts.store, due)
        asking = []
        for station in due:
            row = there.get(station)
            match None if row is None else await self._step(row, now_ms):
                case Check() | Learn() | Send() as step:
                    assert row is not None, "there is no step without a row"
                    asking.append(self._ask(row, step, now_ms))
                case Wait(until_ms):
                    self._due[station] = until_ms
                case None:
                    del self._due[station]
        failed = await asyncio.gather(*asking, return_exceptions=True)
        if error := next(filter(None, failed), None):
            raise error

    async def _step(self, row: Row, now_ms: int) -> plan.Step:
        """As the plan has it, but for a command that was not read back yet."""
        name, until_ms = self._asked.get(row["station"], ("", 0))
        if name == row["asked_id"] or until_ms <= now_ms:
            self._asked.pop(row["station"], None)
        else:
            return Wait(until_ms)
        if row["ocpp_version"] not in VERSIONS:
            return None
        brief = await self._tokens.brief(row)
        if brief is None:
            return None
        return plan.step(row, brief.digest, anything_wanted=brief.entries > 0, now_ms=now_ms)

    async def _ask(self, row: Row, step: Asking, now_ms: int) -> None:
        station = row["station"]
        wanted = await self._tokens.wanted(row) if isinstance(step, Send) else None
        tried = self._state(row, wanted)
        if self._is_stuck(row, step, tried):
            # Whatever the reason: to ask over and over would not change it.
            log.warning("a local list does not come out as it was sent", station=station)
            self._stuck.inc()
            self._due[station] = now_ms + STUCK_MS
            return
        action, payload = await self._call(row, step, wanted)
        name = command_id(station, row["connection_epoch"], row["asked_id"], row["ended_id"])
        until_ms = now_ms + VALID_MS
        record = {
            "command_id": name,
            "station": station,
            "action": action,
            "payload": msgspec.json.encode(payload).decode(),
            "expires_at": until_ms,
            "when_offline": "fail",
            "attempt": 1,
            "requested_by": REQUESTED_BY,
        }
        await self._parts.producer.send("commands", station.encode(), record)
        self._commands.labels(action).inc()
        self._tried.setdefault(station, {})[type(step)] = tried
        self._asked[station] = name, until_ms + plan.ANSWER_TIME_MS
        self._due[station] = until_ms + plan.ANSWER_TIME_MS

    def _state(self, row: Row, wanted: Wanted | None) -> tuple[Any, ...]:
        """What the answer to a step should change; `wanted` is that of a Send."""
        if wanted is not None:
            return row["connection_epoch"], row["digest"], wanted.digest
        return row["connection_epoch"], row["answered_ms"], row["learned_epoch"]

    def _is_stuck(self, row: Row, step: Asking, state: tuple[Any, ...]) -> bool:
        """Whether the last command was done as it should be, and has changed nothing."""
        answered = row["ended_id"] == row["asked_id"] and row["outcome"] == "answered"
        done = answered and not (isinstance(step, Send) and row["failures"])
        return done and self._tried.get(row["station"], {}).get(type(step)) == state

    async def _call(
        self, row: Row, step: Asking, wanted: Wanted | None
    ) -> tuple[str, dict[str, Any]]:
        """The action and the payload that carry a step out."""
        if wanted is None or not isinstance(step, Send):
            return (CHECK, {}) if isinstance(step, Check) else limits_question(row["ocpp_version"])
        held = None if step.full else await rows.entries(self._parts.store, row["station"])
        version, limits = row["ocpp_version"], plan.limits(row)
        full, entries = plan.piece(held, wanted, version, limits)
        return SEND, send_local_list(version, step.version, full=full, entries=entries)
