"""Copies of results for who asked by the headers of request and reply on Kafka.

They have a producer of their own: a topic that nobody made, or may not be written to, must not
become an outage of the log.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from programs.kafka.clients import discard
from schemas.replying import CORRELATION, Headers, ReplyTo
from schemas.topics import TOPICS, partition

WAITING_MAX = 1000  # copies; more of them are dropped, since their results are in the log
REFRESH_EVERY_S = 5.0  # how often at most a topic that is not known is asked for
SEND_TIME_S = 10.0

log = structlog.get_logger(__name__)


class Event(Protocol):
    """The record that is copied: a result, as it stands in the log."""

    @property
    def value(self) -> bytes: ...

    @property
    def headers(self) -> Headers: ...

    @property
    def at_ms(self) -> int: ...


class Copies:
    """Puts copies into the topics of others, in the background; nothing ever waits for it.

    `connect` makes a started producer, when the first copy comes. `count` is told what becomes of
    each: sent, no_topic, forbidden (a topic of the contract below `prefix`), dropped or failed.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[AIOKafkaProducer]],
        prefix: str,
        count: Callable[[str], None],
    ) -> None:
        self._connect = connect
        self._contract = {prefix + name for name in TOPICS}
        self._tables = f"{prefix}tables."
        self._count = count
        self._waiting: asyncio.Queue[tuple[ReplyTo, bytes, Event]] = asyncio.Queue(WAITING_MAX)
        self._client: AIOKafkaProducer | None = None
        self._refreshed_s = 0.0
        self._task: asyncio.Task[None] | None = None

    def post(self, to: ReplyTo, key: bytes, event: Event) -> None:
        """Have the event copied to that topic."""
        if to.topic in self._contract or to.topic.startswith(self._tables):
            # Whoever may write commands must not write in the gateway's name what only it may.
            self._tell("forbidden", to)
            return
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            self._waiting.put_nowait((to, key, event))
        except asyncio.QueueFull:
            self._tell("dropped", to)

    async def stop(self) -> None:
        """End it; what still waits is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _tell(self, outcome: str, to: ReplyTo, error: object = None) -> None:
        self._count(outcome)
        if outcome != "sent":
            told = {} if error is None else {"error": repr(error)}
            log.warning("result not copied", outcome=outcome, topic=to.topic, **told)

    async def _run(self) -> None:
        try:
            while True:
                to, key, event = await self._waiting.get()
                try:
                    async with asyncio.timeout(SEND_TIME_S):
                        await self._send(to, key, event)
                except (KafkaError, OSError) as error:  # a time-out is an OSError
                    self._tell("failed", to, error)
                    await self._let_go()
                except Exception as error:
                    self._tell("failed", to, error)
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await discard(client, grace_s=0.5)

    async def _send(self, to: ReplyTo, key: bytes, event: Event) -> None:
        if self._client is None:
            self._client = await self._connect()
        client = self._client
        known = client.client.cluster.partitions_for_topic(to.topic)
        now_s = asyncio.get_running_loop().time()
        if not known and now_s - self._refreshed_s >= REFRESH_EVERY_S:
            self._refreshed_s = now_s
            # All topics: asking for this one by its name would create it (KIP-487).
            await client.client.force_metadata_update()
            known = client.client.cluster.partitions_for_topic(to.topic)
        if not known:
            self._tell("no_topic", to)
            return
        number = partition(key, len(known)) if to.partition not in known else to.partition
        headers = [*event.headers]
        if to.correlation is not None:
            headers.append((CORRELATION, to.correlation))
        sent = await client.send(
            to.topic, event.value, key, number, timestamp_ms=event.at_ms, headers=headers
        )
        sent.add_done_callback(partial(self._sent, to))

    def _sent(self, to: ReplyTo, sent: "asyncio.Future[object]") -> None:
        error = "cancelled" if sent.cancelled() else sent.exception()
        self._tell("sent" if error is None else "failed", to, error)
