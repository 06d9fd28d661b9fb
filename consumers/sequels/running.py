"""What a consumer does beside its tables: decides, asks, publishes; it never holds them up."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import structlog

from consumers.config import Config
from consumers.meaning.facts import Fact
from consumers.metrics import Metrics
from consumers.sequels.producing import Producer
from consumers.stores.changes import Ownership
from consumers.stores.store import Store
from programs.tracing import Tracing
from schemas.codec import Codec

LOG_EVERY_S = 5.0
TOLD_AT_ONCE = 2000  # facts

FactsOf = Mapping[int, Sequence[Fact]]
"""Facts by the partition number that they came from."""

log = structlog.get_logger(__name__)


class Sequel(Protocol):
    """Something that follows from rows. One call at a time; none of them may be taken for granted.

    A process can die between a commit and its `committed`, so what must happen in the end follows
    from rows, in `woken`. What takes longer than its limit is cancelled. Whatever is raised is
    logged and counted, and that is all.
    """

    async def committed(self, facts: FactsOf) -> None:
        """The rows of these facts are committed, those of each partition number in that order.

        Never called during a rebuild, but for a backlog: so look at deadlines. Within
        `Limits.committed_s`.
        """

    async def woken(self, owned: Mapping[int, Ownership]) -> None:
        """About once a second: these partition numbers are ours, and caught up with the log.

        Within `Limits.woken_s`.
        """


@runtime_checkable
class Closing(Protocol):
    """A sequel that holds something of its own, such as a connection."""

    async def close(self) -> None:
        """Let go of it; within `Limits.committed_s`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a sequel may take, and how many facts wait for one that takes longer."""

    committed_s: float = 2.0
    woken_s: float = 10.0
    facts: int = 50_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What a sequel is made of. `now_ms` is the clock: milliseconds since 1970 (UTC).

    Without `tracing` nothing is traced.
    """

    config: Config
    store: Store
    codec: Codec
    producer: Producer
    metrics: Metrics
    now_ms: Callable[[], int]
    tracing: Tracing | None = None


_USUAL = Limits()


class Sequels:
    """Runs sequels beside the folding, each at its own pace; `close` ends them.

    Who is so slow that too many facts wait is not told of what comes then.
    """

    def __init__(
        self, sequels: Sequence[Sequel], metrics: Metrics, limits: Limits = _USUAL
    ) -> None:
        self._running = [_Running(one, metrics, limits) for one in sequels]

    def committed(self, facts: FactsOf) -> None:
        """Hand on what was committed."""
        for one in self._running if facts else ():
            one.committed(facts)

    def woken(self, owned: Mapping[int, Ownership]) -> None:
        """Hand on what is caught up with."""
        for one in self._running:
            one.woken(owned)

    async def close(self) -> None:
        """End all of them; what was committed is still told to those that are quick."""
        await asyncio.gather(*(one.close() for one in self._running))


class _Running:
    """One sequel, and what it has still to be told."""

    def __init__(self, sequel: Sequel, metrics: Metrics, limits: Limits) -> None:
        self._sequel = sequel
        self._metrics = metrics
        self._limits = limits
        self._told: deque[FactsOf] = deque()
        self._facts = 0  # in `_told`
        self._owned: Mapping[int, Ownership] | None = None
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._logged_s = -LOG_EVERY_S
        self._task = asyncio.create_task(self._run())

    def committed(self, facts: FactsOf) -> None:
        if self._told and self._facts + _count(facts) > self._limits.facts:
            self._failed("a sequel is too slow: it is not told of all facts", None)
            return
        self._told.append(facts)
        self._facts += _count(facts)
        self._news.set()

    def woken(self, owned: Mapping[int, Ownership]) -> None:
        self._owned = owned
        self._news.set()

    async def close(self) -> None:
        self._owned = None
        if self._told and not self._task.done():
            self._idle.clear()
            idle = asyncio.create_task(self._idle.wait())
            await asyncio.wait({idle, self._task}, timeout=self._limits.committed_s)
            idle.cancel()
        self._task.cancel()
        await asyncio.wait({self._task})
        if isinstance(self._sequel, Closing):
            await self._within(self._limits.committed_s, self._sequel.close())

    async def _run(self) -> None:
        while True:
            if self._owned is not None:
                owned, self._owned = self._owned, None
                await self._within(self._limits.woken_s, self._sequel.woken(owned))
            elif self._told:
                telling = self._sequel.committed(self._taken())
                await self._within(self._limits.committed_s, telling)
            else:
                self._idle.set()
                self._news.clear()
                await self._news.wait()

    def _taken(self) -> FactsOf:
        """Some of what waits: a sequel's questions cost as much for one fact as for many."""
        found: dict[int, list[Fact]] = {}
        taken = 0
        while self._told and (not found or taken + _count(self._told[0]) <= TOLD_AT_ONCE):
            taken += _count(self._told[0])
            for number, facts in self._told.popleft().items():
                found.setdefault(number, []).extend(facts)
        self._facts -= taken
        return found

    async def _within(self, limit_s: float, doing: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(limit_s):
                await doing
        except Exception as error:
            self._failed("a sequel failed", error)

    def _failed(self, what: str, error: Exception | None) -> None:
        self._metrics.sequel_failures.inc()
        if (now_s := time.monotonic()) < self._logged_s + LOG_EVERY_S:
            return
        self._logged_s = now_s
        name = type(self._sequel).__name__
        log.error(what, sequel=name, error=repr(error) if error else "", exc_info=error)


def _count(facts: FactsOf) -> int:
    return sum(map(len, facts.values()))
