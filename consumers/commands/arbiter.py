"""Gives every command its one result: settles what gateways leave, asks again where one waits."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from consumers.commands import arbiter_records, arbiter_rows
from consumers.commands.arbiter_records import Outgoing
from consumers.commands.arbitration import (
    OUTCOMES,
    AskAgain,
    End,
    Limits,
    Settle,
    circumstances,
    step,
)
from consumers.commands.once import Once
from consumers.meaning.facts import (
    CommandAsked,
    CommandEnded,
    CommandSettled,
    CommandTaken,
    Connected,
    Disconnected,
)
from consumers.metrics import Metrics
from consumers.sequels.running import FactsOf, Parts
from consumers.stores.changes import Ownership
from consumers.tables.projections import Row
from programs.kafka import clients as kafka_clients
from programs.kafka.copies import Copies
from schemas.replying import Headers
from schemas.topics import partition

COUNT_EVERY_MS = 15_000
ACK_TIME_S = 10.0

_TELLS = (CommandAsked, CommandTaken, CommandSettled, Connected, Disconnected)


class _Copied(NamedTuple):
    value: bytes
    headers: Headers
    at_ms: int


class Counts:
    """What is counted of commands."""

    def __init__(self, metrics: Metrics) -> None:
        self.ended = metrics.counter("commands_ended")
        self.settled = metrics.counter("commands_settled")
        self.results = metrics.counter("commands_results")
        self.again = metrics.counter("commands_asked_again")
        self.copies = metrics.counter("commands_copies")
        self.open = metrics.gauge("commands_open")


class Arbiter:
    """A sequel. What it keeps in memory spares records; what must be so is in rows and the log."""

    def __init__(self, parts: Parts, copies: Copies, counts: Counts) -> None:
        config = parts.config
        self._parts = parts
        self._once = Once(parts.producer)
        self._copies = copies
        self.counts = counts
        self._limits = Limits(
            claim_ms=round(config.claim_wait_s * 1000),
            answer_ms=round(config.answer_wait_s * 1000),
        )
        self._numbers: frozenset[int] = frozenset()
        # (station, command) -> circumstances, and since when they are known.
        self._since: dict[arbiter_rows.Place, tuple[tuple[Any, ...], int]] = {}
        self._counted_ms = 0

    async def committed(self, facts: FactsOf) -> None:
        """Judge the commands of those stations of which something is new. Raises as `woken`."""
        stations = set()
        for number, found in facts.items():
            for fact in found if number in self._numbers else ():
                if isinstance(fact, _TELLS):
                    stations.add(fact.at.station)
                elif isinstance(fact, CommandEnded):
                    # Anyone may write a result, with whatever outcome.
                    outcome = fact.outcome if fact.outcome in OUTCOMES else "other"
                    self.counts.ended.labels(outcome).inc()
        if stations:
            await self._arbitrate(stations)

    async def woken(self, owned: Mapping[int, Ownership]) -> None:
        """Judge all that is open. Raises what Store and Producer raise."""
        if self._numbers != owned.keys():
            self._numbers = frozenset(owned)
            self._since.clear()
        if self._numbers:
            seen = await self._arbitrate()
            self._since = {place: self._since[place] for place in seen}
            await self._count()

    async def close(self) -> None:
        """End the copies."""
        await self._copies.stop()

    async def _arbitrate(self, stations: Collection[str] = ()) -> set[arbiter_rows.Place]:
        """Write what is owed to open commands, of some stations or all; returns those looked at."""
        now_ms, after = self._parts.now_ms(), ("", "")
        store, limits, seen = self._parts.store, self._limits, set()
        while True:
            page = await arbiter_rows.owed(store, now_ms, limits, after, stations)
            mine = [row for row in page if self._is_mine(row["station"])]
            seen |= {_place(row) for row in mine}
            await self._perform(mine, now_ms)
            if len(page) < arbiter_rows.PAGE:
                return seen
            after = _place(page[-1])

    async def _perform(self, rows: Sequence[Row], now_ms: int) -> None:
        writing, doing = [], {}
        for row in rows:
            found = step(row, self._known_since(row, now_ms), now_ms, self._limits)
            match found:
                case Settle():
                    one = arbiter_records.settled(row, found, now_ms)
                case End():
                    one = arbiter_records.result(row, found, now_ms)
                case AskAgain():
                    one = arbiter_records.again(row, found)
                case None:
                    continue
            writing.append(one)
            doing[one.what] = row, found
        for one in await self._once.write(writing, now_ms):
            self._note(*doing[one.what], one, now_ms)

    def _note(self, row: Row, done: Settle | End | AskAgain, one: Outgoing, now_ms: int) -> None:
        """Count what was written, and copy a result to who asked."""
        match done:
            case Settle(outcome):
                self.counts.settled.labels(outcome).inc()
            case AskAgain():
                self.counts.again.inc()
            case End(outcome):
                self.counts.results.labels(outcome).inc()
                if (to := arbiter_records.reply_to(row)) is not None:
                    value = self._parts.codec.encode(one.topic, one.record)
                    copied = _Copied(value, one.headers, now_ms)
                    self._copies.post(to, one.station.encode(), copied)

    def _known_since(self, row: Row, now_ms: int) -> int:
        place, now = _place(row), circumstances(row)
        before, since_ms = self._since.get(place, (None, now_ms))
        if before != now:
            since_ms = now_ms
        self._since[place] = now, since_ms
        return since_ms

    def _is_mine(self, station: str) -> bool:
        return partition(station.encode(), self._parts.config.partitions) in self._numbers

    async def _count(self) -> None:
        now_ms = self._parts.now_ms()
        if now_ms - self._counted_ms < COUNT_EVERY_MS:
            return
        self._counted_ms = now_ms
        found = await arbiter_rows.states(self._parts.store)
        for state in ("waiting", "taken", "settled"):
            self.counts.open.labels(state).set(found.get(state, 0))


def _place(row: Row) -> arbiter_rows.Place:
    return row["station"], row["command_id"]


def sequel(parts: Parts) -> Arbiter:
    """The sequel of the consumer `commands` that arbitrates."""
    config, counts = parts.config, Counts(parts.metrics)
    connect = partial(
        kafka_clients.open_producer,
        config.client_options(),
        frame_limit_bytes=config.frame_limit_bytes,
        ack_time_s=ACK_TIME_S,
    )
    copies = Copies(
        connect=connect,
        prefix=config.prefix,
        count=lambda outcome: counts.copies.labels(outcome).inc(),
    )
    return Arbiter(parts, copies, counts)
