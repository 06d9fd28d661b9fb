"""Makes topics and reads them back, for tests: independent of the code under test."""

import asyncio
from collections.abc import Iterable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import ConsumerRecord


async def create(
    bootstrap: str,
    names: Iterable[str],
    *,
    partitions: int = 1,
    options: Mapping[str, str] | None = None,
    replicas: Mapping[int, list[int]] | None = None,
) -> None:
    """Create topics with replication 1, or with the replicas (node ids) of each partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        size = (-1, -1) if replicas else (partitions, 1)
        topics = [NewTopic(name, *size, replicas, dict(options or {})) for name in names]
        await admin.create_topics(topics)
        while not set(names) <= set(await admin.list_topics()):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def read(bootstrap: str, topic: str, partitions: int = 1) -> dict[int, dict[int, bytes]]:
    """All that is in a topic: partition -> offset -> value."""
    found: dict[int, dict[int, bytes]] = {number: {} for number in range(partitions)}
    for record in await records(bootstrap, topic, partitions):
        found[record.partition][record.offset] = record.value
    return found


async def records(bootstrap: str, topic: str, partitions: int = 1) -> list[ConsumerRecord]:
    """All that is in a topic, those of a partition in their order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        assigned = [TopicPartition(topic, number) for number in range(partitions)]
        ends = await consumer.end_offsets(assigned)
        begins = await consumer.beginning_offsets(assigned)
        consumer.assign(assigned)
        for at, begin in begins.items():
            consumer.seek(at, begin)
        found: list[ConsumerRecord] = []
        left = {at for at in assigned if ends[at] > begins[at]}
        while left:
            for at, batch in (await consumer.getmany(timeout_ms=200)).items():
                found += batch
                if batch[-1].offset + 1 >= ends[at]:
                    left.discard(at)
        return found
    finally:
        await consumer.stop()
