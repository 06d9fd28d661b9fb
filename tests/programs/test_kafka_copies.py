"""Copies of results in the topics of who asked, on a real Kafka."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from programs.kafka import clients as kafka_clients
from programs.kafka import copies as module
from programs.kafka.copies import WAITING_MAX, Copies
from schemas.replying import ReplyTo

EVENT = SimpleNamespace(value=b"the result", headers=(("ce_id", b"1"),), at_ms=1_795_262_400_000)


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A machine that stands still for some seconds costs no copy here."""
    monkeypatch.setattr(module, "SEND_TIME_S", 60.0)


@asynccontextmanager
async def posting(bootstrap, prefix):
    """Copies, and what became of them in a queue."""
    told = asyncio.Queue()
    connect = partial(
        kafka_clients.open_producer,
        {"bootstrap_servers": bootstrap},
        frame_limit_bytes=262_144,
        ack_time_s=60.0,
    )
    copies = Copies(connect=connect, prefix=prefix, count=told.put_nowait)
    try:
        yield copies, told
    finally:
        await copies.stop()


async def topic(bootstrap, name, partitions):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        await admin.close()


async def read(bootstrap, name, partition, count):
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        at = TopicPartition(name, partition)
        consumer.assign([at])
        await consumer.seek_to_beginning()
        return [await asyncio.wait_for(consumer.getone(), 60) for _ in range(count)]
    finally:
        await consumer.stop()


@pytest.mark.kafka
async def test_a_copy_is_the_result_with_the_correlation_of_who_asked(kafka, prefix):
    """In the partition that was asked for; without one, or with one that is not, by the key."""
    name = f"{prefix}mine"
    await topic(kafka.bootstrap, name, 3)
    async with posting(kafka.bootstrap, f"{prefix}ocpp.") as (copies, told):
        copies.post(ReplyTo(name, 2, b"\x00\xff"), b"CS-1", EVENT)
        assert await asyncio.wait_for(told.get(), 120) == "sent"
        copies.post(ReplyTo(name, 9, None), b"CS-1", EVENT)
        assert await asyncio.wait_for(told.get(), 120) == "sent"
    (record,) = await read(kafka.bootstrap, name, 2, 1)
    assert (record.key, record.value, record.timestamp) == (b"CS-1", b"the result", EVENT.at_ms)
    assert record.headers == (("ce_id", b"1"), ("kafka_correlationId", b"\x00\xff"))
    (other,) = await read(kafka.bootstrap, name, module.partition(b"CS-1", 3), 1)
    assert other.headers == (("ce_id", b"1"),)


@pytest.mark.kafka
async def test_a_topic_that_nobody_made_is_not_made_and_blocks_nothing(kafka, prefix, monkeypatch):
    """It is told, and once it is there it is found."""
    monkeypatch.setattr(module, "REFRESH_EVERY_S", 0.0)
    async with posting(kafka.bootstrap, f"{prefix}ocpp.") as (copies, told):
        copies.post(ReplyTo(f"{prefix}none", None, b"1"), b"CS-1", EVENT)
        assert await asyncio.wait_for(told.get(), 120) == "no_topic"
        copies.post(ReplyTo(f"{prefix}none", None, b"1"), b"CS-1", EVENT)
        assert await asyncio.wait_for(told.get(), 120) == "no_topic"
        await topic(kafka.bootstrap, f"{prefix}none", 1)
        outcome = "no_topic"
        while outcome == "no_topic":  # the broker's own metadata takes a moment
            copies.post(ReplyTo(f"{prefix}none", None, b"1"), b"CS-1", EVENT)
            outcome = await asyncio.wait_for(told.get(), 120)
        assert outcome == "sent"


async def test_the_topics_of_the_contract_are_not_for_copies():
    """Whoever may write commands must not write there in the gateway's name."""
    told = []
    copies = Copies(connect=None, prefix="ocpp.", count=told.append)
    for name in ("ocpp.connections", "ocpp.transactions", "ocpp.tables.stations"):
        copies.post(ReplyTo(name, None, None), b"CS-1", EVENT)
    assert told == ["forbidden"] * 3
    await copies.stop()


async def test_more_copies_than_may_wait_are_dropped():
    """Nothing ever waits for them."""
    told = []

    async def never():
        await asyncio.Event().wait()

    copies = Copies(connect=never, prefix="ocpp.", count=told.append)
    for _ in range(WAITING_MAX + 2):
        copies.post(ReplyTo("mine", None, None), b"CS-1", EVENT)
    assert told == ["dropped"] * 2
    await copies.stop()


async def test_a_kafka_out_of_reach_costs_the_copy_alone():
    """The next one tries again."""
    told = asyncio.Queue()

    async def broken():
        raise OSError("nobody there")

    copies = Copies(connect=broken, prefix="ocpp.", count=told.put_nowait)
    for _ in range(2):
        copies.post(ReplyTo("mine", None, None), b"CS-1", EVENT)
        assert await asyncio.wait_for(told.get(), 60) == "failed"
    await copies.stop()
