"""Facts about how events reach Kafka, told by a client of ten lines."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.lanes import Done, RecordSizeError
from gateway.producer import Producer
from programs.kafka.clients import Probe
from tests.end_to_end.gateways import until
from tests.station import PATIENCE_S

Sent = tuple[str, int, list[bytes], asyncio.Future[Any]]


class Batch:
    """Three records are a full batch."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, value: bytes, **_: object) -> object:
        if len(self.values) == 3:
            return None
        self.values.append(value)
        return True


class Client:
    """Keeps what it is given; a test answers. `answers` does so at once (for the probe)."""

    def __init__(self) -> None:
        topics = {"events": {0, 1}, "gateways": {0}}
        self.client = SimpleNamespace(cluster=SimpleNamespace(partitions_for_topic=topics.get))
        self.sent: list[Sent] = []
        self.stopped = False
        self.answers = True

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if topic == "gateways":
            if self.answers:
                future.set_result(SimpleNamespace(offset=0))
        else:
            self.sent.append((topic, partition, batch.values, future))
        return future

    async def stop(self) -> None:
        self.stopped = True


class World:
    """A producer and the clients it was given."""

    def __init__(self, **arguments: Any) -> None:
        self.clients: list[Client] = []
        self.calls: list[str] = []
        self.recoveries = 0
        self.refused = 0  # so many attempts to connect fail
        self.silent = 0  # so many clients after those acknowledge nothing
        self.results: dict[str, int | None] = {}
        self.producer = Producer(
            **{
                "connect": self.connect,
                "probe": lambda: Probe("gateways", 0, b"me", b"alive", [], 0),
                "ack_time_s": 3600.0,
                "record_bytes_max": 100,
                "on_outage": lambda: self.calls.append("outage"),
                "on_drained": lambda: self.calls.append("drained"),
                "back_off_s": (0.001, 0.002),
            }
            | arguments
        )

    async def connect(self) -> Client:
        if self.refused:
            self.refused -= 1
            raise OSError("refused")
        self.clients.append(Client())
        if self.silent:
            self.silent -= 1
            self.clients[-1].answers = False
        return self.clients[-1]

    @property
    def sent(self) -> list[Sent]:
        """The batches given to the newest client."""
        return self.clients[-1].sent

    def record(self, name: str, partition: int = 0, *, wait: bool = False) -> None:
        """Hand over a record whose result is kept under its name; told twice is an error."""

        def done(offset: int | None) -> None:
            assert name not in self.results, f"{name} is done twice"
            self.results[name] = offset

        self.producer.record(
            "events", partition, b"key", name.encode(), (("ce_id", b"1"),), 0, done, wait=wait
        )

    def acknowledge(self, number: int, offset: int) -> None:
        self.sent[number][3].set_result(SimpleNamespace(offset=offset))

    async def recovered(self) -> None:
        """Wait until the next outage has come and gone."""
        self.recoveries += 1
        await until(
            lambda: self.producer.failures == self.recoveries and self.producer.state == "ready",
            timeout_s=PATIENCE_S,
        )


async def turns(count: int = 4) -> None:
    """Let the loop turn, without time passing."""
    for _ in range(count):
        await asyncio.sleep(0)


Make = Callable[..., Awaitable[World]]


@pytest.fixture
async def make():
    """Worlds that are started, and stopped at the end."""
    worlds: list[World] = []

    async def started(**arguments: Any) -> World:
        world = World(**arguments)
        worlds.append(world)
        await world.producer.start()
        world.calls.clear()
        return world

    yield started
    for world in worlds:
        await world.producer.stop(0.2)
        assert all(client.stopped for client in world.clients)


async def test_one_turn_of_the_loop_shares_a_batch(make: Make) -> None:
    """Records handed over together go out together, at once, and learn their own offsets."""
    world = await make()
    world.record("a")
    world.record("b")
    await turns(1)
    assert [sent[:3] for sent in world.sent] == [("events", 0, [b"a", b"b"])]
    world.acknowledge(0, 40)
    await turns()
    assert world.results == {"a": 40, "b": 41}


async def test_one_batch_of_a_partition_at_a_time(make: Make) -> None:
    """What comes while a batch is on its way waits for its answer; other partitions do not."""
    world = await make()
    world.record("a")
    await turns()
    world.record("b")
    world.record("c")
    world.record("d", partition=1)
    await turns()
    assert [sent[1:3] for sent in world.sent] == [(0, [b"a"]), (1, [b"d"])]
    world.acknowledge(0, 7)
    await turns()
    assert world.sent[2][1:3] == (0, [b"b", b"c"])
    assert world.producer.in_flight == 3
    world.acknowledge(2, 8)
    await turns()
    assert list(world.results.items()) == [("a", 7), ("b", 8), ("c", 9)]


async def test_a_full_batch_is_followed_by_another(make: Make) -> None:
    """More records than a batch holds keep their order over two."""
    world = await make()
    for name in "abcde":
        world.record(name)
    await turns()
    world.acknowledge(0, 0)
    await turns()
    assert [sent[2] for sent in world.sent] == [[b"a", b"b", b"c"], [b"d", b"e"]]
    world.acknowledge(1, 3)
    await turns()
    assert list(world.results.values()) == [0, 1, 2, 3, 4]


async def test_a_record_made_by_a_callback_is_the_next_batch(make: Make) -> None:
    """A reply's event, recorded when the call's is acknowledged, neither waits nor overtakes."""
    world = await make()

    def done(_: int | None) -> None:
        world.record("reply")

    world.producer.record("events", 0, b"key", b"call", (), 0, done)
    await turns()
    world.acknowledge(0, 5)
    await turns()
    assert world.sent[1][2] == [b"reply"]


async def test_an_error_makes_every_outcome_unknown(make: Make) -> None:
    """One failed batch: what is on its way or waiting, on all partitions, is given up."""
    world = await make()
    world.record("a")
    world.record("b", partition=1)
    await turns()
    world.record("c")
    first = world.clients[0]
    first.sent[0][3].set_exception(OSError("not enough replicas"))
    await turns(1)
    assert world.results == {"a": None, "b": None, "c": None}
    assert world.producer.state == "outage"
    assert world.producer.outage_since is not None
    assert (world.producer.unknown, world.producer.in_flight) == (3, 0)
    await world.recovered()
    assert (world.producer.state, world.producer.outage_since) == ("ready", None)
    assert world.calls == ["drained", "outage"]
    assert first.stopped


async def test_late_answers_are_ignored(make: Make) -> None:
    """An acknowledgement, or an error, after the outcome was called unknown changes nothing."""
    now = 0.0
    world = await make(ack_time_s=10.0, clock=lambda: now)
    world.record("a")
    world.record("b", partition=1)
    await turns()
    now = 10.0
    world.producer._check_clock()
    await world.recovered()
    assert world.results == {"a": None, "b": None}
    old = world.clients[0]
    old.sent[0][3].set_result(SimpleNamespace(offset=9))
    old.sent[1][3].set_exception(OSError("out of order sequence"))
    await turns()
    assert world.results == {"a": None, "b": None}
    assert (world.producer.state, world.producer.failures) == ("ready", 1)


async def test_the_clock_runs_from_the_record_on(make: Make) -> None:
    """Time spent waiting for an earlier batch counts; acknowledged records stop no clock."""
    now = 0.0
    world = await make(ack_time_s=10.0, clock=lambda: now)
    world.record("a")
    await turns()
    now = 6.0
    world.record("b")
    world.acknowledge(0, 1)
    await turns()
    now = 15.9
    world.producer._check_clock()
    assert world.results == {"a": 1}
    now = 16.0
    world.producer._check_clock()
    assert world.results == {"a": 1, "b": None}


async def test_an_acknowledgement_without_an_offset_is_unknown(make: Make) -> None:
    """A duplicate that the broker has forgotten: durable, but nobody can say where."""
    world = await make()
    world.record("a")
    await turns()
    world.acknowledge(0, -1)
    await turns()
    assert world.results == {"a": None}


async def test_a_topic_that_is_missing_is_a_failure(make: Make) -> None:
    """No topic is ever created by asking for it."""
    world = await make()
    done: list[int | None] = []
    world.producer.record("nowhere", 0, b"key", b"x", (), 0, done.append)
    await turns()
    assert done == [None]
    assert world.clients[0].sent == []


async def test_an_outage_refuses_at_once_but_keeps_what_can_wait(make: Make) -> None:
    """`disconnected` events wait in memory, the oldest ones, and are produced once, in order."""
    world = await make(kept_max=2)
    world.record("a")
    await turns()
    world.clients[0].sent[0][3].set_exception(OSError())
    await turns(1)
    world.record("b")
    for name in "cde":
        world.record(name, wait=True)
    assert world.results == {"a": None, "b": None, "e": None}
    assert (world.producer.kept, world.producer.dropped) == (2, 1)
    await world.recovered()
    await turns()
    assert [sent[2] for sent in world.sent] == [[b"c", b"d"]]
    world.acknowledge(0, 20)
    await turns()
    assert (world.results["c"], world.results["d"]) == (20, 21)
    assert world.producer.kept == 0


async def test_what_can_wait_and_never_left_outlives_the_failure(make: Make) -> None:
    """Behind a batch on its way a record has not been handed over, so it may still be."""
    world = await make()
    world.record("a", wait=True)
    await turns()
    world.record("b", wait=True)
    world.clients[0].sent[0][3].set_exception(OSError())
    await turns(1)
    assert world.results == {"a": None}
    await world.recovered()
    await turns()
    assert [sent[2] for sent in world.sent] == [[b"b"]]


async def test_ready_only_after_a_record_was_acknowledged() -> None:
    """A client that connects but does not acknowledge is dropped, and another one tried."""
    world = World(ack_time_s=0.02)
    world.refused, world.silent = 1, 1
    starting = asyncio.create_task(world.producer.start())
    await turns()
    assert world.producer.state == "outage"
    await asyncio.wait_for(starting, PATIENCE_S)
    assert world.producer.state == "ready"
    assert [client.answers for client in world.clients][:2] == [False, True]
    await world.producer.stop(0.2)
    assert all(client.stopped for client in world.clients)


async def test_a_record_too_large_harms_no_other(make: Make) -> None:
    """It is refused where it is handed over: in a batch it would sink its neighbours."""
    world = await make()
    world.record("a")
    with pytest.raises(RecordSizeError):
        world.record("b" * 101)
    await turns()
    assert [sent[2] for sent in world.sent] == [[b"a"]]
    assert world.producer.in_flight == 1


async def test_a_failing_callback_harms_no_other(make: Make) -> None:
    """The records after it are told all the same."""
    world = await make()
    broken: Done = lambda _: 1 / 0  # type: ignore[assignment, return-value]  # noqa: E731
    world.producer.record("events", 0, b"key", b"x", (), 0, broken)
    world.record("a")
    await turns()
    world.acknowledge(0, 3)
    await turns()
    assert world.results == {"a": 4}
    assert world.producer.state == "ready"


async def test_drained_is_told_when_the_low_water_mark_is_reached(make: Make) -> None:
    """Once, on the way down; a failure is a way down too."""
    world = await make(low_water=1)
    for name in "abc":
        world.record(name, partition=0)
    world.record("d", partition=1)
    await turns()
    world.acknowledge(0, 0)
    await turns()
    assert world.calls == ["drained"]
    world.acknowledge(1, 0)
    await turns()
    assert world.calls == ["drained"]
    for name in "ef":
        world.record(name)
    await turns()
    world.sent[2][3].set_exception(OSError())
    await turns()
    assert sorted(world.calls[:3]) == ["drained", "drained", "outage"]


async def test_the_time_to_the_acknowledgement_is_observed(make: Make) -> None:
    """Once for each batch: the time of its first record, in seconds."""
    now, seen = 100.0, []
    world = await make(clock=lambda: now, observe_ack_s=seen.append)
    world.record("a")
    world.record("b")
    await turns()
    now = 100.25
    world.acknowledge(0, 0)
    await turns()
    assert seen == [0.25]
    assert (world.producer.acknowledged, world.producer.batches) == (2, 1)


async def test_stop_waits_for_what_is_on_its_way(make: Make) -> None:
    """Records acknowledged in time are not lost, also those that were still waiting."""
    world = await make()
    world.record("a")
    await turns()
    world.record("b")
    stopping = asyncio.create_task(world.producer.stop(PATIENCE_S))
    await turns()
    world.acknowledge(0, 0)
    await turns()
    world.acknowledge(1, 1)
    assert await stopping == 0
    assert world.results == {"a": 0, "b": 1}


async def test_stop_gives_up_in_time(make: Make) -> None:
    """What is not acknowledged is counted and told; afterwards nothing is taken."""
    world = await make()
    world.record("a")
    world.record("b", partition=1, wait=True)
    assert await asyncio.wait_for(world.producer.stop(0.2), PATIENCE_S) == 2
    world.record("c", wait=True)
    assert world.results == {"a": None, "b": None, "c": None}


async def test_stop_in_an_outage_gives_up_what_waits(make: Make) -> None:
    """Records kept for the end of an outage are told when there will be none."""
    world = await make(back_off_s=(60.0, 60.0))
    world.record("a")
    await turns()
    world.refused = 1
    world.clients[0].sent[0][3].set_exception(OSError())
    await turns(1)
    world.record("b", wait=True)
    assert await world.producer.stop(0.2) == 1
    assert world.results == {"a": None, "b": None}
