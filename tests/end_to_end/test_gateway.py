"""A gateway as its users have it: stations in front, a real Kafka behind, others beside it."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import ocpp.v16
import ocpp.v21
import ocpp.v201
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from deploy.local.kafka import Broker
from schemas.topics import TOPICS, partition
from tests.end_to_end.books import audit
from tests.end_to_end.gateways import (
    CODEC,
    PARTITIONS,
    PATIENT,
    START_TIME_S,
    Fleet,
    Gateway,
    Logged,
    send,
    until,
)
from tests.end_to_end.load import Load, Said
from tests.station import PATIENCE, PATIENCE_S, Station

pytestmark = pytest.mark.kafka

QUIET = logging.Logger("witness", logging.CRITICAL + 1)
DECIDED = {"decided": "Authorize,StartTransaction", "decision_time_s": 25}
START = {"connectorId": 1, "idTag": "T", "meterStart": 5, "timestamp": "2026-11-21T10:00:00Z"}


@pytest.fixture
async def fleet(kafka: Broker, prefix: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Topics, and no gateway yet."""
    async with Fleet(kafka.bootstrap, prefix, tmp_path) as fleet:
        await fleet.topics()
        yield fleet


def session_16(package: Any) -> list[Any]:
    """A day of a 1.6 station, as requests of the ocpp package."""
    time_ = "2026-11-21T10:00:00Z"
    return [
        package.BootNotification(charge_point_model="m", charge_point_vendor="v"),
        package.StatusNotification(connector_id=1, error_code="NoError", status="Available"),
        package.Authorize(id_tag="T"),
        package.StartTransaction(connector_id=1, id_tag="T", meter_start=1, timestamp=time_),
        package.MeterValues(
            connector_id=1,
            meter_value=[{"timestamp": time_, "sampled_value": [{"value": "5.5", "unit": "kWh"}]}],
        ),
        package.StopTransaction(meter_stop=9, timestamp=time_, transaction_id=7),
        package.Heartbeat(),
    ]


def session_2(package: Any) -> list[Any]:
    """A day of a 2.x station."""
    time_, token = "2026-11-21T10:00:00Z", {"id_token": "T", "type": "Central"}
    station = {"model": "m", "vendor_name": "v"}

    def event(kind: str, sequence: int, reason: str, **more: Any) -> Any:
        return package.TransactionEvent(
            event_type=kind,
            timestamp=time_,
            trigger_reason=reason,
            seq_no=sequence,
            transaction_info={"transaction_id": "TX-1"},
            **more,
        )

    sampled = [{"value": 5.5, "measurand": "Energy.Active.Import.Register"}]
    return [
        package.BootNotification(charging_station=station, reason="PowerUp"),
        package.StatusNotification(
            timestamp=time_, connector_status="Available", evse_id=1, connector_id=1
        ),
        package.Authorize(id_token=token),
        event("Started", 0, "Authorized", id_token=token, evse={"id": 1}),
        event(
            "Updated",
            1,
            "MeterValuePeriodic",
            meter_value=[{"timestamp": time_, "sampled_value": sampled}],
        ),
        package.MeterValues(
            evse_id=1, meter_value=[{"timestamp": time_, "sampled_value": sampled}]
        ),
        event("Ended", 2, "EVDeparted"),
        package.Heartbeat(),
    ]


SESSIONS = {
    "1.6": (ocpp.v16, session_16),
    "2.0.1": (ocpp.v201, session_2),
    "2.1": (ocpp.v21, session_2),
}


@pytest.mark.parametrize("version", SESSIONS)
async def test_a_session_by_an_independent_witness(fleet: Fleet, version: str) -> None:
    """mobilityhouse's ChargePoint takes every answer; each frame is an event, in one order."""
    package, requests = SESSIONS[version]
    gateway = await fleet.start()
    asked = requests(package.call)
    offered = [Subprotocol("ocpp" + version)]
    socket = await connect(f"{gateway.url}/Box%201", subprotocols=offered, proxy=None, **PATIENCE)
    async with socket:
        station = package.ChargePoint("Box 1", socket, PATIENCE_S, QUIET)
        reading = asyncio.create_task(station.start())
        answers = [await station.call(one, suppress=False) for one in asked]
        reading.cancel()
    assert answers[0].status == "Accepted"
    assert datetime.fromisoformat(answers[-1].current_time).utcoffset() is not None
    log = await fleet.logged(ended_connections(1))
    frames = sorted(in_blocks(log), key=lambda one: one["sequence"])
    actions = [type(one).__name__ for one in asked]
    assert [(f["direction"], f["kind"], f["action"]) for f in frames] == [
        row
        for name in actions
        for row in (("from_station", "call", name), ("to_station", "result", name))
    ]
    assert {one["ocpp_version"] for one in frames} == {version}
    assert {one["station"] for one in frames} == {"Box 1"}
    connected, disconnected = (one for one in log if one.topic == "connections")
    assert {one["epoch"] for one in frames} == {connected.offset}
    assert [one["sequence"] for one in frames] == list(range(1, len(frames) + 1))
    assert disconnected["sequence"] == len(frames) + 1
    assert all(one["deviations"] == [] for one in frames)
    meters = next(one for one in frames if one["action"] == "MeterValues")
    assert float(meters.payload["meterValue"][0]["sampledValue"][0]["value"]) == 5.5
    if version == "1.6":
        assert 1 <= answers[3].transaction_id < 2**31


async def test_the_contract_of_a_record(fleet: Fleet) -> None:
    """CloudEvents in the headers, key and partition of the station, Confluent's wire format."""
    gateway = await fleet.start(instance="gw-a")
    before_ms = time.time_ns() // 1_000_000
    async with await fleet.connect(gateway, "säule 1") as station:
        assert (await station.call("Heartbeat", message_id="first")).ok
        assert (await station.call("Nonsense")).code == "NotImplemented"
    log = await fleet.logged(ended_connections(1))
    call = next(one for one in in_blocks(log) if one["kind"] == "call")
    connected = log_of(log, "connections")[0]
    headers = {name: value.decode() for name, value in call.headers}
    at = datetime.fromisoformat(headers.pop("ce_time"))
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": call["event_id"],
        "ce_type": "ocpp.v16.Heartbeat.request",
        "ce_source": "/stations/s%C3%A4ule%201",
        "content-type": "application/vnd.confluent.avro",
    }
    assert at.timestamp() * 1000 == pytest.approx(call["observed_at"])
    assert before_ms <= call["observed_at"] == call.timestamp_ms <= time.time_ns() // 1_000_000
    assert call["event_id"] == f"{connected.offset}.1.säule 1"
    assert call["message_id"] == "first"
    ids = json.loads((await gateway.asked("subjects"))[1])
    assert f"{fleet.prefix}availability-value" in ids
    for one in log:
        if one.topic in ("gateways", "refusals"):
            continue
        assert one.key == "säule 1".encode()
        assert one.partition == partition(one.key, PARTITIONS)
        assert one["gateway"].startswith("gw-a-")
        assert one.value[:1] == b"\0"
        number = int.from_bytes(one.value[1:5], "big")
        assert number >= 1_000_000_000
        status, shown = await gateway.asked(f"schemas/ids/{number}")
        assert status == 200
        assert json.loads(json.loads(shown)["schema"])["type"] == "record"
    types = [dict(one.headers)["ce_type"].decode() for one in log if one.topic != "gateways"]
    assert sorted(types) == [
        "ocpp.connection.connected",
        "ocpp.connection.disconnected",
        "ocpp.rejected",
        "ocpp.v16.Heartbeat.request",
        "ocpp.v16.Heartbeat.response",
    ]


async def test_takeover_across_gateways(fleet: Fleet) -> None:
    """Promise 6: the newest connection wins wherever it is; from the old one comes nothing more."""
    one, two = await fleet.start(instance="one"), await fleet.start(instance="two")
    old = await fleet.connect(one, "CS-1")
    assert (await old.call("Heartbeat", message_id="old-1")).ok
    async with await fleet.connect(two, "CS-1") as new:
        assert (await old.closed())[:2] == (1008, "takeover")
        assert (await new.call("Heartbeat", message_id="new-1")).ok
        # And back again: the first gateway has forgotten nothing and holds nothing against it.
        async with await fleet.connect(one, "CS-1") as newest:
            assert (await new.closed())[:2] == (1008, "takeover")
            assert (await newest.call("Heartbeat", message_id="newest-1")).ok
    log = await fleet.logged(ended_connections(3))
    epochs = [c.offset for c in log_of(log, "connections") if c["type"] == "connected"]
    assert [
        (frame["epoch"], frame["message_id"], frame["gateway"][:3]) for frame in in_blocks(log)
    ] == [
        (epochs[n], name, gateway)
        for n, (name, gateway) in enumerate(
            [("old-1", "one"), ("new-1", "two"), ("newest-1", "one")]
        )
        for _ in range(2)
    ]
    assert (await one.metrics())["takeovers_total"] == 1
    assert (await two.metrics())["takeovers_total"] == 1


async def test_an_old_connection_is_not_answered_once_it_is_superseded(fleet: Fleet) -> None:
    """What it calls around the takeover is either heard and in the log, or never answered."""
    one, two = await fleet.start(), await fleet.start()
    books = []
    for number in range(4):
        name = f"CS-{number}"
        old = await fleet.connect(one, name)
        calling = asyncio.create_task(call_until_closed(old))
        await until(lambda old=old: len(old.answered()) > 5)
        async with await fleet.connect(two, name) as new:
            assert (await old.closed())[0] == 1008
            await calling
            for at in range(3):
                assert (await new.call("Heartbeat", message_id=f"new-{at}")).ok
        books += [Said(name, entry) for entry in (*old.books, *new.books)]
    log = await fleet.logged(ended_connections(8))
    assert audit(books, log).answered > 4 * 8


class Decider:
    """A deciding service: reads events, and puts what `decide` says into the decisions."""

    def __init__(self, fleet: Fleet, decide: Callable[[Logged], list[dict[str, object]]]) -> None:
        self._fleet = fleet
        self._decide = decide
        self.asked: list[str] = []

    async def run(self, ready: asyncio.Event) -> None:
        bootstrap, prefix = self._fleet.bootstrap, self._fleet.prefix
        names = [prefix + topic for topic in ("authorization", "transactions")]
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
        await consumer.start()
        await producer.start()
        try:
            consumer.assign([TopicPartition(name, n) for name in names for n in range(PARTITIONS)])
            await consumer.seek_to_beginning()
            ready.set()
            async for one in consumer:
                topic, record = CODEC.decode(one.value)
                place = topic, one.partition, one.offset, one.key, one.value
                event = Logged(*place, tuple(one.headers), one.timestamp, record)
                if event["decision_by"] is None:
                    continue
                self.asked.append(event["action"])
                for decision in self._decide(event):
                    whole = self.decision(event, **decision)
                    value = CODEC.encode("decisions", whole)
                    await producer.send_and_wait(prefix + "decisions", value, one.key)
        finally:
            await consumer.stop()
            await producer.stop()

    @staticmethod
    def decision(event: Mapping[str, Any] | Logged, **decision: object) -> dict[str, object]:
        now_ms = time.time_ns() // 1_000_000
        whole = {"event_id": event["event_id"], "station": event["station"]}
        return whole | {"decided_by": "stub", "at": now_ms} | decision


@asynccontextmanager
async def deciding(
    fleet: Fleet, decide: Callable[[Logged], list[dict[str, object]]]
) -> AsyncIterator[Decider]:
    decider, ready = Decider(fleet, decide), asyncio.Event()
    running = asyncio.create_task(decider.run(ready))
    try:
        await asyncio.wait_for(ready.wait(), PATIENCE_S)
        yield decider
        assert not running.done(), running
    finally:
        running.cancel()
        await asyncio.wait({running})


def response(**fields: object) -> dict[str, object]:
    return {"response": json.dumps(fields)}


async def test_a_decision_works_through_either_gateway(fleet: Fleet) -> None:
    """The service learns of a call from the log, and its answer finds the station's socket."""
    one, two = await fleet.start(PATIENT, **DECIDED), await fleet.start(PATIENT, **DECIDED)

    def decide(event: Logged) -> list[dict[str, object]]:
        if event["action"] == "Authorize" and event.payload["idTag"] == "NOBODY":
            return [{"error_code": "SecurityError", "error_description": "who?"}]
        info = {"status": "Accepted", "parentIdTag": "P-" + event["station"]}
        more = {} if event["action"] == "Authorize" else {"transactionId": 1}
        return [response(idTagInfo=info, **more)]

    async with deciding(fleet, decide):
        started = []
        for gateway, name in ((one, "CS-1"), (two, "CS-2"), (one, "CS-3"), (two, "CS-1")):
            async with await fleet.connect(gateway, name) as station:
                reply = await station.call("Authorize", {"idTag": "T"})
                info = {"status": "Accepted", "parentIdTag": f"P-{name}"}
                assert reply.payload == {"idTagInfo": info}
                refused = await station.call("Authorize", {"idTag": "NOBODY"})
                assert (refused.code, refused.description) == ("SecurityError", "who?")
                reply = await station.call("StartTransaction", START)
                assert reply.payload is not None
                assert reply.payload["idTagInfo"] == info
                started.append(reply.payload["transactionId"])
    assert started[0] == started[3] != 1, "computed from the call, whatever the service says"
    assert len({*started[:3]}) == 3
    taken = [(await gateway.metrics()) for gateway in (one, two)]
    assert [m['decisions_total{outcome="taken"}'] for m in taken] == [6, 6]


async def test_late_and_invalid_decisions(fleet: Fleet) -> None:
    """The first valid one in time counts; the others are counted, and change nothing."""
    gateway = await fleet.start(PATIENT, **DECIDED)
    hasty = await fleet.start(**DECIDED | {"decision_time_s": 1})
    seen: list[Logged] = []

    def decide(event: Logged) -> list[dict[str, object]]:
        seen.append(event)
        if event["station"] == "SLOW":
            return []
        return [
            {"response": "{"},
            response(idTagInfo={"status": "Perhaps"}),
            {"error_code": "NoSuchWord"},
            response(idTagInfo={"status": "Blocked"}),
            response(idTagInfo={"status": "Accepted"}),
        ]

    async with deciding(fleet, decide):
        async with await fleet.connect(gateway, "FAST") as fast:
            reply = await fast.call("Authorize", {"idTag": "T"})
            assert reply.payload == {"idTagInfo": {"status": "Blocked"}}
            await counts(gateway, invalid=3, taken=1, late=1)
        async with await fleet.connect(hasty, "SLOW") as slow:
            reply = await slow.call("Authorize", {"idTag": "T"})
            assert reply.code == "InternalError"
            reply = await slow.call("StartTransaction", START)
            assert reply.payload is not None
            assert reply.payload["idTagInfo"] == {"status": "Accepted"}
            await until(lambda: [one["station"] for one in seen].count("SLOW") == 2)
            for event in (one for one in seen if one["station"] == "SLOW"):
                late = Decider.decision(event, **response(idTagInfo={"status": "Blocked"}))
                await send(fleet.bootstrap, fleet.prefix, "decisions", "SLOW", **late)
            await counts(hasty, late=2)
            assert (await slow.call("Heartbeat")).ok
            assert len(slow.answered()) == 3
    found = await hasty.metrics()
    assert found['fallbacks_total{action="Authorize"}'] == 1
    assert found['fallbacks_total{action="StartTransaction"}'] == 1
    log = await fleet.logged(ended_connections(2))
    asked = [one for one in in_blocks(log) if one["decision_by"] is not None]
    assert [(one["station"], one["decision_by"] - one["observed_at"]) for one in asked] == [
        *(("FAST", 25_000), ("SLOW", 1000), ("SLOW", 1000))
    ]


async def counts(gateway: Gateway, **outcomes: int) -> None:
    """Wait until decisions are counted so."""

    async def counted() -> bool:
        found = await gateway.metrics()
        names = {name: f'decisions_total{{outcome="{name}"}}' for name in outcomes}
        return {name: found.get(full) for name, full in names.items()} == outcomes

    await until(counted, f"decisions are not {outcomes}")


async def test_workers_are_one_gateway(fleet: Fleet) -> None:
    """One port, one admin port that adds up; a takeover between two workers is like any other."""
    gateway = await fleet.start(workers=2, drain_time_s=600)
    # The kernel spreads them by chance: that all come twice to the same worker, it never has.
    stations = [await fleet.connect(gateway, f"CS-{number}") for number in range(24)]
    for station in stations:
        assert (await station.call("Heartbeat", message_id="1")).ok
    await metric(gateway, 'connections{version="1.6"}', 24)
    again = [await fleet.connect(gateway, station.station_id) for station in stations]
    for station in stations:
        assert (await station.closed())[0] == 1008
    for station in again:
        assert (await station.call("Heartbeat", message_id="2")).ok
    await metric(gateway, 'connections{version="1.6"}', 24)
    await metric(gateway, "takeovers_total", 24)
    await metric(gateway, 'connects_total{version="1.6"}', 48)
    frames = 'frames_total{action="Heartbeat",direction="to_station",kind="result"}'
    await metric(gateway, frames, 48)
    gateway.terminate()
    for station in again:
        assert await station.closed() == (1012, "restart")
    assert await gateway.ended() == 0
    log = await fleet.logged(ended_connections(48))
    opened: dict[str, list[str]] = {}
    for one in log_of(log, "connections"):
        if one["type"] == "connected":
            opened.setdefault(one["station"], []).append(one["gateway"])
    assert any(first != second for first, second in opened.values()), "some changed the worker"
    sides = {name for pair in opened.values() for name in pair}
    assert len(sides) == 2
    books = [Said(s.station_id, entry) for s in (*stations, *again) for entry in s.books]
    assert audit(books, log).answered == 48


async def test_a_dead_worker_is_replaced_and_takes_nobody_along(fleet: Fleet) -> None:
    """And when the parent is killed, its workers go too: nobody would be told how they are."""
    gateway = await fleet.start(workers=2)
    parent = psutil.Process(gateway.process.pid)

    def workers() -> list[psutil.Process]:
        listening = []
        for child in parent.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it ended since it was listed
                ports = {c.laddr.port for c in child.net_connections("tcp") if c.status == "LISTEN"}
                if gateway.port in ports:
                    listening.append(child)
        return listening

    first, second = workers()
    first.kill()
    await until(
        lambda: len(found := workers()) == 2 and first not in found, "not replaced", START_TIME_S
    )
    assert second in workers()
    await gateway.ready()
    async with await fleet.connect(gateway, "CS-1") as station:
        assert (await station.call("Heartbeat")).ok
    children = workers()
    gateway.process.kill()
    await until(lambda: not any(map(lives, children)), "orphans hold the port")


def lives(process: psutil.Process) -> bool:
    """Whether it has not ended, also where nobody has taken notice of its end."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


async def test_nothing_starts_on_missing_topics(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Some are named, with what to do about it; none is created."""
    async with Fleet(kafka.bootstrap, prefix, tmp_path) as fleet:
        gateway = fleet.launch()
        assert await gateway.ended() == 1
        lines = [json.loads(line) for line in gateway.said().splitlines()]
        (problem,) = (line["problem"] for line in lines if line["event"] == "cannot start")
        first = ", ".join(f"{prefix}{name}" for name in [*TOPICS][:3])
        more = len(TOPICS) - 3
        assert problem == f"{first} and {more} more: missing; run `chargewire topics apply`"


async def test_one_replica_needs_permission(fleet: Fleet) -> None:
    """A topic that does not survive a broker is no place for billing data."""
    gateway = fleet.launch(allow_single_replica="false")
    assert await gateway.ended() == 1
    assert "replication 1, not 3; for a try on one broker, --allow-single" in gateway.said()
    assert "min.insync.replicas below 2; run" in gateway.said()


async def test_every_configuration_error_in_one_list(fleet: Fleet) -> None:
    """Nobody mends ten settings by starting ten times."""
    gateway = fleet.launch(
        ack_time_s=99,
        outage_time_s="soon",
        decided="Autorize",
        quirks="strict,null_field",
        lisen="0.0.0.0:9000",
        kafka="nowhere",
    )
    assert await gateway.ended() == 2
    lines = gateway.said().splitlines()
    for name in ("ACK_TIME_S", "OUTAGE_TIME_S", "LISEN", "KAFKA"):
        assert [line for line in lines if f"CHARGEWIRE_{name}" in line], f"{name}: {lines}"
    assert "Traceback" not in gateway.said()


async def test_a_gateway_waits_for_kafka(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Started before its Kafka it says so, and goes to work when that is there."""
    async with Fleet(broker.bootstrap, prefix, tmp_path) as fleet:
        await fleet.topics()
        broker.kill()
        gateway = fleet.launch()

        async def waits() -> bool:
            return await gateway.asked("readyz") == (503, '["starting: waiting for Kafka"]')

        await until(waits, "it does not say that it waits", START_TIME_S)
        with pytest.raises(OSError, match=r"[Cc]onnect"):
            await fleet.connect(gateway, "CS-1")
        assert (await gateway.asked("healthz"))[0] == 200
        await broker.start()
        await gateway.ready()
        async with await fleet.connect(gateway, "CS-1") as station:
            assert (await station.call("Heartbeat")).ok


async def test_a_gateway_that_waits_for_kafka_can_be_ended(tmp_path: Path) -> None:
    """SIGTERM before anything has begun: exit 0, at once."""
    async with Fleet("127.0.0.1:9", f"t-{uuid.uuid4().hex}.", tmp_path) as fleet:
        gateway = fleet.launch()
        await until(lambda: "not there yet" in gateway.said(), timeout_s=START_TIME_S)
        gateway.terminate()
        assert await gateway.ended() == 0


async def test_a_restart_on_the_same_log(fleet: Fleet) -> None:
    """Epochs go on, a repeated StartTransaction keeps its id, and no event has a second self."""
    ids, books = [], []
    for turn in range(2):
        gateway = await fleet.start(drain_time_s=600)
        async with Load(3, gateway.url, label=f"turn-{turn}") as load:
            await load.goes_on(10)
        async with await fleet.connect(gateway, "CS-9") as station:
            reply = await station.call("StartTransaction", START, message_id=f"{turn}")
            assert reply.payload is not None
            ids.append(reply.payload["transactionId"])
        books += [*load.books, *(Said("CS-9", entry) for entry in station.books)]
        gateway.terminate()
        assert await gateway.ended() == 0
    assert ids[0] == ids[1]
    log = await fleet.logged(ended_connections(8))
    assert audit(books, log).answered >= 2 * 31
    nine = [c for c in log_of(log, "connections") if c["station"] == "CS-9"]
    assert [c["type"] for c in nine] == ["connected", "disconnected"] * 2
    assert nine[0].offset == nine[1]["epoch"] < nine[2].offset == nine[3]["epoch"]
    alive = [one for one in log_of(log, "gateways") if one.record]
    assert len({one["gateway"] for one in alive}) == 2
    gone = [one.key for one in log_of(log, "gateways") if one.value is None]
    assert sorted(gone) == sorted({one.key for one in alive}), "each has taken its leave"


async def test_an_unknown_path_version_or_full_house_is_refused(fleet: Fleet) -> None:
    """Each with its status, and as an event for the operator."""
    gateway = await fleet.start(connections_max=1, drain_time_s=2, takeovers_per_minute=1)
    base = gateway.url.removesuffix("/ocpp")
    asked: list[tuple[str, tuple[str, ...], int]] = [
        (f"{base}/other/CS-1", ("ocpp1.6",), 404),
        (f"{gateway.url}/CS-1", (), 400),
        (f"{gateway.url}/CS-1", ("ocpp1.5",), 400),
        (f"{gateway.url}/{'x' * 49}", ("ocpp1.6",), 400),
    ]
    for uri, offered, status in asked:
        assert (await refused(uri, offered))[0] == status
    async with await fleet.connect(gateway, "CS-1"):
        status, wait = await refused(f"{gateway.url}/CS-2")
        assert (status, wait) == (503, "10")
    log = await fleet.logged(lambda log: len(log) == 5, "refusals")
    assert [one["reason"] for one in log] == [
        *("wrong_path", "no_subprotocol", "subprotocol", "station_id", "connections_max")
    ]
    assert {one.key for one in log} == {b"127.0.0.1"}


async def refused(uri: str, offered: tuple[str, ...] = ("ocpp1.6",)) -> tuple[int, str | None]:
    with pytest.raises(InvalidStatus) as caught:
        await Station.at(uri, subprotocols=offered)
    response = caught.value.response
    return response.status_code, response.headers.get("Retry-After")


async def metric(gateway: Gateway, name: str, value: float) -> None:
    """Wait until a metric has this value."""
    found: dict[str, float] = {}

    async def has() -> bool:
        found.update(await gateway.metrics())
        return found.get(name) == value

    try:
        await until(has)
    except TimeoutError:
        raise AssertionError(f"{name} is {found.get(name)}, not {value}") from None


async def call_until_closed(station: Station) -> None:
    with suppress(ConnectionClosed):
        while True:
            await station.call("Heartbeat")


def ended_connections(count: int) -> Callable[[list[Logged]], bool]:
    """Whether so many connections have ended, which is their last event."""
    return lambda log: (
        sum(one["type"] == "disconnected" for one in log_of(log, "connections")) >= count
    )


def log_of(log: list[Logged], topic: str) -> list[Logged]:
    return [one for one in log if one.topic == topic]


def in_blocks(log: list[Logged]) -> list[Logged]:
    """The events of frames, by epoch and sequence."""
    found = [one for one in log if one.topic != "rejected" and "message_id" in one.record]
    frames = [one for one in found if one.topic != "command-results"]
    return sorted(frames, key=lambda one: (one["epoch"], one["sequence"]))
