"""Facts about what a gateway reads from the log, told by a small consumer."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import OffsetOutOfRangeError

from deploy.local.kafka import Broker
from gateway.dispatch import Dispatch
from gateway.inbound import Inbound
from gateway.stations import Station
from programs.kafka.clients import open_consumer
from schemas.codec import UnknownSchemaId
from tests import log
from tests.station import PATIENCE_S

PARTITIONS = 2
NAMES = ("commands", "decisions", "connections", "stations")


def partition_of(key: bytes) -> int:
    """Stations whose name begins with `even` are at home in partition 0, all others in 1."""
    return 0 if key.startswith(b"even") else 1


def encode(topic: str, **record: object) -> bytes:
    return json.dumps([topic, record]).encode()


class Reader:
    """An `Inbound` and what it told; `held` are the stations connected here."""

    def __init__(
        self, connect: Callable[[], Awaitable[Any]], prefix: str, **arguments: Any
    ) -> None:
        self.held = {b"even", b"odd"}
        self.heard: list[tuple[object, ...]] = []
        self.decoded = 0
        self.known = {0}  # schema ids
        self.learnable: set[int] = set()
        self.dispatch = Dispatch(
            decode=self.decode,
            holds=self.held.__contains__,
            partition_of=partition_of,
            on_connection=self.hear_connection,
            on_decision=lambda key, record: self.heard.append(("decision", key, record)),
            on_command=lambda key, headers, written_ms, record: self.heard.append(
                ("command", key, record)
            ),
            on_station=lambda _: None,
        )
        self.inbound = Inbound(
            **{
                "connect": connect,
                "learn": self.learn,
                "dispatch": self.dispatch,
                "partitions": PARTITIONS,
                "prefix": prefix,
                "back_off_s": (0.001, 0.5),
            }
            | arguments
        )

    def decode(self, data: bytes) -> tuple[str, Mapping[str, Any]]:
        self.decoded += 1
        topic, record = json.loads(data)
        if record.get("schema", 0) not in self.known:
            raise UnknownSchemaId(record["schema"])
        return topic, record

    async def learn(self, schema_id: int) -> bool:
        if schema_id in self.learnable:
            self.known.add(schema_id)
        return schema_id in self.known

    def hear_connection(self, key: bytes, position: int, record: Mapping[str, Any]) -> None:
        if record.get("fails"):
            raise ZeroDivisionError
        self.heard.append(("connection", key, position))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - conditions of many kinds
                await asyncio.sleep(0.001)


class Book:
    """Topics in memory, and the consumers that read them."""

    def __init__(self) -> None:
        self.records = {
            TopicPartition(name, number): [] for name in NAMES for number in range(PARTITIONS)
        }
        self.ends: dict[TopicPartition, int] = {}  # where the end is beyond the last record
        self.begins: dict[TopicPartition, int] = {}
        self.consumers: list[Consumer] = []
        self.missing = 0  # so many consumers see no topics
        self.heard_ms = 1
        self.broken: Exception | None = None

    def add(self, topic: str, number: int, key: bytes | None, value: bytes | None) -> None:
        at = TopicPartition(topic, number)
        offset = len(self.records[at])
        record = SimpleNamespace(topic=topic, partition=number, offset=offset, key=key, value=value)
        record.headers, record.timestamp = (), 0
        self.records[at].append(record)

    def station(self, topic: str, key: bytes, **fields: object) -> None:
        value = encode(topic, station=key.decode(), **fields)
        self.add(topic, partition_of(key), key, value)

    def end(self, at: TopicPartition) -> int:
        return self.ends.get(at, len(self.records[at]))

    async def connect(self) -> "Consumer":
        self.consumers.append(Consumer(self))
        return self.consumers[-1]


class Consumer:
    """As much of a consumer as a tail needs."""

    def __init__(self, log: Book) -> None:
        self.log = log
        self.positions: dict[TopicPartition, int] = {}
        self.polls = 0
        self.stopped = False

    async def topics(self) -> set[str]:
        self.log.missing -= 1
        return set() if self.log.missing >= 0 else set(NAMES)

    async def end_offsets(self, ats: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {at: self.log.end(at) for at in ats}

    async def beginning_offsets(self, ats: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {at: self.log.begins.get(at, 0) for at in ats}

    def assign(self, ats: list[TopicPartition]) -> None:
        self.positions = dict.fromkeys(ats, -1)

    def seek(self, at: TopicPartition, offset: int) -> None:
        self.positions[at] = offset

    async def position(self, at: TopicPartition) -> int:
        return self.positions[at]

    def highwater(self, at: TopicPartition) -> int:
        return self.log.end(at)

    def last_poll_timestamp(self, _: TopicPartition) -> int:
        return self.log.heard_ms

    async def getmany(
        self, *, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms > 0
        assert max_records > 0
        self.polls += 1
        await asyncio.sleep(0.001)
        if self.log.broken is not None:
            broken, self.log.broken = self.log.broken, None
            raise broken
        found = {}
        for at, position in self.positions.items():
            if position < self.log.begins.get(at, 0):
                raise OffsetOutOfRangeError({at: position})
            if records := self.log.records[at][position:]:
                found[at] = records
            self.positions[at] = self.log.end(at)
        return found

    async def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def book() -> Book:
    """A log of its own for each test."""
    return Book()


@pytest.fixture
async def make(book: Book) -> AsyncIterator[Callable[..., Reader]]:
    """Readers of the log; they are stopped at the end."""
    readers: list[Reader] = []

    def made(**arguments: Any) -> Reader:
        readers.append(Reader(book.connect, "", **arguments))
        return readers[-1]

    yield made
    for reader in readers:
        await reader.inbound.stop()
    assert all(consumer.stopped for consumer in book.consumers)


Make = Callable[..., Reader]


async def test_tails_begin_at_the_end(book: Book, make: Make) -> None:
    """What was said before the start is not heard; the positions are set before it is ready."""
    book.station("connections", b"even")
    book.station("commands", b"even")
    reader = make()
    await reader.inbound.start()
    assert reader.inbound.ready
    book.station("connections", b"even")
    book.station("commands", b"odd", n=1)
    await reader.until(lambda: len(reader.heard) == 2)
    assert sorted(reader.heard, key=str) == [
        ("command", b"odd", {"station": "odd", "n": 1}),
        ("connection", b"even", 1),
    ]


async def test_foreign_records_are_not_decoded(book: Book, make: Make) -> None:
    """A key that is held elsewhere costs a look into a set, and no more."""
    reader = make()
    await reader.inbound.start()
    book.add("commands", 1, b"elsewhere", b"no JSON at all")
    book.station("decisions", b"odd")
    await reader.until(lambda: reader.inbound.read == 2)
    assert reader.decoded == 1
    assert [heard[:2] for heard in reader.heard] == [("decision", b"odd")]


async def test_a_new_schema_is_learned_and_its_record_obeyed(book: Book, make: Make) -> None:
    """A decider in another language registers its own version: we ask for it, once."""
    reader = make()
    reader.learnable = {7}
    await reader.inbound.start()
    book.station("decisions", b"odd", schema=7)
    await reader.until(lambda: bool(reader.heard))
    assert [heard[:2] for heard in reader.heard] == [("decision", b"odd")]
    assert reader.dispatch.broken == 0


async def test_a_schema_that_nobody_knows_is_an_alarm_and_no_end(book: Book, make: Make) -> None:
    """Counted and logged with its place; the tail goes on."""
    reader = make()
    await reader.inbound.start()
    book.station("decisions", b"odd", schema=9)
    book.station("decisions", b"odd")
    await reader.until(lambda: bool(reader.heard))
    assert reader.dispatch.broken == 1
    assert reader.inbound.restarts == 0


async def test_broken_records_never_stop_the_tail(book: Book, make: Make) -> None:
    """Bytes that cannot be read, of another topic, without value; a receiver that fails."""
    reader = make()
    await reader.inbound.start()
    book.add("commands", 1, b"odd", b"no JSON")
    book.add("commands", 1, b"odd", encode("decisions", station="odd"))
    book.add("commands", 1, b"odd", None)
    book.add("commands", 1, None, b"")
    book.station("connections", b"odd", fails=True)
    book.station("connections", b"odd")
    await reader.until(lambda: bool(reader.heard))
    await reader.until(lambda: reader.inbound.read == 6)
    assert reader.heard == [("connection", b"odd", 1)]
    assert reader.dispatch.broken == 4
    assert reader.inbound.restarts == 0


async def test_misrouted_records_are_counted_and_not_obeyed(book: Book, make: Make) -> None:
    """In the wrong partition, or under the key of another station."""
    reader = make()
    await reader.inbound.start()
    book.add("commands", 0, b"odd", encode("commands", station="odd"))
    book.add("commands", 1, b"odd", encode("commands", station="even"))
    book.station("commands", b"odd", right=True)
    await reader.until(lambda: bool(reader.heard))
    await reader.until(lambda: reader.inbound.read == 3)
    assert reader.heard == [("command", b"odd", {"station": "odd", "right": True})]
    assert reader.dispatch.misrouted == 2


async def test_stations_are_read_from_the_beginning(book: Book, make: Make) -> None:
    """The last record of a key counts, one without value takes it away; then it is ready."""
    book.station("stations", b"even", registration_status="Pending")
    book.station("stations", b"even", registration_status="Accepted", boot_interval_s=60)
    book.station("stations", b"odd")
    book.add("stations", 1, b"odd", None)
    book.station("stations", b"other", group="depot")
    reader = make()
    await reader.inbound.start()
    assert reader.dispatch.stations == {
        b"even": Station(registration_status="Accepted", boot_interval_s=60),
        b"other": Station(group="depot"),
    }
    book.add("stations", 0, b"even", None)
    await reader.until(lambda: b"even" not in reader.dispatch.stations)


async def test_a_station_record_without_sense_changes_nothing(book: Book, make: Make) -> None:
    """What was known of the station still holds; a misrouted record is no better."""
    book.station("stations", b"even", group="depot")
    book.station("stations", b"even", registration_status="Perhaps")
    book.add("stations", 0, b"even", b"no JSON")
    book.add("stations", 0, b"odd", encode("stations", station="odd"))
    book.add("stations", 1, b"even", None)
    book.add("stations", 1, None, encode("stations", station="odd"))
    reader = make()
    await reader.inbound.start()
    assert reader.dispatch.stations == {b"even": Station(group="depot")}
    assert (reader.dispatch.broken, reader.dispatch.misrouted) == (2, 3)


async def test_ready_where_the_last_stations_were_compacted_away(book: Book, make: Make) -> None:
    """The end may lie behind the last record that is left."""
    book.station("stations", b"even")
    book.ends[TopicPartition("stations", 0)] = 9
    reader = make()
    await asyncio.wait_for(reader.inbound.start(), PATIENCE_S)
    assert b"even" in reader.dispatch.stations


async def test_it_goes_on_where_it_was(book: Book, make: Make) -> None:
    """A broken consumer is replaced; nothing is missed, nothing heard twice, no jump to the end."""
    reader = make()
    await reader.inbound.start()
    book.station("connections", b"odd")
    await reader.until(lambda: len(reader.heard) == 1)
    book.broken = OSError("gone")
    book.missing = 1
    await reader.until(lambda: reader.inbound.restarts > 0)
    book.station("connections", b"odd")
    book.station("connections", b"odd")
    await reader.until(lambda: len(reader.heard) == 3)
    assert [heard[2] for heard in reader.heard] == [0, 1, 2]
    assert reader.inbound.ready
    assert reader.inbound.lag == 0


async def test_not_ready_while_there_is_no_consumer(book: Book, make: Make) -> None:
    """Between two consumers takeovers would go unseen, so nobody should connect."""
    reader = make(back_off_s=(30.0, 30.0))
    await reader.inbound.start()
    book.broken = OSError("gone")
    await reader.until(lambda: reader.inbound.restarts == 1)
    await reader.until(lambda: not reader.inbound.ready)


async def test_missing_topics_are_waited_for(book: Book, make: Make) -> None:
    """They are never assigned, for that may create them."""
    book.missing = 2
    reader = make()
    await asyncio.wait_for(reader.inbound.start(), PATIENCE_S)
    assert [bool(consumer.positions) for consumer in book.consumers] == [False, False, True]


async def test_a_lost_position_goes_on_at_the_earliest(book: Book, make: Make) -> None:
    """What retention took is gone, and counted; what is left is read."""
    reader = make()
    await reader.inbound.start()
    at = TopicPartition("connections", 1)
    for _ in range(5):
        book.station("connections", b"odd")
    book.begins[at] = 3
    await reader.until(lambda: len(reader.heard) == 2)
    assert [heard[2] for heard in reader.heard] == [3, 4]
    assert (reader.inbound.out_of_range, reader.inbound.restarts) == (1, 0)


async def test_a_silent_consumer_is_replaced(book: Book, make: Make) -> None:
    """A consumer whose fetching died says nothing for ever; a quiet log is polled all the same."""
    now_s = 0.0
    reader = make(silence_s=30, clock=lambda: now_s)
    await reader.inbound.start()
    for _ in range(3):
        now_s += 29
        book.heard_ms += 1
        polls = book.consumers[-1].polls + 2  # the first may have begun before
        await reader.until(lambda polls=polls: book.consumers[-1].polls >= polls)
    assert reader.inbound.restarts == 0
    now_s += 31
    await reader.until(lambda: reader.inbound.restarts == 1 and reader.inbound.ready)


# Against the real Kafka.


async def produce(bootstrap: str, prefix: str, topic: str, key: bytes, **fields: object) -> int:
    """The offset of a record, in the key's own partition."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        metadata = await producer.send_and_wait(
            prefix + topic,
            encode(topic, station=key.decode(), **fields),
            key=key,
            partition=partition_of(key),
        )
        return int(metadata.offset)
    finally:
        await producer.stop()


def real(broker: Broker, prefix: str) -> Reader:
    options = {"bootstrap_servers": broker.bootstrap}
    return Reader(partial(open_consumer, options, frame_limit_bytes=262_144), prefix)


async def create(broker: Broker, prefix: str) -> None:
    names = [prefix + name for name in NAMES]
    await log.create(broker.bootstrap, names, partitions=PARTITIONS)


async def nothing_runs() -> None:
    """Wait until no task is left: what was cancelled may have its last word to say."""
    async with asyncio.timeout(PATIENCE_S):
        while asyncio.all_tasks() != {asyncio.current_task()}:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)


@pytest.mark.kafka
async def test_a_real_log_is_tailed_through_a_crash(broker: Broker, prefix: str) -> None:
    """Records written after kill -9 and a restart are heard once each, none is missed."""
    await create(broker, prefix)
    await produce(broker.bootstrap, prefix, "stations", b"even", group="depot")
    await produce(broker.bootstrap, prefix, "connections", b"odd")
    reader = real(broker, prefix)
    await asyncio.wait_for(reader.inbound.start(), PATIENCE_S)
    assert reader.dispatch.stations == {b"even": Station(group="depot")}
    written = [await produce(broker.bootstrap, prefix, "connections", b"odd") for _ in range(3)]
    await reader.until(lambda: len(reader.heard) == 3)
    broker.kill()
    await broker.start()
    written += [await produce(broker.bootstrap, prefix, "connections", b"odd") for _ in range(3)]
    await reader.until(lambda: len(reader.heard) == 6)
    assert [heard[2] for heard in reader.heard] == written == [1, 2, 3, 4, 5, 6]
    assert reader.inbound.lag == 0
    await reader.inbound.stop()
    await nothing_runs()


@pytest.mark.kafka
async def test_a_real_position_can_be_lost(kafka: Broker, prefix: str) -> None:
    """Records deleted under the reader: counted, and it goes on with those that are left."""
    await create(kafka, prefix)
    reader = real(kafka, prefix)
    await asyncio.wait_for(reader.inbound.start(), PATIENCE_S)
    await reader.inbound.stop()
    for _ in range(4):
        await produce(kafka.bootstrap, prefix, "connections", b"odd")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    at = TopicPartition(prefix + "connections", 1)
    await admin.delete_records({at: RecordsToDelete(before_offset=2)})
    await admin.close()
    await reader.inbound.start()
    await reader.until(lambda: len(reader.heard) == 2)
    assert [heard[2] for heard in reader.heard] == [2, 3]
    assert reader.inbound.out_of_range == 1
    await reader.inbound.stop()
    await nothing_runs()


@pytest.mark.kafka
async def test_stopping_without_a_broker(broker: Broker, prefix: str) -> None:
    """The tail ends in about two seconds also when nobody answers; by itself it would in forty."""
    await create(broker, prefix)
    reader = real(broker, prefix)
    await asyncio.wait_for(reader.inbound.start(), PATIENCE_S)
    broker.pause()
    await asyncio.wait_for(reader.inbound.stop(), 30)
    await nothing_runs()
