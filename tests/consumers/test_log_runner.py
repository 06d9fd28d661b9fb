"""A runner on a real Kafka: nothing is folded twice or left out, whatever breaks."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaConnectionError
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from consumers.families import BROKEN
from consumers.log import groups
from consumers.log.membership import open_member
from consumers.log.rebuild import RebuildRefusedError
from consumers.log.runner import Runner
from consumers.metrics import Metrics
from consumers.sequels.running import FactsOf
from consumers.stores.changes import Changes, Difference, Ownership
from consumers.stores.store import Store
from deploy.local.kafka import Broker
from deploy.local.ports import HOST, free_port
from programs.registry import builtin_ids
from schemas import records
from schemas.codec import Codec, UnknownSchemaId
from schemas.topics import partition as home
from tests.consumers.tally import (
    BITTER,
    CONSUMER,
    HISTORIES,
    OF_STATIONS,
    OF_TOKENS,
    PROJECTION,
    SOUR,
    TALLY,
    TOKENS,
    TOTALS,
)
from tests.consumers.written import CODEC, NOON_MS, Log, heartbeat
from tests.postgres import Postgres

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

PARTITIONS = 4
YEAR_MS = 365 * 86_400_000
ROOT = Path(__file__).parents[2]
QUICK = (0.05, 0.2)
# As long may a member say nothing, because the machine stands still, and stay in its group.
SESSION_MS = 30_000


async def until(
    condition: Callable[[], Any | Awaitable[Any]], what: str = "", timeout_s: float = 180.0
) -> None:
    """Wait for what nothing announces. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.05)


@pytest.fixture
async def written(kafka: Broker, prefix: str) -> AsyncIterator[Log]:
    """A log of this test's own."""
    async with Log(kafka.bootstrap, prefix, PARTITIONS) as found:
        await found.topics(CONSUMER.topics)
        yield found


class Table:
    """The tables as they are, read beside whoever folds."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def counts(self, stations: int) -> list[tuple[int, Decimal]]:
        """(count, sum of sequences) of each station's heartbeats; nothing yet: (0, 0)."""
        keys = [(f"S{number}", "Seen") for number in range(stations)]
        found = await self.store.load(PROJECTION, keys)
        rows = [found[key][TALLY.name] for key in keys]
        return [(row[0]["count"], row[0]["total"]) if row else (0, Decimal(0)) for row in rows]

    async def has(self, stations: int, heartbeats: int) -> bool:
        """Whether each station has been heard so often; more often is an error at once."""
        whole = (heartbeats, Decimal(sum(range(1, heartbeats + 1))))
        found = await self.counts(stations)
        assert all(count <= heartbeats for count, _ in found), f"folded twice: {found}"
        return (
            all(one == whole for one in found)
            and await self.totals(stations) == [heartbeats] * stations
        )

    async def totals(self, stations: int) -> list[int]:
        """What another projection has counted of the same facts, with groups of another shape."""
        keys = [(f"S{number}",) for number in range(stations)]
        found = await self.store.load(OF_STATIONS, keys)
        return [row["count"] for key in keys for row in found[key][TOTALS.name]]


@pytest.fixture
async def table(url: str) -> AsyncIterator[Table]:
    """What is in the store."""
    store = await Store.open(url, CONSUMER, histories=HISTORIES)
    yield Table(store)
    await store.close()


@pytest.fixture
def url(postgres: str) -> str:
    """The store of all instances of a test."""
    return postgres


class Running:
    """A runner, and what it counts."""

    def __init__(self, log: Log, url: str, **options: Any) -> None:
        self.metrics = Metrics(CONSUMER.name)
        self.codec = options.pop("codec", None) or Codec(builtin_ids())
        self.stop = asyncio.Event()
        self.learned: list[int] = []
        self.runner = Runner(
            consumer=CONSUMER,
            open_store=partial(Store.open, url, CONSUMER, histories=HISTORIES),
            connect=options.pop("connect", None) or partial(_member, log),
            codec=self.codec,
            learn=options.pop("learn", self._learn),
            partitions=PARTITIONS,
            prefix=log.prefix,
            metrics=self.metrics,
            back_off_s=QUICK,
            **options,
        )

    async def _learn(self, schema_id: int) -> bool:
        self.learned.append(schema_id)
        return False

    def value(self, name: str, **labels: str) -> float:
        """A metric, by its name without the beginning that all have."""
        registry: CollectorRegistry = self.metrics.registry
        labels = {"consumer": CONSUMER.name, **labels}
        return registry.get_sample_value(f"chargewire_consumer_{name}", labels) or 0.0

    @property
    def restarts(self) -> float:
        """Whatever was the reason."""
        return sum(self.value("restarts_total", reason=reason) for reason in BROKEN)

    @property
    def ready(self) -> bool:
        return not self.runner.unready()


async def _member(log: Log, group: str) -> AIOKafkaConsumer:
    options = {"bootstrap_servers": log.bootstrap, "session_timeout_ms": SESSION_MS}
    return await open_member(options, group=group)


@asynccontextmanager
async def running(log: Log, url: str, **options: Any) -> AsyncIterator[Running]:
    """A runner in this process, which ends in order."""
    one = Running(log, url, **options)
    task = asyncio.create_task(one.runner.run(one.stop))
    try:
        yield one
    finally:
        one.stop.set()
        await asyncio.wait_for(task, 120)


class Instance:
    """A consumer process."""

    def __init__(self, log: Log, url: str, folder: Path, number: int) -> None:
        self.log = folder / f"consumer-{number}.log"
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CHARGEWIRE_")}
        environ |= {
            "CHARGEWIRE_KAFKA": log.bootstrap,
            "CHARGEWIRE_PREFIX": log.prefix,
            "CHARGEWIRE_PARTITIONS": str(PARTITIONS),
            "CHARGEWIRE_STORE": url,
            "CHARGEWIRE_ADMIN": f"{HOST}:{free_port()}",
            "CHARGEWIRE_BATCH_RECORDS": "50",
            "CHARGEWIRE_PUBLISH": "off",  # the tally has no topics
        }
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.consumers.instance"],
                cwd=ROOT,
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def reads(self) -> bool:
        """Whether it has been given partitions at least once."""
        assert self.process.poll() is None, self.log.read_text()
        return '"event": "reading"' in self.log.read_text()

    async def end(self) -> int:
        """SIGTERM, and its exit code."""
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, 120)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()


async def test_folds_all_and_goes_on_where_it_was(written: Log, table: Table, url: str) -> None:
    """Everything is folded once; a second run begins where the first one ended."""
    await written.heartbeats(20, range(1, 11))
    async with running(written, url) as one:
        await until(lambda: table.has(20, 10))
        await until(lambda: one.ready)
        await until(lambda: one.value("records_total") >= 200)
        assert one.value("records_total") == 200
        await until(lambda: one.value("lag_records", partition="0") == 0)
    await written.heartbeats(20, range(11, 13))
    async with running(written, url) as two:
        await until(lambda: table.has(20, 12))
        await until(lambda: two.value("records_total") >= 40)
        assert two.value("records_total") == 40


async def test_a_restored_backup_goes_on_from_its_own_place(written: Log, postgres: str) -> None:
    """Its positions are as old as its rows, so what came later is folded again; nothing else."""
    before = await Store.open(postgres, CONSUMER, histories=HISTORIES)
    await written.heartbeats(20, range(1, 6))
    async with running(written, postgres):
        await until(lambda: Table(before).has(20, 5))
    await before.close()
    restored = await copied(postgres)
    await written.heartbeats(20, range(6, 9))
    async with running(written, postgres) as one:
        await until(lambda: one.value("records_total") == 60)
    await written.heartbeats(20, range(9, 11))
    after = await Store.open(restored, CONSUMER, histories=HISTORIES)
    async with running(written, restored) as two:
        await until(lambda: Table(after).has(20, 10))
        await until(lambda: two.value("records_total") >= 100)
        assert two.value("records_total") == 100
        assert two.value("lost_total") == 0
    await after.close()


async def copied(url: str) -> str:
    """The URL of a copy of the database as it is now, as a restored backup would be."""
    name = url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(url.replace(f"/{name}?", "/postgres?"))

    async def made() -> bool:
        with suppress(asyncpg.ObjectInUseError):  # by a connection that is about to end
            await connection.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name}")
            return True
        return False

    try:
        await until(made, "somebody still uses the database")
    finally:
        await connection.close()
    return url.replace(f"/{name}?", f"/{name}_copy?")


async def test_kafka_is_told_how_far_it_is(written: Log, table: Table, url: str) -> None:
    """The group's offsets are those of the store, for whoever watches groups."""
    await written.heartbeats(20, range(1, 3))
    async with running(written, url):
        await until(lambda: table.has(20, 2))
        group = groups.group(written.prefix, CONSUMER.name, await groups.identity(table.store))
        admin = AIOKafkaAdminClient(bootstrap_servers=written.bootstrap)
        await admin.start()
        try:

            async def told() -> bool:
                found = await admin.list_consumer_group_offsets(group)
                return sum(one.offset for one in found.values()) == 40

            await until(told)
        finally:
            await admin.close()


async def test_a_store_in_a_file(written: Log, tmp_path: Path) -> None:
    """SQLite is as good a store, and one instance has it for itself."""
    url = f"sqlite:///{tmp_path}/tally.db"
    await written.heartbeats(20, range(1, 11))
    async with running(written, url) as one:
        await until(lambda: one.value("records_total") == 200)
    store = await Store.open(url, CONSUMER, histories=HISTORIES)
    assert await Table(store).has(20, 10)
    await store.close()


async def test_a_file_is_for_one_instance(written: Log, tmp_path: Path) -> None:
    """Two would have half of the partitions each: they say so, and wait."""
    url = f"sqlite:///{tmp_path}/tally.db"
    async with running(written, url) as one:
        await until(lambda: one.ready)
        async with running(written, url) as two:
            await until(lambda: any("SQLite" in reason for reason in two.runner.unready()))
            await until(lambda: any("SQLite" in reason for reason in one.runner.unready()))
            await written.heartbeats(5, range(1, 2))
        await until(lambda: one.ready)
        await until(lambda: one.value("records_total") == 5)


async def test_each_store_has_all_of_the_log(written: Log, table: Table, url: str) -> None:
    """Also beside a copy of it; and one that is rebuilt shares with nobody but its own."""
    await written.heartbeats(10, range(1, 3))
    async with running(written, url):
        await until(lambda: table.has(10, 2))
    await table.store.close()
    other_url = await copied(url)
    # Before there are runners: Alembic upgrades one database at a time of those of a process.
    other = Table(await Store.open(other_url, CONSUMER, histories=HISTORIES))
    async with running(written, url) as one, running(written, other_url) as two:
        await written.heartbeats(10, range(3, 6))
        await until(lambda: table.has(10, 5))
        await until(lambda: other.has(10, 5))
        async with running(written, other_url, rebuilds=True) as three:
            await until(lambda: three.value("partitions") == PARTITIONS / 2)
            await until(lambda: two.value("partitions") == PARTITIONS / 2)
            await until(lambda: other.has(10, 5))
            await until(lambda: one.value("partitions") == PARTITIONS)
    await other.store.close()


async def test_bad_records_are_set_aside(written: Log, table: Table, url: str) -> None:
    """Each costs nothing but itself: it is in the store, with its place, bytes and reason."""
    await written.heartbeats(5, range(1, 3))
    key, good = b"S1", CODEC.encode("availability", heartbeat("S1", 99))
    await written.put("availability", key, b"no avro")
    await written.put("availability", key, None)
    await written.put("availability", b"S2", good)
    at = await written.put("provisioning", key, good)
    await written.put("availability", key, good, (at + 1) % PARTITIONS)
    await written.write("availability", [heartbeat(BITTER, 1), heartbeat(SOUR, 1)])
    await written.heartbeats(5, range(3, 5))
    async with running(written, url) as one:
        await until(lambda: table.has(5, 4))
        await until(lambda: one.value("poison_total") == 7)
        found = await table.store.poison()
        reasons = " | ".join(sorted(bad.reason for bad in found))
        for part in (
            "no magic byte",
            "without a value",
            "its key is not its station",
            "a record of the topic availability",
            f"belongs into partition {at}",
            "ValueError: bitter",
        ):
            assert part in reasons
        assert [bad.value for bad in found if "magic" in bad.reason] == [b"no avro"]
    async with running(written, url) as again:
        await written.heartbeats(5, range(5, 6))
        await until(lambda: table.has(5, 5))
        assert again.value("poison_total") == 0, "they are set aside once"


async def test_tokens_belong_to_their_own_key(written: Log, table: Table, url: str) -> None:
    """A row of a token comes from its partition; a record without a value takes it away."""
    issued = {"token": "AbC", "type": "ISO14443", "status": "Accepted"}
    value = CODEC.encode("id-tokens", issued)
    at = await written.put("id-tokens", b"abc", value)
    await written.put("id-tokens", b"AbC", value)
    await written.put("id-tokens", b"abc", value, (at + 1) % PARTITIONS)
    await written.flush()
    await written.put("id-tokens", b"abc", None)
    await written.put("id-tokens", b"ABC", None)
    await written.flush()
    async with running(written, url) as one:
        await until(lambda: one.value("records_total") == 5)
        found = (await table.store.load(OF_TOKENS, [("abc",), ("AbC",)]))["abc",]
        (row,) = found[TOKENS.name]
        assert (row["count"], row["said"]) == (2, None)
        assert row["written_ms"] > NOON_MS - YEAR_MS, "the time of Kafka's record"
        reasons = sorted(bad.reason for bad in await table.store.poison())
        assert reasons == [
            f"its key belongs into partition {at}",
            *["its key is not its token, with A to Z as a to z"] * 2,
        ]


async def test_an_unknown_schema_is_waited_for(written: Log, table: Table, url: str) -> None:
    """The topic's partition stands still and says so; others go on; then nothing is missing."""
    strange = b"\0" + (77).to_bytes(4, "big") + CODEC.encode("availability", heartbeat("S0", 1))[5:]
    known = asyncio.Event()
    codec = Codec(builtin_ids())

    async def learn(schema_id: int) -> bool:
        if known.is_set():
            codec.learn(schema_id, "availability", records.schema("availability"))
        return known.is_set()

    await written.put("availability", b"S0", strange)
    await written.flush()
    await written.write("availability", (heartbeat("S0", number) for number in (2, 3)))
    with pytest.raises(UnknownSchemaId):
        codec.decode(strange)
    async with running(written, url, codec=codec, learn=learn) as one:
        await until(lambda: one.value("waiting") == 1)
        assert not one.ready
        connected = {
            "event_id": "e",
            "type": "connected",
            "station": "S0",
            "at": 1,
            "connection_id": "c",
            "sequence": 0,
        }
        await written.write("connections", [connected])
        await until(lambda: one.value("records_total") == 1, "the other topic waits, too")
        assert await table.counts(1) == [(0, 0)]
        known.set()
        await until(lambda: table.has(1, 3))
        await until(lambda: one.ready)
        assert one.value("poison_total") == 0


async def test_a_fenced_predecessor_begins_again(written: Log, table: Table, url: str) -> None:
    """Who was succeeded behind the group's back writes nothing, and asks the store again."""
    async with running(written, url) as one:
        await written.heartbeats(5, range(1, 3))
        await until(lambda: table.has(5, 2))
        await table.store.own(range(PARTITIONS))
        await written.heartbeats(5, range(3, 5))
        await until(lambda: table.has(5, 4))
        assert one.value("fenced_total") >= 1


async def test_rebuilding_gives_the_same_rows(written: Log, table: Table, url: str) -> None:
    """All rows go, also those that the log knows nothing of; what comes is what was there."""
    await written.heartbeats(10, range(1, 6))
    async with running(written, url):
        await until(lambda: table.has(10, 5))
    live = await table.counts(10)
    owned = await table.store.own([0])
    ghost = {"station": "ghost", "kind": "Seen", "number": 0, "count": 1, "total": 1, "said": ""}
    differing = {TALLY.name: Difference(put=[ghost], gone=[])}
    await table.store.commit(0, owned[0].generation, Changes(differing))
    async with running(written, url, rebuilds=True) as one:
        await until(lambda: one.value("records_total") == 50)
        assert await table.counts(10) == live
    assert not (await table.store.load(PROJECTION, [("ghost", "Seen")]))[("ghost", "Seen")][
        TALLY.name
    ]


class Heard:
    """A sequel that remembers; it can be as slow, or as broken, as it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, str, int]] = []  # partition number, station, sequence
        self.owned: list[set[int]] = []
        self.fails = False
        self.held: asyncio.Event | None = None

    async def committed(self, facts: FactsOf) -> None:
        for number, found in facts.items():
            self.seen += [(number, fact.at.station, fact.at.sequence) for fact in found]
        if self.fails:
            raise ValueError("broken")
        if self.held is not None:
            await self.held.wait()

    async def woken(self, owned: Mapping[int, Ownership]) -> None:
        self.owned.append({*owned})


async def test_sequels_hear_what_was_committed(written: Log, table: Table, url: str) -> None:
    """Each fact once, those of a station in order; and of the partitions that are caught up."""
    heard = Heard()
    await written.heartbeats(10, range(1, 6))
    async with running(written, url, sequels=lambda _: [heard]):
        await until(lambda: len(heard.seen) == 50)
        await until(lambda: {*range(PARTITIONS)} in heard.owned)
        await written.heartbeats(10, range(6, 8))
        await until(lambda: len(heard.seen) == 70)
    assert await table.has(10, 7)
    for number in range(10):
        name = f"S{number}"
        assert [s for _, station, s in heard.seen if station == name] == [*range(1, 8)]
        homes = {at for at, station, _ in heard.seen if station == name}
        assert homes == {home(name.encode(), PARTITIONS)}


async def test_sequels_do_not_stop_the_folding(written: Log, table: Table, url: str) -> None:
    """One that fails is counted; one that never ends holds up nobody."""
    broken, stuck = Heard(), Heard()
    broken.fails, stuck.held = True, asyncio.Event()
    async with running(written, url, sequels=lambda _: [broken, stuck]) as one:
        for sequence in range(1, 6):
            await written.heartbeats(10, [sequence])
            await until(lambda sequence=sequence: table.has(10, sequence))  # type: ignore[misc]
        await until(lambda: len(broken.seen) == 50)
        assert one.value("sequel_failures_total") >= 1
        assert one.restarts == 0


async def test_sequels_are_silent_during_a_rebuild(written: Log, table: Table, url: str) -> None:
    """What was in the log when it began is not told again; what comes later is."""
    await written.heartbeats(10, range(1, 6))
    async with running(written, url):
        await until(lambda: table.has(10, 5))
    heard = Heard()
    async with running(written, url, rebuilds=True, sequels=lambda _: [heard]) as one:
        await until(lambda: one.value("records_total") == 50)
        await until(lambda: {*range(PARTITIONS)} in heard.owned)
        assert heard.seen == []
        await written.heartbeats(10, [6])
        await until(lambda: len(heard.seen) == 10)
    assert {sequence for _, _, sequence in heard.seen} == {6}


async def test_a_log_that_was_cut_is_not_rebuilt(written: Log, table: Table, url: str) -> None:
    """A rebuild would lose rows, so it refuses and leaves all as it is; unless told otherwise."""
    await written.heartbeats(10, range(1, 6))
    async with running(written, url):
        await until(lambda: table.has(10, 5))
    at = TopicPartition(f"{written.prefix}availability", 0)
    admin = AIOKafkaAdminClient(bootstrap_servers=written.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({at: RecordsToDelete(before_offset=3)})
    finally:
        await admin.close()
    refused = Running(written, url, rebuilds=True)
    with pytest.raises(RebuildRefusedError, match="availability"):
        await refused.runner.run(refused.stop)
    assert await table.has(10, 5)
    async with running(written, url, rebuilds=True, whole_log=False) as one:
        await until(lambda: one.value("records_total") == 47)
    assert not await table.has(10, 5)


async def test_another_log_is_not_folded_on(written: Log, table: Table, url: str) -> None:
    """Tables that know more than the log has are not mixed with it: it waits, and says why."""
    owned = await table.store.own([0])
    await table.store.commit(0, owned[0].generation, Changes(positions={"availability": 1000}))
    async with running(written, url) as one:
        await until(lambda: any("not the one" in reason for reason in one.runner.unready()))
        assert one.value("records_total") == 0


async def test_a_store_is_for_one_prefix(written: Log, table: Table, url: str) -> None:
    """Positions of one say nothing of another, however long that is; a rebuild begins anew."""
    assert await table.store.origin("elsewhere.") == "elsewhere."
    await written.heartbeats(5, range(1, 3))
    async with running(written, url) as one:
        await until(lambda: any("not the one" in reason for reason in one.runner.unready()))
        assert one.value("records_total") == 0
    async with running(written, url, rebuilds=True):
        await until(lambda: table.has(5, 2))


async def test_the_database_goes_and_comes(written: Log, postgres_server: Postgres) -> None:
    """While it is away the runner waits and says so; then it goes on, and nothing is missing."""
    url = await postgres_server.database()
    async with running(written, url) as one:
        await written.heartbeats(10, range(1, 3))
        await until(lambda: one.value("records_total") == 20)
        await asyncio.to_thread(postgres_server.stop)
        await written.heartbeats(10, range(3, 5))
        await until(lambda: one.runner.unready() == ["waiting: the database is away"])
        await asyncio.to_thread(postgres_server.start)
        await until(lambda: one.value("records_total") == 40)
        store = await Store.open(url, CONSUMER, histories=HISTORIES)
        assert await Table(store).has(10, 4)
        await store.close()


@pytest.mark.parametrize(
    ("broken", "reason", "told"),
    [
        (KafkaConnectionError("no broker"), "Kafka is away", False),
        (TimeoutError(), "Kafka is away", False),
        (KeyError("a mistake"), "something unexpected, which the log tells", True),
    ],
)
async def test_what_breaks_is_named(
    broken: Exception, reason: str, told: bool, written: Log, tmp_path: Path
) -> None:
    """A mistake in the program is none of Kafka's: it is in the log, with where it came from."""

    async def connect(_: str) -> AIOKafkaConsumer:
        raise broken

    one = Running(written, f"sqlite:///{tmp_path}/tally.db", connect=connect)
    with capture_logs() as logged:
        task = asyncio.create_task(one.runner.run(one.stop))
        await until(lambda: one.restarts >= 2)
        await until(lambda: one.runner.unready() == [f"waiting: {reason}"])
        one.stop.set()
        await asyncio.wait_for(task, 120)
    (first, *_) = [entry for entry in logged if entry["event"] == reason]
    assert first.get("exc_info") == (broken if told else None)


async def test_kill_minus_nine_and_rebalances(
    written: Log, table: Table, url: str, tmp_path: Path
) -> None:
    """Two processes share the partitions, one is killed, another comes, one ends in order."""
    instances = [Instance(written, url, tmp_path, 0)]
    beating = asyncio.create_task(written.heartbeats(40, range(1, 201)))
    try:
        await until(instances[0].reads)
        instances.append(Instance(written, url, tmp_path, 1))
        await until(instances[1].reads)
        instances[0].kill()
        instances.append(Instance(written, url, tmp_path, 2))
        await until(instances[2].reads)
        assert await instances[1].end() == 0
        await beating
        await until(lambda: table.has(40, 200))
        assert await instances[2].end() == 0
        assert await table.store.poison() == []
    finally:
        beating.cancel()
        for one in instances:
            one.kill()
