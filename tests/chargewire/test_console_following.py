"""Where the console begins to read."""

from typing import Any

from aiokafka import TopicPartition

from chargewire.console.feed import Feed
from chargewire.console.following import Follower
from programs.settings import KafkaSettings
from tests.chargewire.consoled import CODEC, model

PLACE = TopicPartition("ocpp.metering", 0)


class Consumer:
    """A Kafka consumer of an empty partition, to which somebody writes as soon as it is asked."""

    def __init__(self) -> None:
        self.end, self.sought = 0, -1

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self.end)

    async def offsets_for_times(self, times: dict[TopicPartition, int]) -> dict[Any, None]:
        self.end += 1
        return dict.fromkeys(times)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought = offset


async def test_what_is_written_while_it_looks_for_its_beginning_is_read() -> None:
    """There was nothing lately, and then there is."""
    made, consumer = model(), Consumer()
    follower = Follower(KafkaSettings(), CODEC, made, Feed(made.recent), since_ms=1)
    await follower._seek(consumer, [PLACE])
    assert (consumer.sought, consumer.end) == (0, 1)
