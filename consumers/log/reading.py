"""Reads one group member's partitions into one store, until either of them breaks."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from consumers.log.batches import Batch, batches
from consumers.log.beginnings import JOINING, beginning, obstacle
from consumers.log.delays import Delays
from consumers.log.folding import Folder
from consumers.log.membership import Membership
from consumers.log.rebuild import Progress
from consumers.log.traces import Traces, marked
from consumers.metrics import Metrics
from consumers.sequels.running import Sequels
from consumers.stores.changes import Ownership
from consumers.stores.store import Fenced, Store

POLL_MS = 200
TELL_EVERY_S = 5.0  # Kafka, how far we are: for dashboards alone
MEASURE_EVERY_S = 1.0
COMMITS_AT_ONCE = 2
CAUGHT_UP_S = 5.0  # who is further behind knows too little to do more than fold
LEARN_EVERY_S = 10.0
ASIDE_TIME_S = 2.0  # for what must not hold up the folding
SILENCE_S = 60.0  # a broker answers every fetch within half a second

log = structlog.get_logger(__name__)


class Reading:
    """From joining the group to the first failure, which passes through.

    `learn` asks for a schema by its id, and tells whether it is known now. `unready` says why
    nothing, or not all, is folded at the moment.
    """

    def __init__(  # noqa: PLR0913 - everything outside arrives as an argument
        self,
        *,
        consumer: AIOKafkaConsumer,
        store: Store,
        folder: Folder,
        membership: Membership,
        sequels: Sequels,
        traces: Traces,
        learn: Callable[[int], Awaitable[bool]],
        partitions: int,
        prefix: str,
        batch_records: int,
        metrics: Metrics,
        progress: Progress | None = None,
    ) -> None:
        self._consumer = consumer
        self._store = store
        self._folder = folder
        self._membership = membership
        self._sequels = sequels
        self._traces = traces
        self._learn = learn
        self._partitions = partitions
        self._prefix = prefix
        self._batch_records = batch_records
        self._metrics = metrics
        self._progress = progress
        self._taken = -1  # the version of the membership that `_owned` is of
        self._owned: dict[int, Ownership] = {}
        self.positions: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}  # of the log, when we took its numbers up
        self._delays = Delays()
        self._waiting: dict[TopicPartition, int] = {}  # for a schema of this id
        self._due_s = dict.fromkeys((self._measure, self._tell, self._learn_more), 0.0)
        self.unready = JOINING

    async def run(self, topics: Collection[str]) -> None:
        """Read for ever. Raises Away, Fenced, KafkaError, LogCutError, TimeoutError."""
        self._consumer.subscribe(topics=list(topics), listener=self._membership)
        while True:
            if self._taken != self._membership.version:
                await self._take_up()
            try:
                found = await self._consumer.getmany(
                    timeout_ms=POLL_MS, max_records=self._batch_records
                )
            except NoOffsetForPartitionError:
                continue  # the fetcher was quicker than our seek
            except OffsetOutOfRangeError:
                self._taken = -1
                continue
            await self._fold(found)
            await self._chores()

    async def _take_up(self) -> None:
        """Own in the store what the group has given us, and read from where the store is."""
        membership, version = self._membership, self._membership.version
        numbers = membership.numbers
        self._owned, self.positions, self._waiting = {}, {}, {}
        topics = sorted({at.topic for at in membership.assigned})
        there = {name: len(self._consumer.partitions_for_topic(name) or ()) for name in topics}
        self.unready = obstacle(
            membership, there, partitions=self._partitions, single=self._store.single
        )
        if self.unready:
            self._consumer.pause(*membership.assigned)
            self._taken = version
            return
        owned = await self._store.own(numbers)
        mine = [at for at in membership.assigned if at.partition in owned]
        begins = await self._consumer.beginning_offsets(mine) if mine else {}
        ends = await self._consumer.end_offsets(mine) if mine else {}
        if version != membership.version:
            return  # a rebalance came between: once more
        self._ends = ends
        for at in mine:
            stored = owned[at.partition].positions.get(at.topic.removeprefix(self._prefix))
            self.positions[at] = self._begin(at, stored, begins[at], ends[at])
            self._consumer.seek(at, self.positions[at])
        self._owned, self._taken = owned, version
        self._delays = Delays()
        log.info("reading", partitions=numbers)

    def _begin(self, at: TopicPartition, stored: int | None, begin: int, end: int) -> int:
        position, lost = beginning(at, stored, begin, end)
        if lost:
            self._metrics.lost.inc()
        return position

    async def _fold(self, found: Mapping[TopicPartition, Sequence[Any]]) -> None:
        # While the database is busy with one commit, the next is read; a file takes one at a time.
        room = asyncio.Semaphore(1 if self._store.single else COMMITS_AT_ONCE)

        async def fold(commit: Mapping[int, Batch]) -> None:
            async with room:
                # What was fetched before a rebalance, or before our seek, is not ours to fold.
                if self._taken == self._membership.version:
                    await self._fold_numbers({n: commit[n] for n in commit if n in self._owned})

        async with self._membership.folding:
            folding = map(fold, batches(found, self._prefix))
            for error in await asyncio.gather(*folding, return_exceptions=True):
                if error is not None:
                    self._metrics.fenced.inc(isinstance(error, Fenced))
                    raise error

    async def _fold_numbers(self, commit: Mapping[int, Batch]) -> None:
        live = [number for number in commit if self._live(number)]  # before: this may end a rebuild
        generations = {number: self._owned[number].generation for number in commit}
        begun_s = time.monotonic()
        traced = self._traces.read(commit, live)
        done = await self._folder.fold(generations, commit)
        self._traces.folded(traced, done)
        self._metrics.folded(done, time.monotonic() - begun_s)
        facts = {number: facts for number in live if (facts := done.facts.get(number))}
        self._sequels.committed(marked(facts, traced))
        for number, positions in done.positions.items():
            for topic, position in positions.items():
                at = TopicPartition(self._prefix + topic, number)
                self.positions[at] = position
                self._delays.folded(at, commit[number][topic][-1].timestamp)
        for (number, topic), schema_id in done.waiting.items():
            at = TopicPartition(self._prefix + topic, number)
            self._waiting[at] = schema_id
            if at in self._membership.assigned:
                self._consumer.pause(at)
                self._consumer.seek(at, self.positions[at])
            self._due_s[self._learn_more] = 0.0

    def _live(self, number: int) -> bool:
        """Whether what is folded of a number now was not in the log when a rebuild began."""
        return self._progress is None or self._progress.passed(self._of(number))

    def _of(self, number: int) -> dict[TopicPartition, int]:
        """Our positions of a partition number."""
        return {at: position for at, position in self.positions.items() if at.partition == number}

    async def _chores(self) -> None:
        now_s = time.monotonic()
        if self._progress is not None:
            self._progress.at(self.positions, now_s)
        for chore, every_s in (
            (self._measure, MEASURE_EVERY_S),
            (self._learn_more, LEARN_EVERY_S),
            (self._tell, TELL_EVERY_S),
        ):
            if now_s >= self._due_s[chore]:
                self._due_s[chore] = now_s + every_s
                await chore()

    async def _measure(self) -> None:
        lag: dict[int, int] = dict.fromkeys(self._owned, 0)
        delay_s: dict[int, float] = dict.fromkeys(self._owned, 0.0)
        now_ms = time.time_ns() // 1_000_000
        heard_ms = now_ms
        for at, position in self.positions.items():
            if at not in self._membership.assigned:
                return
            left = max(0, (self._consumer.highwater(at) or position) - position)
            lag[at.partition] += left
            late_s = self._delays.delay_s(at, left, now_ms)
            delay_s[at.partition] = max(delay_s[at.partition], late_s)
        self._metrics.behind(lag, delay_s)
        waiting = {at.partition for at in self._waiting}
        self._sequels.woken(
            {
                number: ownership
                for number, ownership in self._owned.items()
                if delay_s[number] <= CAUGHT_UP_S
                and number not in waiting
                and all(position >= self._ends[at] for at, position in self._of(number).items())
            }
        )
        self._metrics.partitions.set(len(self._owned))
        self._metrics.waiting.set(len(self._waiting))
        polls = [self._consumer.last_poll_timestamp(at) or heard_ms for at in self.positions]
        if polls and now_ms - max(polls) > SILENCE_S * 1000:
            raise TimeoutError(f"nothing heard from Kafka for {SILENCE_S:g} s")

    async def _learn_more(self) -> None:
        """Ask for the schemas that topics wait for, and go on with those that are known now."""
        for schema_id in {*self._waiting.values()}:
            known = False
            try:
                async with asyncio.timeout(ASIDE_TIME_S):
                    known = await self._learn(schema_id)
            except Exception as error:
                log.error("schema cannot be asked for", schema_id=schema_id, error=repr(error))
            stuck = sorted(at for at, wanted in self._waiting.items() if wanted == schema_id)
            if known:
                for at in stuck:
                    del self._waiting[at]
                    if at in self._membership.assigned:
                        self._consumer.resume(at)
            else:
                log.error(
                    "waiting for a schema that is not known here: is this chargewire too old?",
                    schema_id=schema_id,
                    topics=sorted({at.topic for at in stuck}),
                )
        if self._owned:
            self.unready = "waiting for a schema that is not known here" if self._waiting else ""

    async def _tell(self) -> None:
        """Tell Kafka how far we are; nothing here depends on it."""
        if self.positions and self._taken == self._membership.version:
            with suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(ASIDE_TIME_S):
                    await self._consumer.commit({**self.positions})
