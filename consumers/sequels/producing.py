"""Writes records of a consumer's own to the log: decisions, commands, results, rows of tables."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError

from consumers.metrics import Metrics
from programs.kafka.clients import discard
from programs.spans import Place, sent
from programs.tracing import Tracing
from schemas.codec import Codec
from schemas.topics import partition as home
from schemas.traces import TRACEPARENT, Trace

POSTS_MAX = 10_000  # records that nobody waits for

Headers = Sequence[tuple[str, bytes]]
log = structlog.get_logger(__name__)


class Producer:
    """A producer that connects when it is first used, and anew after every failure.

    `connect` makes a started, idempotent client. After a failure, or when nobody acknowledges
    within `ack_time_s`, what became of the records under way is not known, and the client is let
    go: it would fail, or repeat, whatever comes next. With `tracing` a record that belongs to a
    trace is written in a span of its own, and names that.
    """

    def __init__(  # noqa: PLR0913 - everything outside arrives as an argument
        self,
        *,
        connect: Callable[[], Awaitable[AIOKafkaProducer]],
        codec: Codec,
        metrics: Metrics,
        prefix: str,
        partitions: int,
        ack_time_s: float = 10.0,
        close_time_s: float = 1.0,
        tracing: Tracing | None = None,
    ) -> None:
        self._connect = connect
        self._codec = codec
        self._metrics = metrics
        self._prefix = prefix
        self._partitions = partitions
        self._ack_time_s = ack_time_s
        self._close_time_s = close_time_s
        self._tracing = tracing
        self._client: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self._flying: set[asyncio.Future[Any]] = set()
        self._tasks: set[asyncio.Task[None]] = set()  # posts, and clients that are let go
        self._posts = 0

    async def send(
        self,
        topic: str,
        key: bytes,
        record: Mapping[str, object] | None,
        *,
        partition: int | None = None,
        headers: Headers = (),
    ) -> None:
        """Write a record, or none for a key, to a topic (without prefix).

        Returns when it is acknowledged. The partition is that of the key. Raises KafkaError,
        OSError or TimeoutError, and what Codec.encode raises.
        """
        value = None if record is None else self._codec.encode(topic, record)
        number = home(key, self._partitions) if partition is None else partition
        tracing, above = self._tracing, dict(headers).get(TRACEPARENT)
        trace = tracing.follow(above) if tracing is not None and above is not None else None
        if tracing is None or not isinstance(trace, Trace):
            await self._acknowledged(topic, key, value, number, headers)
            return
        others = (header for header in headers if header[0] != TRACEPARENT)
        start_ns, position, failure = time.time_ns(), -1, ""
        try:
            within = [*others, (TRACEPARENT, trace.header)]
            position = await self._acknowledged(topic, key, value, number, within)
        except BaseException as error:
            failure = type(error).__name__
            raise
        finally:
            place = Place(self._prefix + topic, number, key, position)
            tracing.ended(sent(trace, place, start_ns, time.time_ns(), {}, failure))

    async def _acknowledged(
        self, topic: str, key: bytes, value: bytes | None, number: int, headers: Headers
    ) -> int:
        """The position of the record."""
        client, flying = None, None
        try:
            async with asyncio.timeout(self._ack_time_s):
                client = await self._connected()
                await _known(client, self._prefix + topic, number)
                flying = await client.send(
                    self._prefix + topic, value, key, number, headers=[*headers]
                )
                self._flying.add(flying)
                flying.add_done_callback(self._flying.discard)
                written = await asyncio.shield(flying)
                return int(written.offset)
        except (MessageSizeTooLargeError, UnknownTopicOrPartitionError):
            raise
        except asyncio.CancelledError:
            if client is not None and flying is not None:
                loop = asyncio.get_running_loop()
                loop.call_later(self._ack_time_s, self._overdue, client, flying)
            raise
        except Exception:
            if client is not None:
                self._drop(client)
            raise

    def post(
        self,
        topic: str,
        key: bytes,
        record: Mapping[str, object] | None,
        *,
        partition: int | None = None,
        headers: Headers = (),
    ) -> None:
        """As `send`, without waiting: what becomes of it is logged and counted."""
        if self._posts >= POSTS_MAX:
            self._failed(topic, "too many records wait")
            return
        self._posts += 1
        self._begin(self._posted(topic, key, record, partition, headers))

    async def close(self) -> None:
        """Let the client go; what is under way has `close_time_s`."""
        if self._tasks:
            await asyncio.wait({*self._tasks}, timeout=self._close_time_s)
        for task in self._tasks:
            task.cancel()
        client, self._client = self._client, None
        if client is not None:
            await discard(client, self._close_time_s)
        if self._tasks:
            await asyncio.wait({*self._tasks})

    async def _posted(
        self,
        topic: str,
        key: bytes,
        record: Mapping[str, object] | None,
        partition: int | None,
        headers: Headers,
    ) -> None:
        try:
            await self.send(topic, key, record, partition=partition, headers=headers)
        except Exception as error:
            self._failed(topic, repr(error))
        finally:
            self._posts -= 1

    def _failed(self, topic: str, reason: str) -> None:
        self._metrics.produce_failures.inc()
        log.error("record not written", topic=topic, reason=reason)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    def _overdue(self, client: AIOKafkaProducer, flying: asyncio.Future[Any]) -> None:
        if not flying.done():
            self._drop(client)

    def _drop(self, client: AIOKafkaProducer) -> None:
        """Let a client go, and all that wait for it know."""
        if self._client is not client:
            return
        self._client = None
        self._begin(discard(client, grace_s=0))
        for future in [*self._flying]:
            if not future.done():
                future.set_exception(KafkaError("another record of this client failed"))

    def _begin(self, doing: Any) -> None:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _known(client: AIOKafkaProducer, topic: str, number: int) -> None:
    """Make sure that a partition is there: to send to one that is not may create the topic."""
    for last in (False, True):
        known = client.client.cluster.partitions_for_topic(topic)
        if known is not None and number in known:
            return
        if last:
            raise UnknownTopicOrPartitionError(f"{topic}, partition {number}")
        await client.client.force_metadata_update()
