"""Rows on topics, through a real Kafka: each that is committed, as it is, and nothing else."""

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaError

from consumers.config import Config
from consumers.meter_readings import projection as meter_readings
from consumers.metrics import Metrics
from consumers.sequels import publisher
from consumers.sequels.producing import Producer
from consumers.sequels.publisher import published, sequel
from consumers.sequels.running import Parts
from consumers.stations.projection import CONSUMER, STATIONS
from consumers.stores import outbox
from consumers.stores.changes import Changes, Difference
from consumers.stores.store import Store
from consumers.tables.schemas import key_of, key_text, record
from consumers.transactions import projection as transactions
from deploy.local.kafka import Broker
from deploy.local.ports import HOST, free_port
from schemas.topics import partition
from tests import log
from tests.consumers.test_log_runner import until
from tests.consumers.written import CODEC, Log, heartbeat

PARTITIONS = 4
ROOT = Path(__file__).parents[2]
TOPIC = "tables.stations"


def test_tables_as_large_as_the_log_are_published_when_asked_for() -> None:
    """Others always, unless nothing is."""
    readings, sessions = meter_readings.CONSUMER, transactions.CONSUMER
    assert published(readings, "auto") == frozenset()
    assert published(readings, "on") == {"meter_readings"}
    assert published(sessions, "auto") == published(sessions, "on") == {"transactions"}
    assert published(sessions, "off") == frozenset()


class Bus:
    """In the place of a producer: keeps what is sent, but for keys that it `refuses`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, str, Any, dict[str, int]]] = []
        self.refuses = ""

    async def send(self, topic: str, key: bytes, record: Any, **how: Any) -> None:
        if self.refuses and self.refuses in key.decode():
            raise KafkaError("no")
        headers = {name: int(value) for name, value in how["headers"]}
        self.sent.append((topic, how["partition"], key.decode(), record, headers))


async def test_what_fails_waits_and_holds_up_nothing_else(tmp_path: Path) -> None:
    """It is sent again later; a row that is gone is a key with nothing but its order."""
    store = await Store.open(
        f"sqlite:///{tmp_path}/stations.db", CONSUMER, published=CONSUMER.published
    )
    bus = Bus()
    parts = Parts(Config(), store, CODEC, cast(Producer, bus), Metrics("stations"), lambda: 0)
    publisher = sequel(parts)
    owned = await store.own([0, 1])
    blank = dict.fromkeys(STATIONS.columns.keys())
    for number, station in ((0, "S0"), (0, "S2"), (1, "S1")):
        rows = Difference([blank | {"station": station, "vendor": "V"}], [])
        changes = Changes({STATIONS.name: rows})
        await store.commit(number, owned[number].generation, changes)
    bus.refuses = "S0"
    with pytest.raises(KafkaError):
        await publisher.woken(owned)
    assert {(number, key) for _, number, key, *_ in bus.sent} == {(0, '["S2"]'), (1, '["S1"]')}
    bus.refuses, bus.sent = "", []
    gone = Difference([], [blank | {"station": "S2"}])
    await store.commit(0, owned[0].generation, Changes({STATIONS.name: gone}))
    await publisher.woken(owned)
    (topic, number, key, told, order), (*_, tombstone, later) = bus.sent
    assert (topic, number, key) == (TOPIC, 0, '["S0"]')
    assert (told["vendor"], told["generation"]) == ("V", owned[0].generation)
    assert order == {"generation": told["generation"], "revision": told["revision"]}
    assert tombstone is None
    assert later["generation"] == order["generation"]
    assert later["revision"] > order["revision"]
    bus.sent = []
    await publisher.woken(owned)
    assert bus.sent == []
    await store.close()


async def test_settling_takes_as_many_passes_as_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebuild of millions of rows is compared with the topic in parts; then it is published."""
    monkeypatch.setattr(publisher, "PASS_TIME_S", 0.0)
    monkeypatch.setattr(outbox, "AT_ONCE", 3)
    store = await Store.open(
        f"sqlite:///{tmp_path}/stations.db", CONSUMER, published=CONSUMER.published
    )
    bus = Bus()
    parts = Parts(Config(), store, CODEC, cast(Producer, bus), Metrics("stations"), lambda: 0)
    running = sequel(parts)
    blank = dict.fromkeys(STATIONS.columns.keys())
    rows = [blank | {"station": f"S{number}", "vendor": "V"} for number in range(10)]
    owned = await store.own([0])
    await store.commit(0, owned[0].generation, Changes({STATIONS.name: Difference(rows, [])}))
    for _ in range(4):
        await running.woken(owned)
    assert len(bus.sent) == 10
    bus.sent = []
    await store.clear()
    owned = await store.own([0])
    rows[9] |= {"vendor": "W"}
    await store.commit(0, owned[0].generation, Changes({STATIONS.name: Difference(rows, [])}))
    for _ in range(5):
        assert bus.sent == []
        await running.woken(owned)
    await running.woken(owned)
    assert [key for _, _, key, *_ in bus.sent] == ['["S9"]']
    await store.close()


@dataclass
class Read:
    """What a reader of the topic knows: for each key the highest (generation, revision)."""

    keys: list[str]
    rows: dict[str, dict[str, Any] | None]


class Topic:
    """The topic of the stations' rows, read from its beginning each time."""

    def __init__(self, written: Log) -> None:
        self._bootstrap = written.bootstrap
        self._name = written.prefix + TOPIC

    async def read(self) -> Read:
        found = await log.records(self._bootstrap, self._name, PARTITIONS)
        newest: dict[str, tuple[tuple[int, int], dict[str, Any] | None]] = {}
        for one in found:
            headers = {name: int(value) for name, value in one.headers}
            order = (headers["generation"], headers["revision"])
            key, row = one.key.decode(), None
            if one.value is not None:
                topic, row = CODEC.decode(one.value)
                assert topic == TOPIC
                assert (row.pop("generation"), row.pop("revision")) == order
                assert partition(row["station"].encode(), PARTITIONS) == one.partition
            if key not in newest or newest[key][0] <= order:
                newest[key] = (order, row)
        return Read(
            [one.key.decode() for one in found], {key: row for key, (_, row) in newest.items()}
        )


class Tables:
    """The rows in the store, read beside whoever folds."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def rows(self) -> dict[str, dict[str, Any] | None]:
        """As they ought to be on the topic."""
        async with self.store.transaction() as connection:
            found = [dict(row) for row in (await connection.execute(STATIONS.select())).mappings()]
        rows = {}
        for row in found:
            told = record(row, 0, 0)
            del told["generation"], told["revision"]
            rows[key_text(key_of(STATIONS, row))] = told
        return rows

    async def change(self, station: str, *, gone: bool = False, **values: Any) -> None:
        """Write or remove a row that the log knows nothing of, as an owner with no publisher."""
        number = partition(station.encode(), PARTITIONS)
        generation = (await self.store.own([number]))[number].generation
        row = dict.fromkeys(STATIONS.columns.keys()) | {"station": station} | values
        difference = Difference([], [row]) if gone else Difference([row], [])
        await self.store.commit(number, generation, Changes({STATIONS.name: difference}))


class Process:
    """`chargewire consume stations`."""

    def __init__(self, log: Log, url: str, output: Path, *arguments: str) -> None:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CHARGEWIRE_")}
        environ |= {
            "CHARGEWIRE_KAFKA": log.bootstrap,
            "CHARGEWIRE_PREFIX": log.prefix,
            "CHARGEWIRE_PARTITIONS": str(PARTITIONS),
            "CHARGEWIRE_STORE": url,
            "CHARGEWIRE_ADMIN": f"{HOST}:{free_port()}",
            "CHARGEWIRE_BATCH_RECORDS": "50",
        }
        self.output = output
        with output.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chargewire", "consume", "stations", *arguments],
                cwd=ROOT,
                env=environ,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def says(self, event: str) -> bool:
        """Whether its log has this event."""
        assert self.process.poll() is None, self.output.read_text()
        return f'"event": "{event}"' in self.output.read_text()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(120) == 0, self.output.read_text()


@pytest.fixture
async def written(kafka: Broker, prefix: str) -> AsyncIterator[Log]:
    """A log of this test's own, with the topics of the tables."""
    async with Log(kafka.bootstrap, prefix, PARTITIONS) as found:
        await found.topics([*CONSUMER.topics, *(f"tables.{one}" for one in CONSUMER.published)])
        yield found


@pytest.fixture
async def tables(postgres: str) -> AsyncIterator[Tables]:
    store = await Store.open(postgres, CONSUMER, published=CONSUMER.published)
    yield Tables(store)
    await store.close()


async def same(topic: Topic, tables: Tables, stations: int) -> bool:
    """Whether readers of the topic know what is in the table, and that it is whole."""
    rows = await tables.rows()
    if len(rows) != stations:
        return False
    found = (await topic.read()).rows
    return {key: row for key, row in found.items() if row is not None} == rows


@pytest.mark.kafka
@pytest.mark.postgres
async def test_rows_arrive_as_they_are_and_a_rebuild_sends_differences(
    written: Log, tables: Tables, postgres: str, tmp_path: Path
) -> None:
    """The same rows are sent once; what the log does not bear out is put right or taken away."""
    topic, output = Topic(written), tmp_path / "once.log"
    await written.heartbeats(30, range(1, 4))
    running = Process(written, postgres, output)
    await until(lambda: same(topic, tables, 30))
    await written.heartbeats(10, range(4, 5))
    await until(lambda: settled_at(topic, "S9", 4))
    assert await same(topic, tables, 30)
    running.end()

    before = await topic.read()
    rebuilding = Process(written, postgres, tmp_path / "first.log", "--rebuild")
    await until(lambda: rebuilding.says("rebuilding"))
    await until(lambda: rebuilt(tables))
    assert len((await topic.read()).keys) == len(before.keys), "the same rows were sent again"
    rebuilding.end()

    await tables.change("S1", vendor="nobody said so")
    await tables.change("ghost", vendor="nobody said so")
    await tables.change("S2", gone=True)
    running = Process(written, postgres, output)
    await until(lambda: same(topic, tables, 30))
    wrong = (await topic.read()).rows
    assert (wrong['["S2"]'], '["ghost"]' in wrong) == (None, True)
    running.end()

    before = await topic.read()
    rebuilding = Process(written, postgres, tmp_path / "second.log", "--rebuild")
    await until(lambda: rebuilding.says("rebuilding"))
    await until(lambda: rebuilt(tables))
    await until(lambda: same(topic, tables, 30))
    after = await topic.read()
    # A machine that stood still may have one of them written twice.
    assert {*(Counter(after.keys) - Counter(before.keys))} == {'["S1"]', '["S2"]', '["ghost"]'}
    assert after.rows['["ghost"]'] is None
    rebuilding.end()


async def settled_at(topic: Topic, station: str, sequence: int) -> bool:
    """Whether the topic has what the last heartbeat of a station said."""
    row = (await topic.read()).rows.get(f'["{station}"]')
    return row is not None and row["seen_ms"] == heartbeat(station, sequence)["observed_at"]


async def rebuilt(tables: Tables) -> bool:
    """Whether a rebuild is over, and nothing waits to be published."""
    async with tables.store.transaction() as connection:
        query = "SELECT bool_and(settled), (SELECT count(*) FROM chargewire_outbox) {}".format
        text = query("FROM chargewire_generations")
        settled, waiting = (await connection.exec_driver_sql(text)).one()
    return bool(settled) and waiting == 0


@pytest.mark.kafka
@pytest.mark.postgres
async def test_killed_at_any_moment_nothing_is_missing(
    written: Log, tables: Tables, postgres: str, tmp_path: Path
) -> None:
    """kill -9, again and again, while rows change: in the end the topic has what the table has."""
    topic, chance = Topic(written), random.Random(20261121)
    enough, said = asyncio.Event(), 0

    async def talk() -> None:
        nonlocal said
        while not enough.is_set():
            said += 1
            await written.heartbeats(60, [said])
            await asyncio.sleep(0.1)

    talking = asyncio.create_task(talk())
    for number in range(3):
        running = Process(written, postgres, tmp_path / f"{number}.log")
        count = len((await topic.read()).keys)
        await until(lambda count=count: more(topic, count))
        await asyncio.sleep(chance.uniform(0, 1.2))
        running.kill()
    enough.set()
    await talking
    running = Process(written, postgres, tmp_path / "last.log")
    await until(lambda: settled_at(topic, "S59", said))
    await until(lambda: same(topic, tables, 60))
    running.end()


async def more(topic: Topic, count: int) -> bool:
    """Whether something came to the topic."""
    return len((await topic.read()).keys) > count
