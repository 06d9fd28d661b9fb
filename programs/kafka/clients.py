"""aiokafka clients: opened with what the promises need, proven, and ended in bounded time."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from schemas.topics import RECORD_PER_FRAME

CANCEL_TIME_S = 0.5
GATHER_BYTES = 1_048_576  # more than a broker has to tell in so short a time

log = structlog.get_logger(__name__)


class Probe(NamedTuple):
    """A harmless record by which a producer proves itself: full topic name, epoch millis."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp_ms: int


async def open_producer(
    options: Mapping[str, object], *, frame_limit_bytes: int, ack_time_s: float
) -> AIOKafkaProducer:
    """A started idempotent producer; `options` are aiokafka's arguments (servers, TLS, login).

    Raises KafkaError or OSError when no broker is reached.
    """
    largest = RECORD_PER_FRAME * frame_limit_bytes
    # Its own time-out must not come before our clock's: it would retry, we must know.
    patience = {"request_timeout_ms": int(3000 * ack_time_s)}
    producer = AIOKafkaProducer(
        **(patience | dict(options)),
        acks="all",
        enable_idempotence=True,  # a retry inside the client is never a second record (KIP-98)
        max_batch_size=largest,
        max_request_size=largest,
    )
    try:
        await producer.start()
        # All topics at once: asking for one by its name would create it (KIP-487).
        await producer.client.force_metadata_update()
    except BaseException:
        await discard(producer, grace_s=0)
        raise
    return producer


async def open_consumer(
    options: Mapping[str, object], *, frame_limit_bytes: int, gather_ms: int = 0
) -> AIOKafkaConsumer:
    """A started consumer without a group or topics, which never chooses a position by itself.

    The broker gathers records for `gather_ms` before it answers: fewer fetches, and later records.
    Raises KafkaError or OSError when no broker is reached.
    """
    largest = RECORD_PER_FRAME * frame_limit_bytes
    gathers = {"fetch_min_bytes": GATHER_BYTES, "fetch_max_wait_ms": gather_ms}
    at_once = {"fetch_min_bytes": 1, "fetch_max_wait_ms": 500}
    consumer = AIOKafkaConsumer(
        **dict(options),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=largest,
        **(gathers if gather_ms else at_once),
    )
    try:
        await consumer.start()
    except BaseException:
        await discard(consumer, grace_s=0)
        raise
    return consumer


async def proven_producer(
    connect: Callable[[], Awaitable[AIOKafkaProducer]],
    probe: Callable[[], Probe],
    *,
    attempt_s: float,
    back_off_s: tuple[float, float],
) -> AIOKafkaProducer:
    """A producer that has had one record acknowledged; tries until there is one.

    An attempt may take `attempt_s`; the pause after it grows from the least to the longest.
    """
    pause_s, longest_s = back_off_s
    while True:
        client = None
        try:
            async with asyncio.timeout(attempt_s):
                client = await connect()
                topic, partition, key, value, headers, timestamp_ms = probe()
                batch = client.create_batch()
                batch.append(key=key, value=value, headers=[*headers], timestamp=timestamp_ms)
                await submit(client, batch, topic, partition)
            return client
        except BaseException as error:
            if client is not None:
                await discard(client, grace_s=0)
            if not isinstance(error, Exception):
                raise
            log.warning("kafka is not ready", error=repr(error), retry_s=round(pause_s, 1))
        # Jitter, so that a fleet of gateways does not come back in one moment.
        await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311
        pause_s = min(2 * pause_s, longest_s)


def submit(
    producer: AIOKafkaProducer, batch: Any, topic: str, partition: int
) -> asyncio.Future[Any]:
    """Hand a filled batch over, without a task; the future has the metadata of its first record.

    Raises KafkaError when the batch cannot be taken at once: no such topic or partition, another
    batch of the partition is queued, or the producer is dead.
    """
    known = producer.client.cluster.partitions_for_topic(topic)
    if known is None or partition not in known:
        # Going on would have the client ask for the topic by name, and so create it.
        raise UnknownTopicOrPartitionError(f"{topic}-{partition}")
    handing = producer.send_batch(batch, topic, partition=partition)
    try:
        handing.send(None)
    except StopIteration as handed:
        future: asyncio.Future[Any] = handed.value
        return future
    handing.close()
    raise KafkaError(f"the client did not take a batch for {topic}-{partition} at once")


async def discard(client: AIOKafkaProducer | AIOKafkaConsumer, grace_s: float) -> None:
    """End a client: orderly within `grace_s`, else by cancelling all that it started.

    aiokafka's own `stop()` waits for every batch, and an idempotent batch is retried for ever.
    Returns within `grace_s` and two times CANCEL_TIME_S, and is not cut short by a cancellation.
    """
    ending = asyncio.ensure_future(_end(client, grace_s))
    try:
        await asyncio.shield(ending)
    except asyncio.CancelledError:
        await asyncio.wait({ending})
        raise


async def _end(client: AIOKafkaProducer | AIOKafkaConsumer, grace_s: float) -> None:
    stopping = asyncio.ensure_future(client.stop())
    await asyncio.wait({stopping}, timeout=grace_s)
    tasks = set(_tasks_of(client))
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_TIME_S)
    for part in _parts_of(client):
        if isinstance(part, AIOKafkaClient):
            with contextlib.suppress(Exception):
                await asyncio.wait_for(part.close(), CANCEL_TIME_S)
    stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)


def _parts_of(client: object) -> Iterator[object]:
    yield client
    for part in vars(client).values():
        if type(part).__module__.startswith("aiokafka."):
            yield part


def _tasks_of(client: object) -> Iterator[asyncio.Task[Any]]:
    """The tasks that run methods of the client's parts: it keeps no list of them to ask for."""
    parts = {id(part) for part in _parts_of(client)}
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame is not None and id(frame.f_locals.get("self")) in parts:
            yield task
