"""The one way events reach Kafka: records in, offsets or "unknown" out."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import structlog
from aiokafka import AIOKafkaProducer

from gateway.lanes import Done, Headers, Lane, Lanes, Record, RecordSizeError
from programs.kafka.clients import CANCEL_TIME_S, Probe, discard, proven_producer, submit

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class Producer:
    """Records in order, each handed over once; `ready`, or in an `outage` (also before `start`).

    When an acknowledgement is late or anything fails, the outcome of every record is unknown,
    and the client is dropped and replaced: after one failed record aiokafka fails all later ones
    of the partition, and what it retries may land at any time.

    `connect` makes a started client. `kept_max` bounds the records kept through an outage.
    `on_drained` is called when `in_flight` falls to `low_water`; `observe_ack_s` gets the time
    from record() to acknowledgement of the first record in each batch. `back_off_s` is the
    least and the longest pause between attempts to connect.
    """

    connect: Callable[[], Awaitable[AIOKafkaProducer]]
    probe: Callable[[], Probe]
    ack_time_s: float
    record_bytes_max: int
    kept_max: int = 20_000
    low_water: int = 0
    on_outage: Callable[[], None] = lambda: None
    on_drained: Callable[[], None] = lambda: None
    observe_ack_s: Callable[[float], None] = lambda _: None
    back_off_s: tuple[float, float] = (0.1, 5.0)
    clock: Callable[[], float] = time.monotonic

    outage_since: float | None = field(default=None, init=False)  # on the clock, in seconds
    acknowledged: int = field(default=0, init=False)
    batches: int = field(default=0, init=False)
    failures: int = field(default=0, init=False)  # outages begun
    unknown: int = field(default=0, init=False)  # records whose outcome is unknown
    dropped: int = field(default=0, init=False)  # records that found the kept ones at the limit

    _client: AIOKafkaProducer | None = field(default=None, init=False)
    _lanes: Lanes = field(default_factory=Lanes, init=False)
    _due: list[Lane] = field(default_factory=list, init=False)
    _kept: deque[Record] = field(default_factory=deque, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)
    _recovery: asyncio.Task[None] | None = field(default=None, init=False)
    _discarding: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _settled: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @property
    def state(self) -> Literal["ready", "outage"]:
        """Whether records are taken."""
        return "outage" if self._client is None else "ready"

    @property
    def in_flight(self) -> int:
        """Records handed in and neither acknowledged nor given up."""
        return self._lanes.in_flight

    @property
    def kept(self) -> int:
        """Records waiting for the end of an outage."""
        return len(self._kept)

    async def start(self) -> None:
        """Connect; returns when ready, however long that takes (cancel it to give up)."""
        self.outage_since = self.clock()
        self._recovery = asyncio.create_task(self._recover())
        await self._recovery

    def record(  # noqa: PLR0913 - the columns of a Kafka record
        self,
        topic: str,
        partition: int,
        key: bytes,
        value: bytes | None,
        headers: Headers,
        timestamp_ms: int,
        done: Done,
        *,
        wait: bool = False,
    ) -> None:
        """Hand a record over; never blocks. `topic` is the full name, the time epoch millis.

        `done` is called once: with the record's offset when it is acknowledged, in the order of
        the partition, or with None when the outcome is unknown; in an outage at once, unless
        the record can `wait`. Raises RecordSizeError.
        """
        if value is not None and len(value) > self.record_bytes_max:
            raise RecordSizeError(f"{len(value)} bytes for {topic}")
        record = Record(
            topic, partition, key, value, headers, timestamp_ms, done, self.clock(), wait
        )
        if self._client is not None:
            self._add(record)
        elif wait:
            self._keep(record)
        else:
            self.unknown += 1
            done(None)

    def _add(self, record: Record) -> None:
        due = self._lanes.add(record)
        if due is not None:
            self._make_due(due)
        if self._timer is None:
            self._check_clock()

    def _keep(self, record: Record) -> None:
        if len(self._kept) < self.kept_max:
            self._kept.append(record)
        else:
            self.dropped += 1
            record.tell(None)

    def _make_due(self, lane: Lane) -> None:
        # What else is recorded in this turn of the loop shares the batch.
        if not self._due:
            asyncio.get_running_loop().call_soon(self._send_due)
        self._due.append(lane)

    def _send_due(self) -> None:
        due, self._due = self._due, []
        for lane in due:
            client = self._client
            if client is None:
                return
            try:
                batch = client.create_batch()
                lane.load(batch.append)
                submitted = submit(client, batch, lane.topic, lane.partition)
            except Exception as error:
                self._fail(repr(error))
            else:
                submitted.add_done_callback(partial(self._answered, lane))

    def _answered(self, lane: Lane, submitted: asyncio.Future[Any]) -> None:
        error = "cancelled" if submitted.cancelled() else submitted.exception()
        records = lane.flight
        if not records:
            return  # too late: these records were given up
        if error is not None:
            self._fail(repr(error))
            return
        offset: int = submitted.result().offset
        if offset < 0:  # in the log, at a place that the broker no longer knows (a late retry)
            self._fail("acknowledged without an offset")
            return
        self.batches += 1
        self.acknowledged += len(records)
        self._lanes.in_flight -= len(records)
        self.observe_ack_s(self.clock() - records[0].handed_at)
        for at, record in enumerate(records, offset):
            record.tell(at)
        lane.landed()
        if lane.waiting:
            self._make_due(lane)
        self._fell_from(self.in_flight + len(records))

    def _fell_from(self, before: int) -> None:
        if self.in_flight == 0 and not self._kept:
            self._settled.set()
        if self.in_flight <= self.low_water < before:
            self.on_drained()

    def _check_clock(self) -> None:
        """One timer, for the oldest record: the deadlines of all others are later."""
        self._timer = None
        oldest_s = self._lanes.oldest_s()
        if oldest_s is None:
            return
        left_s = oldest_s + self.ack_time_s - self.clock()
        if left_s > 0:
            self._timer = asyncio.get_running_loop().call_later(left_s, self._check_clock)
        else:
            self._fail(f"no acknowledgement within {self.ack_time_s:g} s")

    def _fail(self, reason: str) -> None:
        log.error("kafka outage", reason=reason, in_flight=self.in_flight)
        self.failures += 1
        self.outage_since = self.clock()
        self._recovery = asyncio.create_task(self._recover())
        self._give_up(grace_s=0)
        self.on_outage()

    def _give_up(self, grace_s: float) -> None:
        """Let the client go; every outcome is unknown, except of what never left and may wait."""
        client, self._client = self._client, None
        if client is not None:
            task = asyncio.create_task(discard(client, grace_s))
            self._discarding.add(task)
            task.add_done_callback(self._discarding.discard)
        before = self.in_flight
        self._due = []
        doomed, waiting = self._lanes.clear()
        self.unknown += len(doomed)
        for record in waiting:
            self._keep(record)
        for record in doomed:
            record.tell(None)
        self._fell_from(before)

    async def _recover(self) -> None:
        self._client = await proven_producer(
            self.connect, self.probe, attempt_s=2 * self.ack_time_s, back_off_s=self.back_off_s
        )
        self.outage_since = None
        kept, self._kept = self._kept, deque()
        for record in kept:
            self._add(record.handed(self.clock()))

    async def stop(self, timeout_s: float) -> int:
        """Flush, then close, within `timeout_s`; the number of records never acknowledged.

        They get done(None), those that waited for the end of an outage too.
        """
        closing_s = min(3 * CANCEL_TIME_S, timeout_s / 2)
        before = self.unknown + self.dropped
        self._settled.clear()
        if self.in_flight or self._kept:
            flushed = asyncio.create_task(self._settled.wait())
            await asyncio.wait({flushed}, timeout=timeout_s - closing_s)
            flushed.cancel()
        self.kept_max = 0  # there is nothing left to wait for
        self._give_up(grace_s=closing_s / 3)
        kept, self._kept = self._kept, deque()
        for record in kept:
            self._keep(record)
        if self._timer is not None:
            self._timer.cancel()
        if self._recovery is not None:
            self._recovery.cancel()
            self._discarding.add(self._recovery)
        if self._discarding:
            await asyncio.wait(self._discarding, timeout=closing_s)
        return self.unknown + self.dropped - before
