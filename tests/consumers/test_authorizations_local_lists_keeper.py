"""local_lists.keeper: every station comes to hold its list, whoever else is at work."""

import asyncio
import json
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import chain

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from sqlalchemy import text

from consumers.authorizations.local_lists import rows as list_rows
from consumers.authorizations.local_lists.keeper import Keeper, sequel
from consumers.authorizations.local_lists.plan import Limits
from consumers.authorizations.local_lists.tokens import LIST_MAX
from consumers.authorizations.projection import CONSUMER
from consumers.authorizations.tokens import ID_TOKENS
from consumers.config import Config
from consumers.log.membership import open_member
from consumers.log.runner import Runner
from consumers.meaning.facts import LocalListLimitsTold, StationListed, TokenIssued, TokenRemoved
from consumers.meaning.facts_table import call_payload, facts_of
from consumers.meaning.list_commands import CHECK, LEARN, SEND
from consumers.metrics import Metrics
from consumers.sequels.producing import Producer
from consumers.sequels.running import Parts
from consumers.stores.changes import Changes, Ownership, differences
from consumers.stores.store import Store
from consumers.tables.projections import fold
from schemas.topics import partition
from tests.consumers.listing import MINUTE, NOON, SECOND, Gateway, Station, at, told
from tests.consumers.test_log_runner import until
from tests.consumers.written import CODEC, Log

OWNED = {0: Ownership(1, {})}
EPOCH = 10


def issued(name, offset, *lists, status="Accepted"):
    place = replace(at(offset, 0), station="")
    return TokenIssued(place, name.lower(), name, "ISO14443", status, lists=lists)


def removed(name, offset):
    return TokenRemoved(replace(at(offset, 0), station=""), name.lower())


class World:
    """A store, a keeper and a gateway, and the log between them as it would be."""

    def __init__(self, store, **settings):
        self.store = store
        self.now_ms = NOON
        self.offset = 0
        self.waiting = []  # commands in the log
        self.gateway = Gateway()
        self.refuse = False
        self.epochs = {}
        self.settings = settings
        self.metrics = Metrics("authorizations")
        self.keeper = self.keep()

    def keep(self):
        return sequel(self.parts())

    def parts(self, partitions=1):
        config = Config(kafka="127.0.0.1:1", partitions=partitions, **self.settings)
        clock = lambda: self.now_ms  # noqa: E731
        return Parts(config, self.store, CODEC, self, self.metrics, clock)

    async def send(self, topic, key, record):
        """As a producer has it."""
        if self.refuse:
            raise TimeoutError
        assert (topic, key) == ("commands", record["station"].encode())
        self.waiting.append(CODEC.decode(CODEC.encode(topic, record))[1])

    async def tell(self, *facts, hear=True, **positions):
        """Commit the rows of facts, and let the keeper hear of it."""
        rows = {}
        for projection in CONSUMER.projections:
            keys = {key for fact in facts if (key := projection.group(fact)) is not None}
            before = await self.store.load(projection, keys)
            after = fold(projection, before, facts)
            rows |= differences(projection.tables, before, after)
        generation = (await self.store.own([0]))[0].generation
        await self.store.commit(0, generation, Changes(rows=rows, positions=positions))
        if hear:
            await self.keeper.committed({0: facts})

    async def issue(self, *facts):
        await self.tell(*facts, **{"id-tokens": max(fact.at.epoch for fact in facts) + 1})

    async def connect(self, name, *, epoch=EPOCH, station=None, **limits):
        self.epochs[name] = epoch
        station = station or self.gateway.stations.get(name) or Station()
        record = self.gateway.connect(name, epoch, station)
        if station.tells == "unasked":
            limits = told(station) | limits
        said = LocalListLimitsTold(replace(at(epoch, 1), station=name), **limits)
        await self.tell(*facts_of("connections", record, epoch, None), said)

    async def carry_out(self):
        """Do what the log of commands says; returns how many there were."""
        waiting, self.waiting = self.waiting, []
        for command in waiting:
            self.offset += 1
            found = facts_of("commands", command, self.offset, None)
            epoch = self.epochs[command["station"]]
            call, answer, result = self.gateway.carry_out(command, epoch, self.now_ms)
            found += facts_of(*answer, 0, call_payload(call[1]))
            found += facts_of(*result, self.offset, None)
            await self.tell(*found)
        return len(waiting)

    async def run(self, seconds=30):
        """Let time go by, until nothing has happened for so long."""
        quiet = 0
        while quiet < seconds:
            assert len(self.gateway.commands) < 100, "there is no end to commands"
            await self.keeper.woken(OWNED)
            quiet = 0 if await self.carry_out() else quiet + 1
            self.now_ms += SECOND

    @property
    def calls(self):
        return [(one["station"], one["action"]) for one in self.gateway.commands]

    def held(self, name):
        return {token: one.status for token, one in self.gateway.stations[name].entries.items()}

    async def now(self, name):
        """The row of the view."""
        of = text("SELECT * FROM local_lists_now WHERE station = :station")
        async with self.store.transaction() as connection:
            return (await connection.execute(of, {"station": name})).mappings().one_or_none()

    def counted(self, name, **labels):
        name = f"chargewire_local_lists_{name}"
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
async def worlds(url):
    made = []

    async def world(**settings):
        made.append(World(await Store.open(url, CONSUMER), **settings))
        return made[-1]

    yield world
    for one in made:
        await one.store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    return request.getfixturevalue("postgres")


TOKENS = (
    issued("A", 1, "*"),
    issued("B", 2, "West", status="Blocked"),
    issued("C", 3, "East", "West"),
    issued("D", 4),
)


async def test_stations_come_to_hold_their_lists(worlds):
    """That of their group, and what is for everybody."""
    world = await worlds()
    await world.connect("W")
    await world.connect("E")
    await world.connect("alone")
    for name, group in (("W", "West"), ("E", "East")):
        await world.tell(StationListed(replace(at(1, 0), station=name), group))
    await world.issue(*TOKENS)
    await world.run()
    assert world.held("W") == {"a": "Accepted", "b": "Blocked", "c": "Accepted"}
    assert world.held("E") == {"a": "Accepted", "c": "Accepted"}
    assert world.held("alone") == {"a": "Accepted"}
    assert sorted(world.calls) == [("E", SEND), ("W", SEND), ("alone", SEND)]
    assert world.counted("commands_total", action=SEND) == 3
    row = await world.now("W")
    names = ("state", "wanted", "held", "missing", "surplus", "differing", "version")
    assert [row[name] for name in names] == ["in sync", 3, 3, 0, 0, 0, 1]
    world.now_ms += MINUTE
    await world.run()
    assert len(world.calls) == 3
    assert world.counted("stations", state="in sync") == 3


async def test_what_changes_is_told(worlds):
    """Once the changes stand still: an import of many tokens is not as many commands."""
    world = await worlds()
    await world.connect("S")
    for number in range(5):
        await world.issue(issued(f"T{number}", number, "*"))
        await world.keeper.woken(OWNED)
        world.now_ms += SECOND
    assert world.waiting == []
    await world.run()
    assert (len(world.calls), len(world.held("S"))) == (1, 5)
    await world.issue(issued("T0", 8, "*", status="Blocked"), removed("T1", 9), issued("T2", 10))
    await world.run()
    assert world.held("S") == {"t0": "Blocked", "t3": "Accepted", "t4": "Accepted"}
    said = json.loads(world.gateway.commands[-1]["payload"])
    assert (said["updateType"], len(said["localAuthorizationList"])) == ("Differential", 3)
    row = await world.now("S")
    assert (row["state"], row["wanted"], row["held"]) == ("in sync", 3, 3)


async def test_a_long_list_goes_out_piece_by_piece(worlds):
    """One command after the other, without waiting for the next second."""
    world = await worlds()
    await world.connect("S", entries_per_call=10)
    await world.issue(*(issued(f"T{number}", number, "*") for number in range(45)))
    for _ in range(4):
        await world.keeper.woken(OWNED)
        world.now_ms += SECOND
    assert len(world.waiting) == 1
    while await world.carry_out():
        assert len(world.waiting) <= 1
    assert len(world.held("S")) == 45
    assert [action for _, action in world.calls] == [SEND] * 5


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize(("tells", "pieces"), [("asked", 2), ("never", 1)])
async def test_who_did_not_tell_its_limits_is_asked(worlds, version, tells, pieces):
    """Once, before its first list; who answers without them gets its list all the same."""
    world = await worlds()
    world.gateway.version = version
    limits = Limits(entries_per_call=10 if tells == "asked" else 20)
    await world.connect("S", station=Station(limits=limits, tells=tells))
    await world.issue(*(issued(f"T{number}", number, "*") for number in range(20)))
    begun_ms = world.now_ms
    while len(world.held("S")) < 20:
        await world.run(1)
    assert world.now_ms < begun_ms + 20 * SECOND
    (first, *others) = [action for _, action in world.calls]
    assert (first in LEARN, others) == (True, [SEND] * pieces)
    assert world.counted("commands_total", action=first) == 1


async def test_a_list_that_is_too_short(worlds):
    """Holds as many as it can, and it shows."""
    world = await worlds()
    await world.connect("S", entries_max=3)
    await world.issue(*(issued(f"T{number}", number, "*") for number in range(5)))
    await world.run()
    assert {*world.held("S")} == {"t0", "t1", "t2"}
    row = await world.now("S")
    assert (row["state"], row["wanted"], row["left_out"], row["missing"]) == ("in sync", 5, 2, 2)
    world.now_ms += MINUTE
    await world.run()
    assert world.counted("cut") == 1


async def test_a_token_that_is_too_long_is_left_out(worlds):
    """It will never be there: the list is as it should be without it."""
    world = await worlds()
    await world.connect("S", entries_max=3)
    world.gateway.version = "2.0.1"
    await world.connect("other")
    long, short = "x" * 21, [issued(f"T{number}", number, "*") for number in range(5)]
    await world.issue(issued(long, 9, "*"), *short)
    await world.run()
    names = ("state", "wanted", "held", "left_out", "missing")
    row, other = await world.now("S"), await world.now("other")
    assert [row[name] for name in names] == ["in sync", 6, 3, 3, 3]
    assert [other[name] for name in names] == ["in sync", 6, 6, 0, 0]
    assert long in world.held("other")


async def test_a_list_of_too_many_tokens(worlds):
    """Its station keeps what it holds, and it shows; it is seen to once there are fewer."""
    world = await worlds()
    await world.connect("S")
    await world.issue(issued("A", 1, "*"))
    await world.run()
    many = [
        {"token": f"t{number}", "spelling": f"T{number}", "lists": '["*"]', "status": "Accepted"}
        for number in range(LIST_MAX)
    ]
    async with world.store.transaction() as connection:
        await connection.execute(ID_TOKENS.insert(), many)
    await world.issue(removed("A", 2), issued("B", 3, "*"))
    await world.run()
    world.now_ms += MINUTE
    await world.run()
    assert (len(world.calls), world.held("S")) == (1, {"a": "Accepted"})
    row = await world.now("S")
    assert (row["state"], row["wanted"], row["held"]) == ("too long", LIST_MAX + 1, 1)
    assert world.counted("stations", state="too long") == 1
    async with world.store.transaction() as connection:
        await connection.execute(ID_TOKENS.delete().where(ID_TOKENS.c.epoch.is_(None)))
    await world.issue(issued("C", 4, "*"))
    await world.run()
    assert world.held("S") == {"b": "Accepted", "c": "Accepted"}
    assert (await world.now("S"))["state"] == "in sync"


async def test_who_is_left_alone(worlds):
    """Stations for which there is no token, that use no list, or are not there."""
    world = await worlds()
    for name in ("none", "off", "gone"):
        await world.connect(name)
    for name in ("off", "gone"):
        await world.tell(StationListed(replace(at(1, 0), station=name), "West"))
    off = LocalListLimitsTold(replace(at(EPOCH, 5), station="off"), enabled=False)
    end = {"type": "disconnected", "station": "gone", "at": NOON, "event_id": "e"}
    end |= {"epoch": EPOCH, "sequence": 9, "connection_id": "c", "close_code": 1000, "reason": "x"}
    await world.tell(off, *facts_of("connections", end, 99, None))
    await world.issue(issued("B", 1, "West"))
    await world.run()
    assert world.calls == []
    assert (await world.now("off"))["state"] == "off"
    assert (await world.now("gone"))["state"] == "unknown"
    assert await world.now("none") is None


async def test_nothing_is_asked_where_it_is_switched_off(worlds):
    """Lists are then somebody else's business."""
    world = await worlds(local_lists="off")
    await world.connect("S")
    await world.issue(issued("A", 1, "*"))
    await world.run()
    assert world.calls == []


async def test_only_the_owner_asks(worlds):
    """And only once it has caught up: what is committed before is no reason."""
    world = await worlds()
    await world.connect("S")
    await world.issue(issued("A", 1, "*"))
    for _ in range(5):
        await world.keeper.woken({1: Ownership(1, {})})
        world.now_ms += SECOND
    await world.connect("S", epoch=11)
    assert world.waiting == []


async def test_a_successor_asks_the_same(worlds):
    """With the id that the command has already, if nothing is known of it yet."""
    world = await worlds()
    await world.connect("S")
    await world.issue(issued("A", 1, "*"))
    first, second = world.keeper, world.keep()
    for keeper in (first, second):
        for _ in range(4):
            await keeper.woken(OWNED)
            world.now_ms += SECOND
    once, again = world.waiting
    assert once["command_id"] == again["command_id"]
    assert (once["requested_by"], once["when_offline"]) == ("authorizations", "fail")
    assert NOON < once["expires_at"] <= world.now_ms + MINUTE


async def test_a_command_that_was_not_written_is_asked_again(worlds):
    """With the same id: it may have been written all the same."""
    world = await worlds()
    await world.connect("S")
    await world.issue(issued("A", 1, "*"))
    world.refuse = True
    with suppress(TimeoutError):
        await world.run(4)
    world.refuse = False
    await world.run()
    assert world.held("S") == {"a": "Accepted"}


async def test_pauses_are_kept(worlds):
    """A station that fails is not asked in a loop (citrineos#178)."""
    world = await worlds()
    await world.connect("S", station=Station(fault=lambda action: "Failed"))
    await world.issue(issued("A", 1, "*"))
    begun_ms = world.now_ms
    while world.now_ms < begun_ms + 9 * MINUTE:
        await world.run(1)
    assert len(world.calls) == 4
    assert (await world.now("S"))["failures"] == 4
    assert world.counted("stations", state="behind") == 1


async def test_what_does_not_come_out_as_sent_ends(worlds):
    """Whatever the log says of it afterwards: there is no loop of commands that succeed."""
    world = await worlds()
    await world.connect("S")
    await world.issue(issued("A", 1, "*"))
    carry_out = world.gateway.carry_out

    def other(command, epoch, now_ms):
        call, answer, result = carry_out(command, epoch, now_ms)
        for entry in call[1]["v16_send_local_list_request"]["localAuthorizationList"]:
            entry["idTag"] = "other"
        return call, answer, result

    world.gateway.carry_out = other
    await world.run(300)
    assert len(world.calls) <= 3
    assert world.counted("stuck_total") == 1


async def test_a_new_connection_is_checked(worlds):
    """And a list that was reset is filled again."""
    world = await worlds()
    await world.connect("S")
    await world.issue(issued("A", 1, "*"))
    await world.run()
    station = world.gateway.stations["S"]
    station.entries, station.version = {}, 0
    await world.connect("S", epoch=EPOCH)  # no new one
    await world.run()
    assert len(world.calls) == 1
    await world.connect("S", epoch=EPOCH + 1)
    await world.run()
    assert [action for _, action in world.calls] == [SEND, CHECK, SEND]
    assert world.held("S") == {"a": "Accepted"}


async def test_thousands_of_stations_in_pages(worlds, monkeypatch):
    """Each wake does a bounded part; in the end all have their list."""
    monkeypatch.setattr("consumers.authorizations.local_lists.keeper.PAGE", 7)
    monkeypatch.setattr("consumers.authorizations.local_lists.keeper.ASKS_AT_ONCE", 5)
    world = await worlds()
    names = [f"S{number:02}" for number in range(30)]
    for name in names:
        await world.connect(name)
    await world.issue(issued("A", 1, "*"))
    world.keeper = world.keep()  # which has heard of none of them
    for _ in range(5):
        await world.keeper.woken(OWNED)
        world.now_ms += SECOND
        assert len(world.waiting) <= 15
    await world.run()
    assert sorted(world.calls) == [(name, SEND) for name in names]


async def test_a_sweep_counts_its_own_stations(worlds, monkeypatch):
    """Those of other processes cost no more than the reading of their names."""
    monkeypatch.setattr("consumers.authorizations.local_lists.keeper.PAGE", 4)
    monkeypatch.setattr("consumers.authorizations.local_lists.keeper.NAMES", 20)
    world = await worlds()
    world.keeper = Keeper(world.parts(partitions=4))
    names = [f"S{number:02}" for number in range(39)]
    mine = [name for name in names if partition(name.encode(), 4) == 0]
    for name in names:
        await world.connect(name)
    await world.issue(issued("A", 1, "*"))
    looked, of = [], list_rows.of

    async def counted(store, stations):
        looked.append([*stations])
        return await of(store, stations)

    monkeypatch.setattr(list_rows, "of", counted)
    monkeypatch.setattr("consumers.authorizations.local_lists.keeper.ASKS_AT_ONCE", 0)
    for _ in range(8):
        await world.keeper.woken(OWNED)
        world.now_ms += SECOND
    assert [*chain.from_iterable(looked)] == mine
    assert max(map(len, looked)) <= 4 < len(mine)
    assert world.counted("stations", state="behind") == len(mine)


async def test_a_sweep_that_is_cut_short_goes_on(worlds):
    """Where it was, so that each station counts once."""
    world = await worlds()
    for number in range(6):
        await world.connect(f"S{number}")
    await world.issue(issued("A", 1, "*"))
    brief, cut = world.keeper._tokens.brief, []

    async def slow(row):
        if row["station"] == "S3" and not cut:
            cut.append(row["station"])
            raise TimeoutError
        return await brief(row)

    world.keeper._tokens.brief = slow
    with pytest.raises(TimeoutError):
        await world.run(5)
    await world.run()
    assert world.counted("stations", state="behind") == 6


async def test_an_answer_that_is_not_in_the_log_ends(worlds):
    """A version that was told, and that nobody can read, is not asked for in a loop."""
    world = await worlds()
    await world.connect("S")
    await world.issue(issued("A", 1, "*"))
    await world.run()
    carry_out = world.gateway.carry_out

    def unread(command, epoch, now_ms):
        call, (topic, answer), result = carry_out(command, epoch, now_ms)
        return call, (topic, answer | {"epoch": 1}), result

    world.gateway.carry_out = unread
    await world.connect("S", epoch=EPOCH + 1)
    await world.run(100)
    assert [action for _, action in world.calls] == [SEND, CHECK]
    assert world.counted("stuck_total") == 1


PARTITIONS = 2


class Scripted:
    """Reads commands from a real log, and writes what a gateway would."""

    def __init__(self, log, gateway):
        self.log = log
        self.gateway = gateway
        self.epochs = {}

    async def connect(self, name, station):
        record = self.gateway.connect(name, 0, station)
        self.epochs[name] = await self.offset("connections", record)

    async def offset(self, topic, record):
        """Where a record of a station stands, once it is there."""
        async with AIOKafkaProducer(bootstrap_servers=self.log.bootstrap) as producer:
            key = record["station"].encode()
            value, number = CODEC.encode(topic, record), partition(key, PARTITIONS)
            done = await producer.send_and_wait(self.log.prefix + topic, value, key, number)
            return done.offset

    async def run(self):
        topic = f"{self.log.prefix}commands"
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.log.bootstrap, auto_offset_reset="earliest"
        )
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        async with consumer:
            async for found in consumer:
                _, command = CODEC.decode(found.value)
                epoch = self.epochs[command["station"]]
                for name, record in self.gateway.carry_out(command, epoch, command["expires_at"]):
                    await self.log.write(name, [record])


@asynccontextmanager
async def consuming(log, url):
    """The consumer with its keeper."""
    stop, metrics = asyncio.Event(), Metrics("authorizations")
    config = Config(kafka=log.bootstrap, partitions=PARTITIONS, prefix=log.prefix)
    producer = Producer(
        connect=partial(open_producer, {"bootstrap_servers": log.bootstrap}),
        codec=CODEC,
        metrics=metrics,
        prefix=log.prefix,
        partitions=PARTITIONS,
    )

    def keepers(store):
        parts = Parts(config, store, CODEC, producer, metrics, lambda: time.time_ns() // 1_000_000)
        return [Keeper(parts, settle_ms=1500)]

    runner = Runner(
        consumer=CONSUMER,
        open_store=partial(Store.open, url, CONSUMER),
        connect=lambda group: open_member({"bootstrap_servers": log.bootstrap}, group=group),
        codec=CODEC,
        learn=None,
        sequels=keepers,
        partitions=PARTITIONS,
        prefix=log.prefix,
        metrics=metrics,
    )
    task = asyncio.create_task(runner.run(stop))
    try:
        yield runner
    finally:
        stop.set()
        await asyncio.wait_for(task, 120)
        await producer.close()


async def open_producer(options):
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)
    await producer.start()
    return producer


@pytest.mark.kafka
async def test_lists_are_kept_over_a_real_log(kafka, prefix, tmp_path):
    """A change, a restart of the consumer and a rebuild of its tables lead to no other list."""
    gateway = Gateway("2.0.1")
    limits = Limits(entries_per_call=50)
    stations = {name: Station(limits=limits) for name in ("CS-1", "CS-2", "CS-3")}
    async with Log(kafka.bootstrap, prefix, PARTITIONS) as log:
        await log.topics({*CONSUMER.topics, "commands"})
        scripted = Scripted(log, gateway)
        for name, station in stations.items():
            await scripted.connect(name, station)
        await log.write("stations", [{"station": "CS-2", "group": "West"}])
        await _issue(log, *(f"T{number:03}" for number in range(120)), lists=["*"])
        await _issue(log, "only-west", lists=["West"])
        carrying = asyncio.create_task(scripted.run())
        try:
            async with consuming(log, f"sqlite:///{tmp_path}/store.db"):
                await until(lambda: _sizes(stations) == [120, 121, 120])
                await _issue(log, "T000", lists=["*"], status="Blocked")
                await until(lambda: _statuses(stations, "t000") == {"Blocked"})
            asked = len(gateway.commands)
            assert asked == 3 + 3 * 3 + 3
            sent = [json.loads(one["payload"]) for one in gateway.commands if one["action"] == SEND]
            assert max(len(one["localAuthorizationList"]) for one in sent) == 50
            # Elsewhere, with nothing in its tables: all is in the log.
            async with consuming(log, f"sqlite:///{tmp_path}/other.db"):
                await _issue(log, "T001", lists=["*"], status="Blocked")
                await until(lambda: _statuses(stations, "t001") == {"Blocked"})
            assert len(gateway.commands) == asked + 3
        finally:
            carrying.cancel()
            with suppress(asyncio.CancelledError):
                await carrying


def _sizes(stations):
    return [len(one.entries) for one in stations.values()]


def _statuses(stations, token):
    return {one.entries[token].status for one in stations.values()}


async def _issue(log, *names, lists, status="Accepted"):
    for name in names:
        record = {"token": name, "type": "Central", "status": status, "lists": lists}
        await log.put("id-tokens", name.lower().encode(), CODEC.encode("id-tokens", record))
    await log.flush()
