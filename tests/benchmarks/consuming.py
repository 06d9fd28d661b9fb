"""The measurements of consumers: how fast they fold, rebuild, and decide about tokens."""

import asyncio
import json
import logging
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition

from consumers.log.batches import Batch, batches
from consumers.log.folding import Folded, Folder
from consumers.log.reading import COMMITS_AT_ONCE
from consumers.services import SERVICES
from consumers.stores.store import Store
from consumers.tables.projections import Consumer
from programs import registry
from schemas.codec import Codec
from schemas.identity import folded_token
from schemas.topics import partition
from tests.benchmarks import written
from tests.benchmarks.filling import fill
from tests.benchmarks.stage import StageError, cpu_time_s, kafka
from tests.benchmarks.written import Written
from tests.end_to_end.gateways import PARTITIONS, Fleet
from tests.postgres import Postgres
from tests.station import Station

Tell = Callable[[str], None]
STORES = ("sqlite", "postgresql")
REBUILT = "transactions"
REBUILD_TIME_S = 300.0
POLL_RECORDS = 2000  # CHARGEWIRE_BATCH_RECORDS
METERED = "meter-readings"  # nearly every row of it is a sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured: times in seconds."""

    stations: int = 600  # that have charged, of those that are folded
    events: int = 1_000_000  # in the log that is rebuilt
    tokens: int = 2000
    asking: int = 50  # stations
    asks_per_s: float = 50.0
    ask_s: float = 12.0


@dataclass(frozen=True, slots=True)
class Logged:
    """A record as a Kafka consumer gives it."""

    key: bytes
    value: bytes
    offset: int
    timestamp: int
    headers: tuple[tuple[str, bytes], ...] = ()


@asynccontextmanager
async def _server() -> AsyncIterator[Postgres]:
    made = Postgres()
    made.start()
    try:
        yield made
    finally:
        made.remove()


async def folding(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Events that each consumer folds in a second, in one process, and its CPU time for each.

    They are in memory, and are folded as those that a consumer is given by Kafka.
    """
    codec = Codec(registry.builtin_ids())
    stations = range(effort.stations)
    evening = [*written.sessions(codec, stations)]
    logs: dict[str, list[Written]] = dict.fromkeys(SERVICES, evening)
    logs["reservations"] = [*written.reservations(codec, range(8 * effort.stations))]
    logs["commands"] = [*written.commands(codec, range(8 * effort.stations))]
    found: dict[str, Any] = {name: {} for name in SERVICES}
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    async with _server() as server:
        for name, service in SERVICES.items():
            for store in STORES:
                with tempfile.TemporaryDirectory(prefix="chargewire-bench-") as folder:
                    file = f"sqlite:///{folder}/store.db"
                    url = file if store == "sqlite" else await server.database()
                    found[name][store] = await _folded(codec, service.consumer, url, logs[name])
                tell(f"{name} into {store}: {found[name][store]['events_per_s']:,.0f} events/s")
    return found


async def _folded(
    codec: Codec, consumer: Consumer, url: str, log: Iterable[Written]
) -> dict[str, float]:
    store = await Store.open(url, consumer)
    try:
        owned = await store.own(range(PARTITIONS))
        generations = {number: one.generation for number, one in owned.items()}
        homes: dict[bytes, int] = {}

        def home(key: bytes) -> int:
            if key not in homes:
                homes[key] = partition(key, PARTITIONS)
            return homes[key]

        folder = Folder(store, consumer, decode=codec.decode, home=home)
        room = asyncio.Semaphore(1 if store.single else COMMITS_AT_ONCE)

        async def fold(commit: Mapping[int, Batch]) -> Folded:
            async with room:
                return await folder.fold({number: generations[number] for number in commit}, commit)

        polls = [*_polls(consumer, log, home)]
        begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
        events = rows = 0
        for poll in polls:
            for done in await asyncio.gather(*map(fold, batches(poll, ""))):
                events += done.records
                rows += done.rows
                if done.poison:
                    raise StageError(f"{consumer.name}: {await store.poison(1)}")
        spent_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    finally:
        await store.close()
    return {
        "events": events,
        "events_per_s": events / spent_s,
        "us_per_event": 1e6 * cpu_s / events,
        "samples_per_s": rows / spent_s if consumer.name == METERED else 0.0,
    }


def _polls(
    consumer: Consumer, log: Iterable[Written], home: Callable[[bytes], int]
) -> Iterable[Mapping[TopicPartition, Sequence[Logged]]]:
    """What a consumer is given at once."""
    topics = frozenset(consumer.topics)
    records = (one for one in log if one[0] in topics)
    offsets: dict[TopicPartition, count[int]] = defaultdict(count)
    while part := [*islice(records, POLL_RECORDS)]:
        found: dict[TopicPartition, list[Logged]] = defaultdict(list)
        for topic, key, value in part:
            at = TopicPartition(topic, home(key))
            found[at].append(Logged(key, value, next(offsets[at]), written.NOON_MS))
        yield found


async def rebuild(effort: Effort, tell: Tell) -> dict[str, Any]:
    """How long one consumer takes for a whole log, with PostgreSQL and a real Kafka."""
    async with kafka() as (broker, folder), _server() as server:
        async with Fleet(broker.bootstrap, "bench.", folder) as fleet:
            await fleet.topics()
            begun_s = time.perf_counter()
            log = islice(_read_again(effort.events), effort.events)
            events = await fill(broker.bootstrap, fleet.prefix, log, PARTITIONS)
            filled_s = time.perf_counter() - begun_s
            tell(f"{events:,} events written in {filled_s:.0f} s")
            made = fleet.launch_consumer(
                REBUILT, await server.database(), "chargewire consume --rebuild"
            )
            told = await _rebuilt(made, tell)
            cpu_s = cpu_time_s(made.process.pid)
    return {
        "consumer": REBUILT,
        "events": told["records"],
        "seconds": told["seconds"],
        "events_per_s": told["per_s"],
        "cpu_s": cpu_s,
    }


def _read_again(stations: int) -> Iterator[Written]:
    """Events of the topics of the rebuilt consumer."""
    topics = SERVICES[REBUILT].consumer.topics
    sessions = written.sessions(Codec(registry.builtin_ids()), range(stations))
    return (one for one in sessions if one[0] in topics)


async def _rebuilt(made: Any, tell: Tell) -> dict[str, Any]:
    """The line that says that it is done; those before it are told."""
    shown = 0
    async with asyncio.timeout(REBUILD_TIME_S):
        while True:
            lines = made.said().splitlines()
            for line in lines[shown:]:
                said = json.loads(line) if line.startswith("{") else {}
                if said.get("event") == "rebuilding" and "percent" in said:
                    tell(f"rebuilt {said['percent']} %, {said['per_s']:,} events/s")
                if said.get("event") == "rebuilt":
                    return dict(said)
            shown = len(lines)
            if made.process.exit_code is not None:
                raise StageError(f"the consumer has ended:\n{made.said()[-3000:]}")
            await asyncio.sleep(0.2)


async def authorizing(effort: Effort, tell: Tell) -> dict[str, Any]:
    """How long a station waits for the answer to a decided Authorize, and how many there can be."""
    found = {}
    async with _server() as server:
        for store in STORES:
            async with kafka() as (broker, folder):
                file = f"sqlite:///{folder}/store.db"
                url = file if store == "sqlite" else await server.database()
                async with Fleet(broker.bootstrap, "bench.", folder) as fleet:
                    found[store] = await _authorized(fleet, url, effort)
            tell(f"Authorize, {store}: {found[store]}")
    return found


async def _authorized(fleet: Fleet, url: str, effort: Effort) -> dict[str, float]:
    await fleet.topics()
    gateway = await fleet.start(decided="Authorize")
    consumer = await fleet.consume("authorizations", url)
    await _issue(fleet, effort.tokens)
    stations = [await fleet.connect(gateway, written.name(n)) for n in range(effort.asking)]
    await _known(stations[0], effort.tokens)
    pause_s = effort.asking / effort.asks_per_s
    await _asked(stations, effort, 3.0, pause_s)  # Java compiles what it does often
    begun_cpu_s = cpu_time_s(consumer.process.pid)
    times = sorted(await _asked(stations, effort, effort.ask_s, pause_s))
    cpu_s = cpu_time_s(consumer.process.pid) - begun_cpu_s
    most = await _asked(stations, effort, effort.ask_s / 2, 0.0)
    return {
        "asks_per_s": len(times) / effort.ask_s,
        "p50_ms": 1000 * times[len(times) // 2],
        "p99_ms": 1000 * times[int(0.99 * len(times))],
        "max_ms": 1000 * times[-1],
        "cpu_ms": 1000 * cpu_s / len(times),
        "most_per_s": len(most) / (effort.ask_s / 2),
    }


async def _asked(
    stations: Sequence[Station], effort: Effort, seconds: float, pause_s: float
) -> list[float]:
    """How long each answer took; each station asks again when so long has passed since it did."""
    times: list[float] = []
    begun_s = time.perf_counter()

    async def ask(at: int, station: Station) -> None:
        due_s = begun_s + pause_s * at / len(stations)
        for number in count(at, len(stations)):
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            now_s = time.perf_counter()
            if now_s > begun_s + seconds:
                return
            token = f"token{number % effort.tokens:06d}"
            reply = await station.call("Authorize", {"idTag": token})
            times.append(time.perf_counter() - now_s)
            if reply.payload is None or reply.payload["idTagInfo"].get("parentIdTag") != "GROUP":
                raise StageError(f"the consumer has not decided: {reply}")
            due_s += pause_s

    await asyncio.gather(*(ask(at, station) for at, station in enumerate(stations)))
    return times


async def _issue(fleet: Fleet, tokens: int) -> None:
    codec = Codec(registry.builtin_ids())
    async with AIOKafkaProducer(bootstrap_servers=fleet.bootstrap, linger_ms=20) as producer:
        for number in range(tokens):
            token = f"TOKEN{number:06d}"
            record = {"token": token, "type": "ISO14443", "status": "Accepted", "group": "GROUP"}
            value, key = codec.encode("id-tokens", record), folded_token(token).encode()
            await producer.send(f"{fleet.prefix}id-tokens", value, key)
        await producer.flush()


async def _known(station: Station, tokens: int) -> None:
    """Wait until the consumer knows all tokens: partitions are read one after the other."""
    known = 0
    async with asyncio.timeout(60):
        while known < tokens:
            reply = await station.call("Authorize", {"idTag": f"token{known:06d}"})
            accepted = reply.payload is not None and "parentIdTag" in reply.payload["idTagInfo"]
            known += max(1, tokens // 50) if accepted else 0
            if not accepted:
                await asyncio.sleep(0.2)
