"""The producer against a real Kafka that is killed, paused and gone: promises 1 and 2."""

import asyncio
import gc
import os
import time
from collections.abc import Callable
from functools import partial

import psutil
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from structlog.testing import capture_logs

from deploy.local.kafka import Broker
from gateway.producer import Producer
from programs.kafka.clients import Probe, open_producer
from tests import log
from tests.cluster import Cluster
from tests.end_to_end.gateways import until
from tests.station import PATIENCE_S

pytestmark = pytest.mark.kafka

PARTITIONS = 3
HEADERS = tuple((f"ce_{name}", b"x" * 20) for name in ("id", "type", "source", "time", "version"))


class Book:
    """A producer below `prefix`, and what became of each record that it was handed."""

    def __init__(self, bootstrap: str, prefix: str, *, ack_time_s: float = PATIENCE_S) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.handed = 0
        self._turn = 0
        self.outcomes: dict[bytes, tuple[int, int | None]] = {}
        self.outage = asyncio.Event()
        options = {"bootstrap_servers": bootstrap}
        self.producer = Producer(
            connect=partial(
                open_producer, options, frame_limit_bytes=262_144, ack_time_s=ack_time_s
            ),
            probe=lambda: Probe(prefix + "gateways", 0, b"me", b"alive", (), 0),
            ack_time_s=ack_time_s,
            record_bytes_max=2_000_000,
            on_outage=self.outage.set,
            back_off_s=(0.1, 0.5),
        )

    async def open(self) -> None:
        names = [self.prefix + "events", self.prefix + "gateways"]
        await log.create(self.bootstrap, names, partitions=PARTITIONS)
        await self.producer.start()

    async def ready(self) -> None:
        """Wait for the end of an outage."""
        await until(lambda: self.producer.state == "ready", timeout_s=3 * PATIENCE_S)

    async def all_is_well(self, count: int) -> None:
        """Hand over so many records, the first partition's first, until each is acknowledged.

        Where the time for that is short, a machine with other work to do makes outages of its own.
        """

        async def acknowledged() -> bool:
            await self.ready()
            self._turn = 0
            self.record(count=count)
            await self.idle()
            return all(offset is not None for _, offset in list(self.outcomes.values())[-count:])

        await until(acknowledged, "not all was acknowledged", 3 * PATIENCE_S)

    def record(self, *, count: int = 1, wait: bool = False) -> None:
        """Hand over the next records; the partitions take turns."""
        for _ in range(count):
            self._record(wait=wait)

    def _record(self, *, wait: bool) -> None:
        number, self.handed = self.handed, self.handed + 1
        where, value = self._turn % PARTITIONS, b"%d" % number
        self._turn += 1

        def done(offset: int | None) -> None:
            assert value not in self.outcomes, "a record is done once"
            self.outcomes[value] = (where, offset)

        self.producer.record(
            self.prefix + "events", where, b"station", value, HEADERS, now_ms(), done, wait=wait
        )

    async def load(self, until: Callable[[], bool]) -> None:
        """Hand over about ten thousand records a second until it is enough."""
        while not until():
            self.record(count=20)
            await asyncio.sleep(0.002)

    async def idle(self) -> None:
        """Wait until each record has its outcome."""
        async with asyncio.timeout(2 * PATIENCE_S):
            while len(self.outcomes) < self.handed:  # noqa: ASYNC110 - the outcomes are the event
                await asyncio.sleep(0.01)

    async def check_against_the_log(self) -> int:
        """Each acknowledged record is where it was said to be, none is there twice; how many."""
        found = await log.read(self.bootstrap, self.prefix + "events", PARTITIONS)
        values = [value for records in found.values() for value in records.values()]
        assert len(values) == len(set(values)), "no record is in the log twice"
        acknowledged = {v: o for v, o in self.outcomes.items() if o[1] is not None}
        for value, (where, offset) in acknowledged.items():
            assert offset is not None
            assert found[where].get(offset) == value
        for where in range(PARTITIONS):
            in_order = [o for w, o in self.outcomes.values() if w == where and o is not None]
            assert in_order == sorted(in_order), "outcomes come in the order of the partition"
        return len(acknowledged)


def now_ms() -> int:
    """A record of long ago Kafka deletes when it next looks: 30 s after its start."""
    return time.time_ns() // 1_000_000


def leftovers(port: int) -> tuple[int, list[object]]:
    """Sockets of this process to the broker, and tasks other than the test's own."""
    gc.collect()
    own = psutil.Process(os.getpid()).net_connections("tcp")
    sockets = sum(1 for one in own if one.raddr and one.raddr.port == port)
    return sockets, [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def nothing_is_left(*brokers: Broker) -> None:
    """Wait until no socket and no task is there any more."""
    await until(lambda: all(leftovers(broker.port) == (0, []) for broker in brokers), "leftovers")


async def pause(broker: Broker) -> None:
    """Pause the broker, and return when all its threads stand still."""
    broker.pause()
    process = psutil.Process(broker.pid)
    while process.status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.001)


async def test_offsets_are_those_of_the_log(kafka: Broker, prefix: str) -> None:
    """Every record is at its own offset, in the order in which it was handed over."""
    book = Book(kafka.bootstrap, prefix)
    await book.open()
    await book.load(lambda: book.handed >= 5000)
    assert await book.producer.stop(PATIENCE_S) == 0
    assert book.producer.batches < book.producer.acknowledged
    assert await book.check_against_the_log() == book.handed
    await nothing_is_left(kafka)


async def test_the_largest_record_is_taken(kafka: Broker, prefix: str) -> None:
    """A record close to the limit passes, alone in its batch, where the topic allows it."""
    book = Book(kafka.bootstrap, prefix)
    size = {"max.message.bytes": str(8 * 262_144)}
    await log.create(kafka.bootstrap, [prefix + "events"], partitions=3, options=size)
    await log.create(kafka.bootstrap, [prefix + "gateways"])
    await book.producer.start()
    offsets: list[int | None] = []
    for _ in range(3):
        book.producer.record(
            prefix + "events", 0, b"station", b"x" * 2_000_000, HEADERS, now_ms(), offsets.append
        )
    assert await book.producer.stop(PATIENCE_S) == 0
    assert offsets == [0, 1, 2]


async def test_a_missing_topic_is_not_created(kafka: Broker, prefix: str) -> None:
    """Its records have no known outcome, and it is still missing afterwards."""
    book = Book(kafka.bootstrap, prefix)
    await log.create(kafka.bootstrap, [prefix + "gateways"])
    await book.producer.start()
    book.record()
    await asyncio.wait_for(book.outage.wait(), PATIENCE_S)
    assert book.outcomes == {b"0": (0, None)}
    await book.producer.stop(5)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    there = [name for name in await admin.list_topics() if name.startswith(prefix)]
    await admin.close()
    assert there == [prefix + "gateways"]


async def test_kill_under_load(broker: Broker, prefix: str) -> None:
    """kill -9 and start again: what was acknowledged is there, the rest is called unknown."""
    book = Book(broker.bootstrap, prefix, ack_time_s=2)
    await book.open()
    await book.load(lambda: len(book.outcomes) > 2000)
    asyncio.get_running_loop().call_later(0.05, broker.kill)
    await book.load(lambda: not broker.running and book.producer.state == "outage")
    book.record()
    book.record(wait=True)
    await broker.start()
    await book.all_is_well(2000)
    assert await book.producer.stop(PATIENCE_S) == 0
    assert await book.check_against_the_log() < book.handed
    assert None in {offset for _, offset in book.outcomes.values()}
    await nothing_is_left(broker)


async def test_pause_past_the_ack_time(broker: Broker, prefix: str) -> None:
    """A broker that says nothing: unknown after ack_time, and ready when it talks again."""
    book = Book(broker.bootstrap, prefix, ack_time_s=1)
    await book.open()
    await book.all_is_well(500)
    await pause(broker)
    book.outage.clear()
    before_s = time.monotonic()
    with capture_logs() as told:
        book.record()
        await asyncio.wait_for(book.outage.wait(), PATIENCE_S)
    assert time.monotonic() - before_s > 0.9
    (outage,) = [one for one in told if one["event"] == "kafka outage"]
    assert outage["reason"] == "no acknowledgement within 1 s", "not when its client gives up"
    await book.idle()
    assert book.producer.state == "outage"
    book.producer.ack_time_s = PATIENCE_S
    book.record(wait=True)
    broker.resume()
    await book.ready()
    await book.idle()
    assert list(book.outcomes.values())[-1][1] is not None, "what could wait is in the log"
    assert await book.producer.stop(PATIENCE_S) == 0
    await book.check_against_the_log()
    await nothing_is_left(broker)


@pytest.mark.parametrize("fault", ["kill", "pause"])
async def test_stop_without_a_broker(broker: Broker, prefix: str, fault: str) -> None:
    """It ends within its time, counts what was never acknowledged, and leaves nothing behind."""
    book = Book(broker.bootstrap, prefix, ack_time_s=10 * PATIENCE_S)
    await book.open()
    await book.load(lambda: len(book.outcomes) > 500)
    await book.idle()
    if fault == "kill":
        broker.kill()
    else:
        await pause(broker)
    book.record(count=100)
    assert await asyncio.wait_for(book.producer.stop(3), PATIENCE_S) == 100
    assert {offset for _, offset in list(book.outcomes.values())[-100:]} == {None}
    await nothing_is_left(broker)


async def test_a_partition_without_a_leader(cluster: Cluster, prefix: str) -> None:
    """Unknown past ack_time, and ready without it; when its leader is back, so are its records."""
    book = Book(cluster.bootstrap, prefix, ack_time_s=5)
    names = [prefix + "events", prefix + "gateways"]
    await log.create(cluster.bootstrap, names, replicas={0: [1], 1: [2], 2: [3]})
    await book.producer.start()
    await book.all_is_well(3)
    await asyncio.to_thread(cluster.brokers[2].kill)
    book.outage.clear()
    cpu_s = time.process_time()
    book.record(count=3)
    await asyncio.wait_for(book.outage.wait(), PATIENCE_S)
    assert time.process_time() - cpu_s < 2.5, "waiting for a leader keeps no core busy"
    assert book.outcomes[b"%d" % (book.handed - 1)] == (2, None)
    await book.all_is_well(2)
    await cluster.brokers[2].start()
    await book.all_is_well(3)
    assert await book.producer.stop(PATIENCE_S) == 0
    await book.check_against_the_log()
    await nothing_is_left(*cluster.brokers)
