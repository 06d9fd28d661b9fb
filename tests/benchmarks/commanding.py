"""The measurements of commands: how soon a result is there, and what those of others cost."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from websockets.exceptions import ConnectionClosed

from programs.kafka import admin
from programs.settings import KafkaSettings
from schemas.topics import PARTITIONS, layouts, plan
from tests.benchmarks import written
from tests.benchmarks.filling import fill
from tests.benchmarks.stage import cpu_time_s, kafka
from tests.benchmarks.workloads import BOOT
from tests.benchmarks.written import Written
from tests.end_to_end.gateways import CODEC, Fleet, Gateway, until
from tests.station import Station

Tell = Callable[[str], None]
RESULT_TIME_S = 60.0
EXPIRES_MS = 600_000
STATIONS = 50_000  # that foreign commands are for
FETCH_S = 1.0  # a gateway asks Kafka for news twice a second and more
TICK_S = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured: times in seconds."""

    stations: int = 100
    paced_per_s: float = 20.0
    paced_s: float = 20.0
    burst: int = 1000
    idle_s: float = 4.0
    foreign: int = 100_000
    foreign_per_s: float = 2000.0  # of a million stations
    foreign_s: float = 6.0


async def commanding(effort: Effort, tell: Tell) -> dict[str, Any]:
    """From command to result, and the CPU time of a gateway for records of foreign stations."""
    async with kafka() as (broker, folder):
        async with Fleet(broker.bootstrap, "own.", folder, partitions=PARTITIONS) as fleet:
            await _topics(fleet)
            results = await _results(fleet, effort, tell)
        async with Fleet(broker.bootstrap, "foreign.", folder, partitions=PARTITIONS) as fleet:
            await _topics(fleet)
            foreign = await _foreign(fleet, effort, tell)
    return {"results": results, "foreign": foreign}


async def _topics(fleet: Fleet) -> None:
    wanted = layouts(fleet.prefix, replication=1)
    await admin.apply(KafkaSettings(kafka=fleet.bootstrap, prefix=fleet.prefix), plan({}, wanted))


async def _results(fleet: Fleet, effort: Effort, tell: Tell) -> dict[str, Any]:
    """How long it takes from a command that is sent until its result has been read."""
    gateway = await fleet.start()
    await fleet.consume("commands", f"sqlite:///{fleet.folder}/commands.db")  # settles the rest
    stations = [await fleet.connect(gateway, written.name(n)) for n in range(effort.stations)]
    async with _obeying(stations), Asking.begun(fleet, effort.stations) as asking:
        await asking.all(effort.burst, 0.0)  # Java compiles what it does often
        paced = int(effort.paced_per_s * effort.paced_s)
        at_once = f"{effort.burst:,} to {effort.stations} stations at once"
        found = {
            f"{effort.paced_per_s:g} per second": await asking.all(paced, effort.paced_per_s),
            at_once: await asking.all(effort.burst, 0.0),
        }
    for name, one in found.items():
        tell(
            f"commands, {name}: p50 {one['p50_ms']:.1f} ms, p99 {one['p99_ms']:.1f} ms, "
            f"{one['answered']} of {one['commands']} answered"
        )
    return found


@asynccontextmanager
async def _obeying(stations: Sequence[Station]) -> AsyncIterator[None]:
    """Stations that have booted and answer each command at once."""

    async def obey(station: Station) -> None:
        with suppress(ConnectionClosed):
            while True:
                await station.answer(await station.receive(RESULT_TIME_S), {"status": "Accepted"})

    for station in stations:
        await station.call(BOOT.action, BOOT.payload)  # until then commands are held
    async with asyncio.TaskGroup() as tasks:
        obeying = [tasks.create_task(obey(station)) for station in stations]
        yield
        for task in obeying:
            task.cancel()


class Asking:
    """Asks stations in turn, and reads the results as they come."""

    def __init__(
        self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, prefix: str, stations: int
    ) -> None:
        self._producer = producer
        self._consumer = consumer
        self._prefix = prefix
        self._stations = stations
        self._numbers = count()
        self._sent_s: dict[str, float] = {}
        self._unanswered = 0

    @classmethod
    @asynccontextmanager
    async def begun(cls, fleet: Fleet, stations: int) -> AsyncIterator["Asking"]:
        """With clients of its own, as another team's service."""
        results = f"{fleet.prefix}command-results"
        async with (
            AIOKafkaProducer(bootstrap_servers=fleet.bootstrap) as producer,
            AIOKafkaConsumer(
                results, bootstrap_servers=fleet.bootstrap, auto_offset_reset="earliest"
            ) as consumer,
        ):
            yield cls(producer, consumer, fleet.prefix, stations)

    async def all(self, commands: int, per_s: float) -> dict[str, float]:
        """So many commands, at that rate (0: all at once). TimeoutError: one has no result."""
        self._unanswered, begun_s = 0, time.perf_counter()
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(RESULT_TIME_S):
            reading = tasks.create_task(self._waits_s(commands))
            for number in range(commands):
                if per_s:
                    due_s = begun_s + number / per_s
                    await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
                await self._ask()
            waits_s = sorted(await reading)
        return {
            "commands": commands,
            "answered": commands - self._unanswered,
            "p50_ms": 1000 * waits_s[len(waits_s) // 2],
            "p99_ms": 1000 * waits_s[len(waits_s) * 99 // 100],
            "max_ms": 1000 * waits_s[-1],
            "results_per_s": commands / (time.perf_counter() - begun_s),
        }

    async def _ask(self) -> None:
        number = next(self._numbers)
        station = written.name(number % self._stations)
        told = _command(f"asked-{number}", station)
        self._sent_s[told["command_id"]] = time.perf_counter()
        value = CODEC.encode("commands", told)
        await self._producer.send(f"{self._prefix}commands", value, station.encode())

    async def _waits_s(self, commands: int) -> list[float]:
        found: list[float] = []
        while len(found) < commands:
            _, told = CODEC.decode((await self._consumer.getone()).value)
            if (sent_s := self._sent_s.pop(told["command_id"], None)) is not None:  # the first
                found.append(time.perf_counter() - sent_s)
                self._unanswered += told["outcome"] != "answered"
        return found


async def _foreign(fleet: Fleet, effort: Effort, tell: Tell) -> dict[str, Any]:
    """CPU time of the whole process of a gateway without stations, for each command that passes."""
    gateway = await fleet.start()
    log = [*islice(_others(), effort.foreign)]
    await _fill(fleet, log[: effort.foreign // 10])
    await _read_all(gateway)
    idle = await _used(gateway, asyncio.sleep(effort.idle_s, 0))
    found: dict[str, Any] = {"none": {"records": 0, "share": idle.share}}
    for name, writing in (
        ("as fast as they come", _fill(fleet, log)),
        (f"{effort.foreign_per_s:,.0f} per second", _trickle(fleet, log, effort)),
    ):
        used = await _used(gateway, writing)
        cost_s = (used.cpu_s - idle.share * used.seconds) / used.records
        found[name] = {"records": used.records, "share": used.share, "us_per_record": 1e6 * cost_s}
        tell(f"foreign commands, {name}: {1e6 * cost_s:.1f} us of CPU each")
    return found


@dataclass(frozen=True, slots=True)
class _Used:
    """What a gateway has used, and read, in so many seconds."""

    records: int
    seconds: float
    cpu_s: float

    @property
    def share(self) -> float:
        """Of a core."""
        return self.cpu_s / self.seconds


async def _used(gateway: Gateway, writing: Awaitable[int]) -> _Used:
    pid = gateway.process.pid
    begun_s, begun_cpu_s = time.perf_counter(), cpu_time_s(pid)
    records = await writing
    if records:
        await _read_all(gateway)
    return _Used(records, time.perf_counter() - begun_s, cpu_time_s(pid) - begun_cpu_s)


async def _read_all(gateway: Gateway) -> None:
    """Wait until the gateway has read all that is in the log."""

    async def read() -> bool:
        return (await gateway.metrics())["tail_lag"] == 0

    await asyncio.sleep(FETCH_S)  # before, it may not know of the last records
    await until(read, "not read")


async def _fill(fleet: Fleet, log: Sequence[Written]) -> int:
    return await fill(fleet.bootstrap, fleet.prefix, log, PARTITIONS)


async def _trickle(fleet: Fleet, log: Sequence[Written], effort: Effort) -> int:
    """Commands one by one, at a fixed rate; returns how many."""
    begun_s, sent = time.perf_counter(), 0
    async with AIOKafkaProducer(bootstrap_servers=fleet.bootstrap) as producer:
        while (elapsed_s := time.perf_counter() - begun_s) < effort.foreign_s:
            while sent < elapsed_s * effort.foreign_per_s:
                topic, key, value = log[sent % len(log)]
                sent += 1
                await producer.send(fleet.prefix + topic, value, key)
            await asyncio.sleep(TICK_S)
    return sent


def _others() -> Iterator[Written]:
    """Commands for stations that are not here."""
    for number in count():
        station = written.name(number % STATIONS)
        told = _command(f"5f0c3f0e-6f0b-4c51-9c3a-{number:012d}", station)
        yield "commands", station.encode(), CODEC.encode("commands", told)


def _command(command_id: str, station: str) -> dict[str, Any]:
    return {
        "command_id": command_id,
        "station": station,
        "action": "Reset",
        "payload": '{"type":"Soft"}',
        "expires_at": int(time.time() * 1000) + EXPIRES_MS,
        "when_offline": "fail",
        "attempt": 1,
    }
