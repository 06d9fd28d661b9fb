"""A producer that is there when it is wanted, and anew when it has failed."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError

from consumers.metrics import Metrics
from consumers.sequels.producing import Producer
from deploy.local.kafka import Broker
from programs.kafka.clients import open_producer
from schemas.topics import partition
from tests import log
from tests.consumers.written import CODEC

pytestmark = pytest.mark.kafka

PARTITIONS = 4
FRAME_BYTES = 8192


def decision(number: int, **more: Any) -> dict[str, Any]:
    return {
        "event_id": f"S1.1.{number}",
        "station": "S1",
        "response": "{}",
        "decided_by": "test",
        "at": 1_800_000_000_000,
        **more,
    }


class Made:
    """A producer, the clients that it made, and what it counts."""

    def __init__(self, bootstrap: str, prefix: str, **options: Any) -> None:
        self.clients: list[AIOKafkaProducer] = []
        self.metrics = Metrics("test")
        self._open = partial(
            open_producer,
            {"bootstrap_servers": bootstrap},
            frame_limit_bytes=FRAME_BYTES,
            ack_time_s=20,
        )
        self.producer = Producer(
            connect=self._connect,
            codec=CODEC,
            metrics=self.metrics,
            prefix=prefix,
            partitions=PARTITIONS,
            **options,
        )

    async def _connect(self) -> AIOKafkaProducer:
        self.clients.append(await self._open())
        return self.clients[-1]

    @property
    def failures(self) -> float | None:
        name = "chargewire_consumer_produce_failures_total"
        return self.metrics.registry.get_sample_value(name, {"consumer": "test"})


@pytest.fixture
async def made(kafka: Broker, prefix: str) -> AsyncIterator[Made]:
    """On a log with the topics for decisions and tokens."""
    names = [prefix + name for name in ("decisions", "id-tokens")]
    await log.create(kafka.bootstrap, names, partitions=PARTITIONS)
    # A busy machine connects slowly.
    found = Made(kafka.bootstrap, prefix, ack_time_s=60, close_time_s=60)
    yield found
    await found.producer.close()


async def test_records_are_where_they_belong(made: Made, kafka: Broker, prefix: str) -> None:
    """One client, made at the first record; the key decides, unless a partition is named."""
    assert made.clients == []
    await made.producer.send("decisions", b"S1", decision(1), headers=[("traceparent", b"00-1")])
    await asyncio.gather(
        made.producer.send("decisions", b"S1", decision(2)),
        made.producer.send("id-tokens", b"abc", None, partition=3),
    )
    assert len(made.clients) == 1
    found = await log.records(kafka.bootstrap, f"{prefix}decisions", PARTITIONS)
    assert [CODEC.decode(one.value)[1]["event_id"] for one in found] == ["S1.1.1", "S1.1.2"]
    assert {one.partition for one in found} == {partition(b"S1", PARTITIONS)}
    assert [*found[0].headers] == [("traceparent", b"00-1")]
    (gone,) = await log.records(kafka.bootstrap, f"{prefix}id-tokens", PARTITIONS)
    assert (gone.key, gone.value, gone.partition) == (b"abc", None, 3)


async def test_what_is_posted_is_written_in_order(made: Made, kafka: Broker, prefix: str) -> None:
    """Nobody waits, and closing gives it its time."""
    for number in range(50):
        made.producer.post("decisions", b"S1", decision(number))
    await made.producer.close()
    found = await log.records(kafka.bootstrap, f"{prefix}decisions", PARTITIONS)
    assert [CODEC.decode(one.value)[1]["event_id"] for one in found] == [
        f"S1.1.{number}" for number in range(50)
    ]
    assert made.failures == 0


async def test_a_record_that_cannot_be_written_is_alone(made: Made) -> None:
    """Its writer is told, and the client serves the others on."""
    with pytest.raises(MessageSizeTooLargeError):
        await made.producer.send("decisions", b"S1", decision(1, response="x" * 100_000))
    with pytest.raises(UnknownTopicOrPartitionError):
        await made.producer.send("commands", b"S1", None)
    with pytest.raises(TypeError):
        await made.producer.send("decisions", b"S1", {"event_id": "S1.1.1"})
    await made.producer.send("decisions", b"S1", decision(1))
    assert len(made.clients) == 1
    made.producer.post("commands", b"S1", None)
    await made.producer.close()
    assert made.failures == 1, "what is posted is counted"


async def test_a_client_that_failed_is_replaced(made: Made, kafka: Broker, prefix: str) -> None:
    """Whatever was under way with it fails too; the next record has a new one."""
    await made.producer.send("decisions", b"S1", decision(1))
    (first,) = made.clients
    stuck: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    broken: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    broken.set_exception(KafkaError("out of order"))
    answers = [stuck, broken]

    async def send(*_: object, **__: object) -> asyncio.Future[Any]:
        return answers.pop(0)

    first.send = send
    waiting = asyncio.create_task(made.producer.send("decisions", b"S1", decision(2)))
    await asyncio.sleep(0)
    with pytest.raises(KafkaError, match="out of order"):
        await made.producer.send("decisions", b"S1", decision(3))
    with pytest.raises(KafkaError, match="another record"):
        await waiting
    await made.producer.send("decisions", b"S1", decision(4))
    assert len(made.clients) == 2
    found = await log.records(kafka.bootstrap, f"{prefix}decisions", PARTITIONS)
    assert [CODEC.decode(one.value)[1]["event_id"] for one in found] == ["S1.1.1", "S1.1.4"]


async def test_silence_is_a_failure(kafka: Broker, prefix: str) -> None:
    """No acknowledgement in time: also where its sender had gone before."""
    await log.create(kafka.bootstrap, [f"{prefix}decisions"], partitions=PARTITIONS)
    made = Made(kafka.bootstrap, prefix, ack_time_s=60)
    silent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    asked = asyncio.Event()

    async def send(*_: object, **__: object) -> asyncio.Future[Any]:
        asked.set()
        return silent

    await made.producer.send("decisions", b"S1", decision(1))
    made.clients[0].send = send
    impatient = asyncio.create_task(made.producer.send("decisions", b"S1", decision(2)))
    await asyncio.wait_for(asked.wait(), 60)
    made.producer._ack_time_s = 0.2
    impatient.cancel()
    with pytest.raises(KafkaError):
        async with asyncio.timeout(60):
            await silent
    made.producer._ack_time_s = 60
    await made.producer.send("decisions", b"S1", decision(3))
    assert len(made.clients) == 2
    made.clients[1].send = send
    silent = asyncio.get_running_loop().create_future()
    made.producer._ack_time_s = 0.2
    with pytest.raises(TimeoutError):
        await made.producer.send("decisions", b"S1", decision(4))
    await made.producer.close()
