"""Commands to many stations while everything around them breaks, and whether promise 5 was kept.

`python -m tests.end_to_end.commanded` does it at full size, with a broker and a PostgreSQL of its
own, and prints what came of it.
"""

import argparse
import asyncio
import json
import random
import signal
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from websockets.exceptions import ConnectionClosed, WebSocketException

from deploy.local.kafka import Broker
from tests.end_to_end.gateways import CODEC, Consumer, Fleet, Gateway, Logged, until
from tests.postgres import Postgres
from tests.station import Station

CALL_TIME_S = 5
LIMITS = {"call_time_s": CALL_TIME_S, "command_hold_s": 1, "takeovers_per_minute": 10_000}
PATIENCE = {"claim_wait_s": 2, "answer_wait_s": 15, "gateway_lost_s": 12, "log_level": "warning"}
EXPIRES_S = (1.0, 5.0, 20.0, 40.0)
# A CALL is written before its command expires, and heard when the machine has time for it.
HEARD_LATE_S = 3.0
_AFTER_S = 600.0
_STOP_S = 10.0
_BEAT_S = 0.1
_LOST_MS = 300_000  # a busy machine may take minutes to start Kafka again, and nothing is lost


@dataclass(frozen=True, slots=True)
class Heard:
    """A CALL that reached a station."""

    station: str
    command_id: str
    message_id: str
    at_s: float


@dataclass(slots=True)
class Obedient:
    """One station: it comes back whatever happens, does as it is told, and keeps books."""

    name: str
    gateways: list[Gateway]
    random: random.Random
    books: list[Heard] = field(default_factory=list)
    station: Station | None = None

    async def live(self) -> None:
        """Until cancelled."""
        while True:
            try:
                url = self.random.choice(self.gateways).url
                self.station = await Station.connect(url, self.name, open_timeout=10)
            except (OSError, WebSocketException, TimeoutError):
                await asyncio.sleep(self.random.uniform(0.1, 1))
                continue
            try:
                await self._serve(self.station)
            except (ConnectionClosed, TimeoutError, OSError):
                pass
            finally:
                self.station.abort()
            await asyncio.sleep(self.random.choice((0.0, 0.1, 3.0)))

    async def _serve(self, station: Station) -> None:
        await station.send_call("Heartbeat")
        await obey(station, self.random, self.books.append)


async def obey(station: Station, chance: random.Random, heard: Callable[[Heard], object]) -> None:
    """Do as a station is told, or not, as stations do; until it leaves in the middle of a CALL.

    Each CALL is told to `heard` first. Raises ConnectionClosed, TimeoutError.
    """
    while True:
        call = await station.receive(timeout_s=3600)
        heard(Heard(station.station_id, call[3]["messageId"], call[1], time.time()))
        match chance.randrange(20):
            case 0:
                pass  # never
            case 1:
                await station.answer_error(call, "InternalError")
            case 2:
                station.abort()
                return
            case _:
                await station.answer(call, {"status": "Accepted"})


@dataclass(slots=True)
class Asking:
    """Another team's program, which asks stations that are there or not; `asked`: id -> record."""

    bootstrap: str
    prefix: str
    names: Sequence[str]
    random: random.Random
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def run(self, count: int, over_s: float) -> None:
        """Write so many commands, evenly; it goes on when Kafka does."""
        producer, begun_s = None, time.monotonic()
        try:
            for number in range(count):
                due_s = begun_s + over_s * number / count
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                nobody = self.random.randrange(20) == 0
                station = f"nobody-{number % 7}" if nobody else self.random.choice(self.names)
                value = CODEC.encode("commands", self._record(station))
                while True:
                    try:
                        if producer is None:
                            producer = AIOKafkaProducer(
                                bootstrap_servers=self.bootstrap,
                                enable_idempotence=True,
                                request_timeout_ms=_LOST_MS,
                            )
                            await producer.start()
                        await producer.send(self.prefix + "commands", value, station.encode())
                        break
                    except KafkaError:
                        await asyncio.sleep(0.5)
            if producer is not None:
                await producer.flush()
        finally:
            if producer is not None:
                with suppress(TimeoutError):  # it waits for a Kafka that may be away
                    async with asyncio.timeout(_STOP_S):
                        await producer.stop()

    def _record(self, station: str) -> dict[str, Any]:
        command_id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        record = {
            "command_id": command_id,
            "station": station,
            "action": "DataTransfer",  # every version has it
            "payload": json.dumps({"vendorId": "chaos", "messageId": command_id}),
            "expires_at": round((time.time() + self.random.choice(EXPIRES_S)) * 1000),
            "when_offline": self.random.choice(("fail", "wait")),
            "attempt": 1,
        }
        self.asked[command_id] = record
        return record


@dataclass(slots=True)
class World:
    """Programs and stations."""

    fleet: Fleet
    broker: Broker
    store: str
    random: random.Random
    stations: list[Obedient]
    consumers: list[Consumer] = field(default_factory=list)
    gateways: list[Gateway] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    async def begin(self) -> None:
        """Two gateways, two consumers."""
        for _ in range(2):
            self.gateways.append(await self.fleet.start(**LIMITS))
            self.consumers.append(await self.consumer())

    async def consumer(self) -> Consumer:
        return await self.fleet.consume("commands", self.store, **PATIENCE)

    async def trouble(self, over: asyncio.Event) -> None:
        """Until it is over: something breaks, again and again; the broker once. All is mended."""
        await asyncio.sleep(8)
        for turn in count():
            if over.is_set() and self.done["broker"]:
                return
            what = self.random.choice(("kill", "stop", "stop", "leave", "leave", "consumer"))
            what = "broker" if turn == 3 else what
            self.done[what] += 1
            await getattr(self, f"_{what}")()
            await asyncio.sleep(self.random.uniform(1, 4))

    async def _kill(self) -> None:
        at = self.random.randrange(len(self.gateways))
        self.gateways[at].kill()
        gateway = self.fleet.launch(**LIMITS)
        self.gateways[at] = gateway
        await gateway.ready()

    async def _stop(self) -> None:
        process = self.random.choice(self.gateways).process
        process.signal(signal.SIGSTOP)
        await asyncio.sleep(self.random.choice((0.5, 2.5, 4.0, 18.0)))
        process.signal(signal.SIGCONT)

    async def _leave(self) -> None:
        for one in self.random.sample(self.stations, len(self.stations) // 5):
            if one.station is not None:
                one.station.abort()

    async def _consumer(self) -> None:
        at = self.random.randrange(len(self.consumers))
        self.consumers[at].kill()
        self.consumers[at] = await self.consumer()

    async def _broker(self) -> None:
        await asyncio.to_thread(self.broker.kill)
        await self.broker.start()


@dataclass(slots=True)
class Pulse:
    """How long the stations were deaf, all at once, since this process did not run."""

    longest_s: float = 0.0

    async def beat(self) -> None:
        """Until cancelled."""
        while True:
            before_s = time.monotonic()
            await asyncio.sleep(_BEAT_S)
            self.longest_s = max(self.longest_s, time.monotonic() - before_s - _BEAT_S)


async def settled(fleet: Fleet) -> list[Logged]:
    """Commands and results, as soon as every command has one. Raises TimeoutError."""

    async def found() -> list[Logged] | None:
        log = await fleet.log("commands", "command-results")
        asked = {one["command_id"] for one in log if one.topic == "commands"}
        ended = {one["command_id"] for one in log if one.topic == "command-results"}
        return log if asked <= ended else None

    log: list[Logged] = await until(found, "commands without a result", _AFTER_S)
    return log


@dataclass(frozen=True, slots=True)
class Account:
    """What came of it: first results by outcome, void results, CALLs that stations heard."""

    outcomes: Counter[str]
    void: int
    heard: int
    attempts: int
    p50_ms: float
    p99_ms: float


def audit(
    asked: dict[str, dict[str, Any]],
    books: Sequence[Heard],
    log: Sequence[Logged],
    heard_late_s: float = HEARD_LATE_S,
) -> Account:
    """Hold the stations' books against the log; AssertionError says what is wrong."""
    first: dict[str, Logged] = {}
    for one in log:
        if one.topic == "command-results":
            first.setdefault(one["command_id"], one)
    assert first.keys() == asked.keys()
    heard = Counter(one.command_id for one in books)
    # No attempt twice; and no command twice either, since what may have been sent is not repeated.
    twice = [name for name, times in heard.items() if times > 1]
    assert not twice, f"reached a station twice: {twice}"
    for one in books:
        late_s = one.at_s - asked[one.command_id]["expires_at"] / 1000
        assert late_s < heard_late_s, f"{one.command_id} was heard {late_s:.1f} s after it expired"
        outcome = first[one.command_id]["outcome"]
        assert outcome not in ("offline", "expired"), f"{one.command_id}: asked, but {outcome}"
    answered = {name for name, one in first.items() if one["outcome"] in ("answered", "call_error")}
    assert answered <= heard.keys(), "answered, but nobody was asked"
    _after_settlement(books, log, heard_late_s)
    void = sum(one.topic == "command-results" for one in log) - len(first)
    attempts = sum(one.topic == "commands" for one in log)
    written = {}
    for one in log:
        if one.topic == "commands":
            written.setdefault(one["command_id"], one.timestamp_ms)
    waits = sorted(first[name].timestamp_ms - written[name] for name in answered)
    outcomes = Counter(str(one["outcome"]) for one in first.values())
    p50, p99 = (float(waits[int(len(waits) * share)]) if waits else 0.0 for share in (0.5, 0.99))
    return Account(outcomes, void, len(books), attempts, p50, p99)


def _after_settlement(books: Sequence[Heard], log: Sequence[Logged], heard_late_s: float) -> None:
    """Nothing went out after who arbitrates had given it up, by Kafka's clock and the books'."""
    given_up = {}
    for one in log:
        final = one.topic == "connections" and one["type"] == "settled"
        if final and one["outcome"] in ("connection_lost", "timeout"):
            given_up.setdefault(one["command_id"], one.timestamp_ms / 1000)
    for one in books:
        if one.command_id in given_up:
            late_s = one.at_s - given_up[one.command_id]
            assert late_s < heard_late_s, f"{one.command_id}: {late_s:.1f} s after it was given up"


async def tried(
    broker: Broker,
    prefix: str,
    folder: Path,
    store: str,
    *,
    stations: int,
    commands: int,
    over_s: float,
    seed: int,
) -> tuple[Account, Counter[str]]:
    """One world from its beginning to its end. The seed is in every failure's note."""
    chance = random.Random(seed)
    async with Fleet(broker.bootstrap, prefix, folder) as fleet:
        await fleet.topics()
        named = [f"CS-{number}" for number in range(stations)]
        asking = Asking(fleet.bootstrap, prefix, named, chance)
        world = World(fleet, broker, store, chance, [])
        await world.begin()
        world.stations = [Obedient(name, world.gateways, random.Random(name)) for name in named]
        tasks = [asyncio.create_task(one.live()) for one in world.stations]
        over, pulse = asyncio.Event(), Pulse()
        trouble = asyncio.create_task(world.trouble(over))
        beating = asyncio.create_task(pulse.beat())
        try:
            await asking.run(commands, over_s)
            over.set()
            await trouble
            await settled(fleet)
            log = await fleet.log("commands", "connections", "command-results")
        except BaseException as error:
            error.add_note(f"seed {seed}, {dict(world.done)}")
            raise
        finally:
            for task in (*tasks, trouble, beating):
                task.cancel()
            await asyncio.gather(*tasks, trouble, beating, return_exceptions=True)
        books = [heard for one in world.stations for heard in one.books]
        # What a producer has lost was never asked.
        there = {one["command_id"] for one in log if one.topic == "commands"}
        asked = {name: record for name, record in asking.asked.items() if name in there}
        return audit(asked, books, log, HEARD_LATE_S + 2 * pulse.longest_s), world.done


async def _main(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server, broker = Postgres(), Broker(folder / "kafka", 0)
        server.start()
        try:
            await broker.start()
            account, done = await tried(
                broker,
                "chaos.",
                folder,
                await server.database(),
                stations=arguments.stations,
                commands=arguments.commands,
                over_s=arguments.seconds,
                seed=arguments.seed,
            )
            print(account, dict(done), sep="\n")  # noqa: T201 - it is what was asked for
        finally:
            broker.kill()
            server.remove()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=1000)
    parser.add_argument("--commands", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=200.0, help="time to ask them in")
    parser.add_argument("--seed", type=int, default=1)
    asyncio.run(_main(parser.parse_args()))
