"""Reads the signs of life of all gateways, beside the group: each process hears all of them."""

import time
from collections.abc import Awaitable, Callable
from itertools import chain

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from consumers.commands.signs import Signs
from programs.kafka.clients import discard

CONNECT_TIME_S = 5.0


class GatewayWatch:
    """Follows `ocpp.gateways`, from its beginning; `connect` makes a started consumer for it.

    The topic is keyed by gateway, so its partitions are not those of stations: whoever owns a
    station's has to hear every gateway.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[AIOKafkaConsumer]],
        topic: str,
        partitions: int,
        signs: Signs,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._places = [TopicPartition(topic, number) for number in range(partitions)]
        self._consumer: AIOKafkaConsumer | None = None
        self._clock = clock
        self._connected_s = 0.0
        self.signs = signs

    async def look(self) -> None:
        """Read what has come. Raises KafkaError, OSError; then the next look begins anew."""
        try:
            if self._consumer is None:
                self._consumer = await self._opened()
                self._connected_s = time.time()
            while batches := await self._consumer.getmany(timeout_ms=0):
                for record in chain.from_iterable(batches.values()):
                    self.signs.heard((record.key or b"").decode(errors="replace"), self._clock())
            self.signs.looked(self._clock(), self._silent_s(self._consumer))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the log."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await discard(consumer, grace_s=1.0)

    def _silent_s(self, consumer: AIOKafkaConsumer) -> float:
        """How long ago the partition was heard of that was not heard of for longest."""
        polled = (consumer.last_poll_timestamp(at) for at in self._places)
        oldest_s = min(self._connected_s if ms is None else ms / 1000 for ms in polled)
        return time.time() - oldest_s

    async def _opened(self) -> AIOKafkaConsumer:
        consumer = await self._connect()
        try:
            if self._places[0].topic not in await consumer.topics():
                raise UnknownTopicOrPartitionError(self._places[0].topic)
            consumer.assign(self._places)
            for at, begin in (await consumer.beginning_offsets(self._places)).items():
                consumer.seek(at, begin)
        except BaseException:
            await discard(consumer, grace_s=1.0)
            raise
        return consumer
