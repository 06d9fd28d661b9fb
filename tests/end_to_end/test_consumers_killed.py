"""Consumers that are killed again and again: their tables are the stations' own books all the same.

Promise 8: nothing is counted twice, and nothing is left out.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from deploy.local.kafka import Broker
from tests.cluster import NEVER_FENCED
from tests.end_to_end.gateways import Consumer, Fleet, until
from tests.station import Station

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow]

KILLS = 50
STATIONS = 12
PAUSE_S = 0.05  # of a station, between two calls
LIVES_S = (0.3, 3.5)  # how long it is from one kill to the next
CATCH_UP_S = 300.0
NAMES = ("transactions", "meter-readings")

_ENDED = """
SELECT station, transaction_id, count(*), sum(energy_wh)
FROM transactions WHERE state = 'ended' GROUP BY station, transaction_id
"""
_SAMPLED = """
SELECT station, transaction_id, count(*), sum(value)
FROM meter_readings GROUP BY station, transaction_id
"""
Book = dict[tuple[str, str], tuple[int, int]]
"""(station, id of a transaction) -> how many there are, and their sum in Wh."""


@dataclass
class Books:
    """What the stations know of themselves: transactions that have ended, and samples."""

    ended: Book = field(default_factory=dict)
    sampled: Book = field(default_factory=dict)


class Consumers:
    """Two instances of each, of which now and then one dies and another begins."""

    def __init__(self, fleet: Fleet, url: str, chance: random.Random) -> None:
        self._fleet = fleet
        self._url = url
        self._chance = chance
        self.running = [self._begun(name) for name in NAMES for _ in range(2)]

    async def ready(self) -> None:
        """All of them fold."""
        for one in self.running:
            await one.ready()

    def kill(self) -> None:
        """kill -9 of any of them."""
        at = self._chance.randrange(len(self.running))
        self.running[at].kill()
        self.running[at] = self._begun(self.running[at].name)

    def _begun(self, name: str) -> Consumer:
        hasty = "tests.end_to_end.hasty"
        return self._fleet.launch_consumer(name, self._url, hasty, batch_records=20, publish="off")


async def charge(
    station: Station, books: Books, chance: random.Random, enough: asyncio.Event
) -> None:
    """One transaction after the other, until it is enough; all of them end."""
    for number in count():
        if enough.is_set():
            return
        at = f"2026-11-21T{number // 60:02}:{number % 60:02}"
        meter_wh, used_wh = chance.randrange(10**6), chance.randrange(10**5)
        start = {"connectorId": 1, "idTag": "T", "meterStart": meter_wh, "timestamp": f"{at}:00Z"}
        told = (await station.call("StartTransaction", start)).payload
        assert told is not None
        transaction = told["transactionId"]
        samples = [chance.randrange(10**6) for _ in range(chance.randrange(1, 6))]
        for sample in samples:
            value = {"timestamp": f"{at}:30Z", "sampledValue": [{"value": str(sample)}]}
            sent = {"connectorId": 1, "transactionId": transaction, "meterValue": [value]}
            await station.call("MeterValues", sent)
            await asyncio.sleep(PAUSE_S)
        stop = {"transactionId": transaction, "meterStop": meter_wh + used_wh}
        await station.call("StopTransaction", stop | {"timestamp": f"{at}:59Z"})
        key = station.station_id, str(transaction)
        books.ended[key] = 1, used_wh
        books.sampled[key] = len(samples), sum(samples)


async def book(connection: asyncpg.Connection, statement: str) -> Book:
    """What a table has."""
    found = await connection.fetch(statement)
    return {(station, name): (rows, int(wh)) for station, name, rows, wh in found}


@pytest.fixture
async def fleet(tmp_path: Path, prefix: str) -> AsyncIterator[Fleet]:
    """On a broker that may notice soon that the member of a group is dead."""
    soon = {"group.min.session.timeout.ms": "1000"}
    broker = Broker(tmp_path / "kafka", 0, options=NEVER_FENCED | soon)
    await broker.start()
    try:
        async with Fleet(broker.bootstrap, prefix, tmp_path) as made:
            await made.topics()
            yield made
    finally:
        broker.kill()


async def test_fifty_kills_under_load(fleet: Fleet, postgres: str) -> None:
    """No row is missing, none is there twice, and the sums are those of the stations."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it where the test fails
    chance = random.Random(seed)
    gateway = await fleet.start()
    consumers = Consumers(fleet, postgres, chance)
    await consumers.ready()
    books, enough = Books(), asyncio.Event()
    stations = [await fleet.connect(gateway, f"CS-{number}") for number in range(STATIONS)]
    async with asyncio.TaskGroup() as charging:
        for station in stations:
            own = random.Random(f"{seed} {station.station_id}")
            charging.create_task(charge(station, books, own, enough))
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(*LIVES_S))
            consumers.kill()
        enough.set()
    await consumers.ready()
    connection = await asyncpg.connect(postgres)

    async def all_there() -> bool:
        ended = await connection.fetchval("SELECT count(*) FROM transactions WHERE state = 'ended'")
        sampled = await connection.fetchval("SELECT count(*) FROM meter_readings")
        wanted = sum(number for number, _ in books.sampled.values())
        return ended >= len(books.ended) and sampled >= wanted

    try:
        await until(all_there, "rows are missing", CATCH_UP_S)
        assert await book(connection, _ENDED) == books.ended
        assert await book(connection, _SAMPLED) == books.sampled
        assert await connection.fetchval("SELECT count(*) FROM transactions") == len(books.ended)
        assert await connection.fetchval("SELECT count(*) FROM chargewire_poison") == 0
    finally:
        await connection.close()
    for one in consumers.running:
        one.terminate()
        assert await one.ended() == 0
