"""Reads what the log tells a gateway, from where it was, whatever breaks."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError, UnknownTopicOrPartitionError

from gateway.dispatch import STATIONS, TAILED, Dispatch, Record
from programs.kafka.clients import discard

POLL_MS = 200
SLICE = 500  # records dispatched before the loop gets its turn: about a millisecond

log = structlog.get_logger(__name__)


class Inbound:
    """A tail of the log that never stops: it goes on where it was, whatever breaks.

    `connect` makes a started consumer; `dispatch` takes what was read. `learn` is asked once
    whether it can find a schema whose id the dispatch does not know.
    """

    def __init__(  # noqa: PLR0913 - everything outside arrives as an argument
        self,
        *,
        connect: Callable[[], Awaitable[AIOKafkaConsumer]],
        learn: Callable[[int], Awaitable[bool]],
        dispatch: Dispatch,
        partitions: int,
        prefix: str,
        connect_time_s: float = 30,
        silence_s: float = 30,
        back_off_s: tuple[float, float] = (0.1, 5.0),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._learn = learn
        self.dispatch = dispatch
        self._prefix = prefix
        self._assigned = [
            TopicPartition(prefix + name, number) for name in TAILED for number in range(partitions)
        ]
        self._connect_time_s = connect_time_s
        self._silence_s = silence_s
        self._back_off_s = back_off_s
        self._clock = clock
        self._consumer: AIOKafkaConsumer | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._to_load: dict[TopicPartition, int] = {}
        self._became_ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.read = 0  # records, foreign ones too
        self.out_of_range = 0  # times that the log no longer had the position
        self.restarts = 0

    @property
    def ready(self) -> bool:
        """Whether positions are set, the stations known, and the tail is running."""
        return self._consumer is not None and bool(self._positions) and not self._to_load

    @property
    def lag(self) -> int:
        """Records known to be in the log and not yet read."""
        if self._consumer is None:
            return 0
        ends = (
            (self._consumer.highwater(at), position) for at, position in self._positions.items()
        )
        return sum(max(0, end - position) for end, position in ends if end is not None)

    async def start(self) -> None:
        """Begin to read; returns when ready, however long that takes (then `stop` it)."""
        self._task = asyncio.create_task(self._run())
        await self._became_ready.wait()

    async def stop(self) -> None:
        """End the tail, within about two seconds."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        least_s, most_s = self._back_off_s
        pause_s = least_s
        while True:
            consumer = None
            try:
                async with asyncio.timeout(self._connect_time_s):
                    consumer = await self._connect()
                    await self._take_up(consumer)
                pause_s = least_s
                await self._tail(consumer)
            except Exception as error:
                self.restarts += 1
                log.warning("kafka tail broken", error=repr(error), retry_s=round(pause_s, 1))
            finally:
                self._consumer = None
                if consumer is not None:
                    await discard(consumer, grace_s=1)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - jitter
            pause_s = min(2 * pause_s, most_s)

    async def _take_up(self, consumer: AIOKafkaConsumer) -> None:
        """Assign all partitions: where they were left, or else the end; stations the beginning."""
        missing = {at.topic for at in self._assigned} - await consumer.topics()
        if missing:  # assigning them would create them
            raise UnknownTopicOrPartitionError(", ".join(sorted(missing)))
        if not self._positions:
            ends = await consumer.end_offsets(self._assigned)
            table = [at for at in self._assigned if at.topic == self._prefix + STATIONS]
            begins = await consumer.beginning_offsets(table)
            self._to_load = {at: ends[at] for at in table if ends[at] > begins[at]}
            self._positions = ends | begins
        consumer.assign(self._assigned)
        for at, position in self._positions.items():
            consumer.seek(at, position)
        self._consumer = consumer
        self._note_loaded()

    async def _tail(self, consumer: AIOKafkaConsumer) -> None:
        heard_s = self._clock()
        heard_ms = 0
        while True:
            try:
                batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=SLICE)
            except OffsetOutOfRangeError as error:
                await self._to_earliest(consumer, list(error.args[0]))
                continue
            for at, records in batches.items():
                self.read += len(records)
                await self._take(at, records)
                self._positions[at] = records[-1].offset + 1
                await asyncio.sleep(0)
            for at in [*self._to_load]:
                # Where the last records were compacted away only the consumer knows how far it is.
                if await consumer.position(at) >= self._to_load[at]:
                    del self._to_load[at]
                    self._note_loaded()
            latest_ms = max(consumer.last_poll_timestamp(at) or 0 for at in self._assigned)
            if latest_ms != heard_ms:
                heard_s, heard_ms = self._clock(), latest_ms
            elif self._clock() - heard_s > self._silence_s:
                raise TimeoutError(f"nothing heard for {self._silence_s:g} s")

    def _note_loaded(self) -> None:
        if not self._to_load:
            self._became_ready.set()

    async def _to_earliest(
        self, consumer: AIOKafkaConsumer, lost: Sequence[TopicPartition]
    ) -> None:
        begins = await consumer.beginning_offsets(lost)
        for at, begin in begins.items():
            self.out_of_range += 1
            position = self._positions[at]
            log.error("records lost unread", position=position, earliest=begin, **at._asdict())
            self._positions[at] = begin
            consumer.seek(at, begin)

    async def _take(self, at: TopicPartition, records: Sequence[Record]) -> None:
        """Dispatch; what has a schema that is new here is read once that is learned."""
        name = at.topic.removeprefix(self._prefix)
        unknown = self.dispatch.take(name, records)
        for number in {number for number, _ in unknown}:
            try:
                known = await self._learn(number)
            except Exception as error:
                known = False
                log.error("schema cannot be asked for", schema_id=number, error=repr(error))
            log.warning("record with a schema of another writer", schema_id=number, known=known)
        for number, record in self.dispatch.take(name, [record for _, record in unknown]):
            self.dispatch.give_up(number, record)
