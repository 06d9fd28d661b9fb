"""What breaks at night: Kafka, gateways, both; the stations' books are held against the log."""

import asyncio
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from deploy.local.kafka import Broker
from schemas.topics import partition
from tests import log
from tests.cluster import Cluster
from tests.end_to_end.books import Audit, audit
from tests.end_to_end.gateways import (
    PARTITIONS,
    PATIENT,
    Fleet,
    Gateway,
    until,
    wanted_topics,
)
from tests.end_to_end.load import Load, Said
from tests.station import Station

pytestmark = pytest.mark.kafka

# As soon as can be where a machine that stands still for ten seconds is not yet an outage.
SOON = {"ack_time_s": 13, "outage_time_s": 14, "retry_after_s": 1, "decision_time_s": 1}


async def audited(fleet: Fleet, load: Load, *others: Station) -> Audit:
    """The books of all stations against the log, when the gateways have ended."""
    books = load.books + [Said(one.station_id, e) for one in others for e in one.books]
    for station in load.stations:
        ids = {}
        for said in station.books:
            entry = said.entry
            if entry.action == "StartTransaction" and entry.answer is not None:
                start = tuple(entry.payload.values())
                given = entry.answer[2]["transactionId"]
                assert ids.setdefault(start, given) == given, "a repetition has got another id"
    found = audit(books, await fleet.log())
    assert found.answered >= load.heard
    return found


async def ended(gateway: Gateway) -> None:
    """SIGTERM: exit 0, and nothing broke."""
    gateway.terminate()
    assert await gateway.ended() == 0
    assert "Traceback" not in gateway.said()


async def answers_503(gateway: Gateway) -> bool:
    """Whether the gateway says that it is not ready, since Kafka is away."""
    status, reasons = await gateway.asked("readyz")
    return status == 503 and "outage" in reasons


async def test_broker_killed_and_restarted_under_load(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    """Nothing is answered that was not durable; nobody hears a CALLERROR; then all go on."""
    async with Fleet(broker.bootstrap, prefix, tmp_path, **SOON) as fleet:
        await fleet.topics()
        gateway = await fleet.start()
        async with Load(8, gateway.url) as load:
            await load.goes_on(15)
            await asyncio.to_thread(broker.kill)
            await load.until(lambda: len(load.closes) >= 8, "not all were sent away")
            await load.until(lambda: len(load.refusals) >= 8, "nobody was refused")
            assert await answers_503(gateway)
            await broker.start()
            await load.goes_on(15)
            await gateway.ready()
        await ended(gateway)
        found = await audited(fleet, load)
        assert found.answered < found.sent, "the stations were in the middle of something"
        assert {close for close in load.closes if close[0] != 1006} == {(1013, "outage")}
        assert set(load.refusals) <= {(503, "1"), (0, None)}
        assert all(s.entry.answer is None or s.entry.answer[0] == 3 for s in load.books)
        assert any(tries > 1 for station in load.stations for tries in station.tries.values())


async def test_broker_paused_past_the_outage_limit(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    """Promise 2: no answers, sockets closed 1013, handshakes refused 503; then all is as before."""
    async with Fleet(broker.bootstrap, prefix, tmp_path, **SOON) as fleet:
        await fleet.topics()
        gateway = await fleet.start()
        idle = await fleet.connect(gateway, "IDLE")
        assert (await idle.call("Heartbeat")).ok
        async with Load(6, gateway.url) as load:
            await load.goes_on(10)
            broker.pause()
            # Those that wait for an answer are sent away when that is late ...
            await load.until(lambda: len(load.closes) >= 6, "not all were sent away")
            heard = load.heard
            # ... and the one that waits for nothing, when the outage lasts.
            assert await idle.closed() == (1013, "outage")
            assert await answers_503(gateway)
            with pytest.raises(InvalidStatus) as refused:
                await fleet.connect(gateway, "NEW")
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["Retry-After"] == "1"
            assert load.heard == heard, "nobody is answered while the bus is down"
            assert (await gateway.asked("healthz"))[0] == 200, "it is not the gateway's fault"
            broker.resume()
            await gateway.ready()
            await load.goes_on(10)
            async with await fleet.connect(gateway, "IDLE") as again:
                assert (await again.call("Heartbeat", message_id="again")).ok
        await ended(gateway)
        await audited(fleet, load, idle, again)
        metrics = {close for close in load.closes if close[0] != 1006}
        assert metrics == {(1013, "outage")}


async def test_a_short_outage_costs_only_those_who_were_waiting(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    """Who has asked nothing stays connected, and is answered afterwards."""
    limits = SOON | {"outage_time_s": 600}
    async with Fleet(broker.bootstrap, prefix, tmp_path, **limits) as fleet:
        await fleet.topics()
        gateway = await fleet.start()
        idle = await fleet.connect(gateway, "IDLE")
        busy = await fleet.connect(gateway, "BUSY")
        assert (await idle.call("Heartbeat")).ok
        broker.pause()
        await busy.send_call("Heartbeat")
        assert await busy.closed() == (1013, "outage")
        assert busy.answered() == []
        assert await answers_503(gateway)
        broker.resume()
        await gateway.ready()
        assert (await idle.call("Heartbeat", message_id="later")).ok
        await ended(gateway)
        assert await idle.closed() == (1012, "restart")
        await audited(fleet, Load(0, gateway.url), idle, busy)


async def create_spread(cluster: Cluster, prefix: str) -> None:
    """The topics with one replica each: partition 0 on the first broker, 1 on the second, ..."""
    spread = {number: [number + 1] for number in range(PARTITIONS)}
    groups: dict[tuple[bool, tuple[tuple[str, str], ...]], list[str]] = {}
    for name, layout in wanted_topics(prefix).items():
        alive = name == prefix + "gateways"
        groups.setdefault((alive, tuple(layout.config.items())), []).append(name)
    for (alive, options), names in groups.items():
        # Where a gateway tells that it is alive is no matter of this test.
        replicas = {number: [1] for number in spread} if alive else spread
        await log.create(cluster.bootstrap, names, replicas=replicas, options=dict(options))


async def test_a_partition_without_a_leader(cluster: Cluster, prefix: str, tmp_path: Path) -> None:
    """Its stations are closed unanswered and wait outside; all others are served meanwhile."""
    limits = SOON | {"outage_time_s": 20}
    async with Fleet(cluster.bootstrap, prefix, tmp_path, **limits) as fleet:
        await create_spread(cluster, prefix)
        gateway = await fleet.start()
        async with Load(9, gateway.url) as load:
            homes = {s.name: partition(s.name.encode(), PARTITIONS) for s in load.stations}
            stranded = [s for s in load.stations if homes[s.name] == 2]
            others = [s for s in load.stations if homes[s.name] != 2]
            assert stranded
            assert others
            await load.goes_on(10)
            await asyncio.to_thread(cluster.brokers[2].kill)
            await load.until(lambda: all(s.closes for s in stranded), "they are not closed")
            heard = {s.name: s.heard for s in load.stations}
            await load.until(
                lambda: all(s.heard > heard[s.name] + 40 for s in others),
                "the other partitions are not served",
            )
            assert [s.heard - heard[s.name] for s in stranded] == [0] * len(stranded)
            await cluster.brokers[2].start()
            await load.goes_on(10)
            await gateway.ready()
        await ended(gateway)
        await audited(fleet, load)
        assert {c for c in load.closes if c[0] != 1006} == {(1013, "outage")}
        assert all(s.entry.answer is None or s.entry.answer[0] == 3 for s in load.books)


@pytest.mark.parametrize("fault", ["kill", "pause"])
async def test_sigterm_while_the_bus_is_down(
    broker: Broker, prefix: str, tmp_path: Path, fault: str
) -> None:
    """It ends within its time with exit 0, whoever waits for an answer or does not say goodbye."""
    drain = {"drain_time_s": 6, "connections_max": 500}
    async with Fleet(broker.bootstrap, prefix, tmp_path, **SOON, **drain) as fleet:
        await fleet.topics()
        gateway = await fleet.start(PATIENT)  # for the bus it would wait ten minutes
        frozen = await fleet.connect(gateway, "FROZEN")
        waiting = await fleet.connect(gateway, "WAITING")
        silent = await fleet.connect(gateway, "SILENT")
        async with Load(5, gateway.url) as load:
            await load.goes_on(10)
            if fault == "kill":
                broker.kill()
            else:
                broker.pause()
            await waiting.send_call("Heartbeat")
            frozen.socket.transport.pause_reading()
            heard = load.heard
            await ended(gateway)
            assert load.heard <= heard + 5, "only what was on its way already"
            assert await silent.closed() == (1012, "restart")
            assert await waiting.closed() == (1012, "restart")
            assert waiting.answered() == []
            frozen.abort()
        if fault == "kill":
            await broker.start()
        else:
            broker.resume()
        await audited(fleet, load, waiting, silent, frozen)


async def test_sigterm_under_load(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Calls in hand are finished, sockets are closed 1012, and the other gateway takes over."""
    limits = SOON | {"drain_slice": 100, "drain_time_s": 60}
    async with Fleet(kafka.bootstrap, prefix, tmp_path, **limits) as fleet:
        await fleet.topics()
        one, two = await fleet.start(), await fleet.start()
        async with Load(10, one.url, two.url) as load:
            await load.goes_on(20)
            await ended(one)
            await load.goes_on(20)
        await ended(two)
        found = await audited(fleet, load)
        assert {c for c in load.closes if c[0] != 1006} == {(1012, "restart")}
        assert found.unheard <= 10, "what was taken was answered, where the station still listened"
        records = await fleet.log("connections")
        kinds = [one["type"] for one in records]
        assert kinds.count("connected") == kinds.count("disconnected") >= 15
        reasons = {r["reason"] for r in records if r["type"] == "disconnected"}
        assert "restart" in reasons


async def test_gateway_killed_under_load(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """kill -9: its stations go on at the other gateway, and every answer that they had is true."""
    async with Fleet(kafka.bootstrap, prefix, tmp_path, **SOON) as fleet:
        await fleet.topics()
        one, two = await fleet.start(), await fleet.start()
        async with Load(10, one.url, two.url) as load:
            await load.goes_on(20)
            for turn in (one, two):
                turn.kill()
                await load.until(
                    lambda: sum(c[0] == 1006 for c in load.closes) >= 5, "nobody noticed"
                )
                await load.goes_on(20)
                turn.launch()
                await turn.ready()
        await ended(one)
        await ended(two)
        found = await audited(fleet, load)
        assert found.answered < found.sent
        sides = {one["gateway"] for one in await fleet.log("connections")}
        assert len(sides) >= 3


async def test_kafka_and_a_gateway_at_once(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Everything that was answered before the worst is there after it."""
    async with Fleet(broker.bootstrap, prefix, tmp_path, **SOON) as fleet:
        await fleet.topics()
        one, two = await fleet.start(), await fleet.start()
        async with Load(6, one.url, two.url) as load:
            await load.goes_on(15)
            one.kill()
            broker.kill()
            await until(lambda: answers_503(two))
            await broker.start()
            await two.ready()
            await load.goes_on(15)
        await ended(two)
        await audited(fleet, load)
