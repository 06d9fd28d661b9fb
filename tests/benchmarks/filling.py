"""Puts many records into a Kafka, as fast as one process can."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer

from schemas.topics import partition
from tests.benchmarks.written import Written

BATCH_BYTES = 512 * 1024


async def fill(bootstrap: str, prefix: str, log: Iterable[Written], partitions: int) -> int:
    """Write them all below the prefix, each where its key belongs; returns how many."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=BATCH_BYTES)
    await producer.start()
    waiting: dict[tuple[str, int], Any] = {}
    sent: set[asyncio.Future[Any]] = set()
    homes: dict[bytes, int] = {}
    done = 0

    async def send(at: tuple[str, int]) -> None:
        flying = await producer.send_batch(waiting.pop(at), prefix + at[0], partition=at[1])
        sent.add(flying)
        flying.add_done_callback(sent.discard)

    for topic, key, value in log:
        done += 1
        number = homes.setdefault(key, -1)
        if number < 0:
            number = homes[key] = partition(key, partitions)
        at = topic, number
        while True:
            batch = waiting.get(at) or waiting.setdefault(at, producer.create_batch())
            if batch.append(key=key, value=value, timestamp=None) is not None:
                break
            await send(at)
    for at in [*waiting]:
        await send(at)
    await asyncio.gather(*sent)
    await producer.stop()
    return done
