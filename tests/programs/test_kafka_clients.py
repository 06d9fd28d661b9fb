"""Facts about opening and ending aiokafka clients, against servers that misbehave."""

import asyncio
import gc
import struct
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from confluent_kafka import Producer

from deploy.local.kafka import Broker
from programs.kafka.clients import discard, open_consumer, open_producer, submit
from tests import log


class Client:
    """A producer that knows one topic; its `send_batch` does as told."""

    def __init__(self, *, suspends: bool = False) -> None:
        known = {"events": {0}}
        self.client = SimpleNamespace(cluster=SimpleNamespace(partitions_for_topic=known.get))
        self.suspends = suspends
        self.asked = 0

    async def send_batch(self, _: object, __: str, *, partition: int) -> asyncio.Future[Any]:
        assert partition == 0
        self.asked += 1
        if self.suspends:
            await asyncio.sleep(0)
        return asyncio.get_running_loop().create_future()


def tasks() -> set[asyncio.Task[Any]]:
    gc.collect()  # a socket or task that was dropped open warns here, and a warning is an error
    return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]


@pytest.fixture
async def mute_server() -> AsyncIterator[str]:
    """host:port of a server that takes connections and never says a word."""
    writers: list[asyncio.StreamWriter] = []

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    yield "{}:{}".format(*server.sockets[0].getsockname())
    for writer in writers:
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def test_a_batch_is_handed_over_without_a_task() -> None:
    """The future is there at once; nothing was started for it."""
    assert not submit(Client(), object(), "events", 0).done()
    assert tasks() == set()


@pytest.mark.parametrize(("topic", "partition"), [("nowhere", 0), ("events", 1)])
async def test_an_unknown_partition_is_not_asked_for(topic: str, partition: int) -> None:
    """Asking the broker for a topic by name may create it."""
    client = Client()
    with pytest.raises(UnknownTopicOrPartitionError):
        submit(client, object(), topic, partition)
    assert client.asked == 0


async def test_a_batch_that_would_have_to_wait_is_refused() -> None:
    """The hot path never waits: a client that cannot take a batch has failed."""
    with pytest.raises(KafkaError):
        submit(Client(suspends=True), object(), "events", 0)


async def test_nobody_listens() -> None:
    """A client that cannot connect says so, and leaves nothing behind."""
    options = {"bootstrap_servers": "127.0.0.1:1"}
    with pytest.raises(KafkaError):
        await open_producer(options, frame_limit_bytes=1024, ack_time_s=1)
    with pytest.raises(KafkaError):
        await open_consumer(options, frame_limit_bytes=1024)
    assert tasks() == set()


async def test_giving_up_on_a_mute_server(mute_server: str) -> None:
    """A client cancelled in the middle of connecting closes its socket and ends its tasks."""
    before = tasks()
    options = {"bootstrap_servers": mute_server}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await open_producer(options, frame_limit_bytes=1024, ack_time_s=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await open_consumer(options, frame_limit_bytes=1024)
    await asyncio.sleep(0)
    assert len(tasks() - before) == 0


async def test_a_stop_that_fails_is_no_concern_of_the_caller() -> None:
    """Whatever the client's own `stop` does, ending it raises nothing and ends."""

    class Failing:
        async def stop(self) -> None:
            raise KeyError("batch")

    class Hanging:
        async def stop(self) -> None:
            await asyncio.Event().wait()

    async with asyncio.timeout(30):
        await discard(Failing(), grace_s=0.01)
        await discard(Hanging(), grace_s=0.01)
    assert tasks() == set()


async def test_a_cancellation_does_not_cut_an_ending_short() -> None:
    """Otherwise the sockets of the client would stay open."""
    ended = []

    class Slow:
        async def stop(self) -> None:
            await asyncio.sleep(0.05)
            ended.append(self)

    discarding = asyncio.create_task(discard(Slow(), grace_s=60))
    await asyncio.sleep(0.01)
    discarding.cancel()
    await asyncio.wait({discarding})
    assert discarding.cancelled()
    assert len(ended) == 1


@pytest.mark.kafka
async def test_a_client_ends_while_a_batch_is_retried(broker: Broker, prefix: str) -> None:
    """aiokafka's stop would wait for ever for a batch that no broker takes."""
    options = {"bootstrap_servers": broker.bootstrap}
    await log.create(broker.bootstrap, [prefix + "events"])
    producer = await open_producer(options, frame_limit_bytes=262_144, ack_time_s=1)
    broker.kill()
    batch = producer.create_batch()
    batch.append(key=b"k", value=b"v", headers=[], timestamp=1)
    future = submit(producer, batch, prefix + "events", 0)
    stopping = asyncio.create_task(producer.stop())
    await asyncio.wait({stopping}, timeout=1.5)
    assert not stopping.done(), "then there is no need for this any more"
    assert not future.done()
    async with asyncio.timeout(30):
        await discard(producer, grace_s=0)
    await asyncio.wait({stopping})
    assert tasks() == set()


@pytest.mark.kafka
async def test_what_is_written_is_written_once(kafka: Broker, prefix: str) -> None:
    """Batches carry a producer's id, by which the broker knows one that is sent again (KIP-98)."""
    await log.create(kafka.bootstrap, [f"{prefix}t"])
    options = {"bootstrap_servers": kafka.bootstrap}
    producer = await open_producer(options, frame_limit_bytes=262_144, ack_time_s=60)
    try:
        await producer.send_and_wait(f"{prefix}t", b"value", partition=0)
    finally:
        await discard(producer, grace_s=1)
    (segment,) = kafka.data.rglob(f"{prefix}t-0/*.log")
    batch = segment.read_bytes()
    assert batch[16] == 2, "of another format: the id would be elsewhere"
    (producer_id,) = struct.unpack_from(">q", batch, 43)
    assert producer_id >= 0


@pytest.mark.parametrize("promise", [{"acks": 1}, {"enable_idempotence": False}])
async def test_no_option_takes_a_promise_back(promise: dict[str, object]) -> None:
    """What makes an acknowledgement durable, and a record one, is not for settings to choose."""
    with pytest.raises(TypeError, match="multiple values"):
        await open_producer(promise, frame_limit_bytes=1024, ack_time_s=1)


@pytest.mark.kafka
async def test_a_consumer_ends_without_a_broker(broker: Broker) -> None:
    """Its tasks and sockets go with it."""
    options = {"bootstrap_servers": broker.bootstrap}
    consumer = await open_consumer(options, frame_limit_bytes=262_144)
    broker.pause()
    async with asyncio.timeout(30):
        await discard(consumer, grace_s=0.5)
    assert tasks() == set()


@pytest.mark.kafka
async def test_a_broker_gathers_what_it_is_told_to(kafka: Broker, prefix: str) -> None:
    """Records that come one after the other are read together; else the first does not wait."""
    await log.create(kafka.bootstrap, [f"{prefix}t"])
    options = {"bootstrap_servers": kafka.bootstrap}
    at = TopicPartition(f"{prefix}t", 0)
    consumer = await open_consumer(options, frame_limit_bytes=262_144, gather_ms=2000)
    producer = await open_producer(options, frame_limit_bytes=262_144, ack_time_s=60)
    try:
        consumer.assign([at])
        consumer.seek(at, 0)
        sizes = []
        for _ in range(8):
            for text in (b"one", b"two"):
                await producer.send_and_wait(at.topic, text, partition=0)
            sizes.append(0)
            while sizes[-1] < 2:
                batches = await consumer.getmany(timeout_ms=100)
                alone = [len(records) for records in batches.values()]
                sizes[-1] += sum(alone)
                if alone == [2]:
                    return
        pytest.fail("they were never read together")
    finally:
        await discard(consumer, grace_s=1)
        await discard(producer, grace_s=1)


@pytest.mark.kafka
@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_what_others_compress_is_read(kafka: Broker, prefix: str, codec: str) -> None:
    """Whoever writes commands chooses how; a record that cannot be read would stop all reading."""
    topic = f"{prefix}t"
    await log.create(kafka.bootstrap, [topic])
    foreign = Producer({"bootstrap.servers": kafka.bootstrap, "compression.type": codec})
    sent = [b"%d" % number * 100 for number in range(20)]
    for value in sent:
        foreign.produce(topic, value, b"key")
    await asyncio.to_thread(foreign.flush, 60)
    consumer = await open_consumer(
        {"bootstrap_servers": kafka.bootstrap}, frame_limit_bytes=262_144
    )
    place, read = TopicPartition(topic, 0), []
    consumer.assign([place])
    consumer.seek(place, 0)
    async with asyncio.timeout(60):
        while len(read) < len(sent):
            read.append((await consumer.getone()).value)
    await discard(consumer, grace_s=1)
    assert read == sent
