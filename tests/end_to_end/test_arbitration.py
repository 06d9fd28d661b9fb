"""Every command ends in one result, whatever becomes of gateways and of who arbitrates."""

import json
import signal
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from websockets.exceptions import ConnectionClosed

from deploy.local.kafka import Broker
from schemas.topics import partition
from tests.end_to_end.gateways import (
    PARTITIONS,
    PATIENT,
    UNHURRIED,
    Consumer,
    Fleet,
    send,
    until,
)
from tests.end_to_end.test_commands import TRACE, Asking, copied, result
from tests.station import PATIENCE_S

pytestmark = pytest.mark.kafka

# Signs of life come every 5 s, and a gateway that a busy machine keeps still for 10 s is not lost.
PATIENCE = {"claim_wait_s": 2, "answer_wait_s": 2, "gateway_lost_s": 20}
CALL = "to_station", "call"
LONGEST_PAUSE_S = 60.0  # from one attempt to the next


@pytest.fixture
async def fleet(kafka: Broker, prefix: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Topics, and no program yet."""
    async with Fleet(kafka.bootstrap, prefix, tmp_path) as fleet:
        await fleet.topics()
        yield fleet


async def arbitrating(fleet: Fleet, **limits: object) -> Consumer:
    """The consumer of commands, impatient, on the one file of the test."""
    store = f"sqlite:///{fleet.folder}/commands.db"
    return await fleet.consume("commands", store, **PATIENCE | limits)


async def outcomes(fleet: Fleet) -> dict[str, str]:
    """Command -> outcome; AssertionError where one has two that differ.

    Who arbitrates says it again where he has not read it back within 5 s.
    """
    found: dict[str, str] = {}
    for one in await fleet.log("command-results"):
        outcome = found.setdefault(one["command_id"], one["outcome"])
        assert outcome == one["outcome"], one.record
    return found


async def claims(fleet: Fleet, command_id: str) -> list[tuple[str, int, str | None]]:
    """What the connection log says of a command, each thing once: type, attempt, outcome."""
    log = await fleet.log("connections")
    its = [one for one in log if one["command_id"] == command_id]
    return [*dict.fromkeys((one["type"], one["attempt"], one["outcome"]) for one in its)]


async def known(fleet: Fleet, number: int, condition: str) -> None:
    """Wait until who arbitrates knows of so many commands that are so."""
    asked = f"SELECT count(*) FROM commands WHERE {condition}"
    with closing(sqlite3.connect(fleet.folder / "commands.db", timeout=PATIENCE_S)) as store:
        await until(lambda: store.execute(asked).fetchone() == (number,), condition)


async def test_what_nobody_takes_is_offline_expired_or_invalid(fleet: Fleet) -> None:
    """With a copy for who asked by headers; and nothing is said again after kill -9."""
    replies = f"{fleet.prefix}replies"
    admin = AIOKafkaAdminClient(bootstrap_servers=fleet.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(replies, 1, 1)])
    await admin.close()
    headers = {"kafka_replyTopic": replies.encode(), "kafka_correlationId": b"7"}
    wrong = (partition(b"CS-1", PARTITIONS) + 1) % PARTITIONS
    async with Asking(fleet) as asking:
        # A backlog: all of it is older than the consumer.
        old = await asking.ask("CS-2", "ClearCache", {}, expires_s=-3600)
        again = await asking.ask("CS-2", "ClearCache", {}, expires_s=-1, when_offline="wait")
        consumer = await arbitrating(fleet)
        headers["traceparent"] = TRACE
        offline = await asking.ask("CS-1", "ClearCache", {}, headers=headers)
        expired = await asking.ask("CS-1", "ClearCache", {}, expires_s=0.2)
        waits = await asking.ask("CS-1", "ClearCache", {}, expires_s=3, when_offline="wait")
        keyed = await asking.ask("CS-1", "ClearCache", {}, key="CS-9")
        strayed = await asking.ask("CS-1", "ClearCache", {}, partition=wrong)
        expected = {
            **{old: "expired", again: "expired", offline: "offline", expired: "expired"},
            **{waits: "expired", keyed: "invalid", strayed: "invalid"},
        }
        assert {name: (await result(fleet, name))["outcome"] for name in expected} == expected
        told = await result(fleet, offline)
        copy = await copied(fleet.bootstrap, replies)
        assert copy.value == told.value
        assert ("kafka_correlationId", b"7") in copy.headers
        assert ("traceparent", TRACE) in told.headers
        assert ("traceparent", TRACE) in copy.headers
        home = partition(b"CS-1", PARTITIONS)
        strays = [await result(fleet, name) for name in (keyed, strayed)]
        assert [(one.partition, one.key) for one in strays] == [(home, b"CS-1")] * 2
        await known(fleet, 0, "state <> 'ended'")  # so there is nothing more to be said of them
        said = await fleet.log("command-results", "connections")
        consumer.kill()
        await arbitrating(fleet)
        last = await asking.ask("CS-1", "ClearCache", {})
        assert (await result(fleet, last))["outcome"] == "offline"
    before = [(one.topic, one.partition, one.offset) for one in said]
    for one in await fleet.log("command-results", "connections"):
        place = one.topic, one.partition, one.offset
        assert place in before or one["command_id"] == last, one.record
    assert await outcomes(fleet) == expected | {last: "offline"}
    assert await claims(fleet, offline) == [("settled", 1, "offline")]
    assert await claims(fleet, old) == [("settled", 1, "expired")]


async def test_a_command_waits_for_its_station_through_everything(fleet: Fleet) -> None:
    """Its gateway was killed -9, and so is the consumer; then the station comes back."""
    consumer, gateway = await arbitrating(fleet), await fleet.start(command_hold_s=0)
    async with Asking(fleet) as asking:
        station = await fleet.connect(gateway, "CS-1")
        assert (await station.call("Heartbeat")).ok
        gateway.kill()
        waits = await asking.ask(
            "CS-1", "Reset", {"type": "Soft"}, when_offline="wait", headers={"traceparent": TRACE}
        )
        await fleet.logged(lambda log: any(one["type"] == "settled" for one in log), "connections")
        consumer.kill()
        await arbitrating(fleet)
        other = await fleet.start(UNHURRIED, command_hold_s=0)
        station = await fleet.connect(other, "CS-1")
        call = await station.receive(2 * LONGEST_PAUSE_S)
        assert call[2:] == ["Reset", {"type": "Soft"}]
        await station.answer(call, {"status": "Accepted"})
        told = await result(fleet, waits)
        assert (told["outcome"], json.loads(told["response"])) == (
            *("answered", {"status": "Accepted"}),
        )
        assert told["attempt"] > 1
        assert ("traceparent", TRACE) in told.headers
    log = await fleet.log()
    asked = {one["attempt"] for one in log if one.topic == "commands"}
    assert asked == {*range(1, told["attempt"] + 1)}
    calls = [one for one in log if (one.record.get("direction"), one.record.get("kind")) == CALL]
    assert [one["command_id"] for one in calls] == [waits]
    taken = [one for one in await claims(fleet, waits) if one[0] == "taken"]
    assert taken[-1] == ("taken", told["attempt"], None)
    assert await outcomes(fleet) == {waits: "answered"}


async def test_a_gateway_that_is_killed_is_noticed(fleet: Fleet) -> None:
    """What it was asking is lost; its connection is closed in the log; it is offline then."""
    await arbitrating(fleet)
    gateway, _ = await fleet.start(UNHURRIED, command_hold_s=0), await fleet.start()
    async with Asking(fleet) as asking:
        station = await fleet.connect(gateway, "CS-1")
        lost = await asking.ask("CS-1", "ClearCache", {}, when_offline="wait")
        await station.receive(2 * LONGEST_PAUSE_S)
        gateway.kill()
        told = await result(fleet, lost)
        assert told["outcome"] == "connection_lost"
        late = await asking.ask("CS-1", "ClearCache", {})
        assert (await result(fleet, late))["outcome"] == "offline"
    ends = [one for one in await fleet.log("connections") if one["type"] == "disconnected"]
    assert {(one["reason"], one["epoch"]) for one in ends} == {
        ("gateway_lost", await epoch(fleet, "CS-1"))
    }
    attempt = told["attempt"]  # the first one, unless the gateway was slow to take that
    assert (await claims(fleet, lost))[-2:] == [
        ("taken", attempt, None),
        ("settled", attempt, "connection_lost"),
    ]


async def epoch(fleet: Fleet, station: str) -> int:
    """Where its newest connection began."""
    log = await fleet.log("connections")
    return [one.offset for one in log if (one["station"], one["type"]) == (station, "connected")][
        -1
    ]


async def test_a_gateway_that_was_stopped_and_is_given_up_asks_nothing_more(fleet: Fleet) -> None:
    """SIGSTOP with a claim that it holds until the station has said something; SIGCONT after that
    was given up, and the station has: its connection is closed, and nothing was asked on it. The
    command was only waiting there, and so it is asked when the station is back."""
    await arbitrating(fleet)
    gateway = await fleet.start(PATIENT, command_hold_s=120)
    async with Asking(fleet) as asking:
        station = await fleet.connect(gateway, "CS-1")
        waits = await asking.ask("CS-1", "ClearCache", {}, when_offline="wait")
        await known(fleet, 1, "state = 'taken'")
        gateway.process.pause()
        await station.send_call("Heartbeat")
        await known(fleet, 1, "state = 'settled'")
        gateway.process.signal(signal.SIGCONT)
        code, reason = await station.closed()
        assert (code, reason) == (1012, "gateway_lost")
        back = await fleet.connect(gateway, "CS-1")
        assert (await back.call("Heartbeat")).ok
        call = await back.receive(2 * LONGEST_PAUSE_S)
        await back.answer(call, {"status": "Accepted"})
        told = await result(fleet, waits)
        assert (told["outcome"], told["attempt"] > 1) == ("answered", True)
    with pytest.raises(ConnectionClosed):  # nothing but the answers to its own calls
        await station.receive()


async def test_a_gateway_that_takes_and_says_nothing_is_not_waited_for_for_ever(
    fleet: Fleet,
) -> None:
    """A scripted one: time-out after the command has expired, or the connection's end."""
    await arbitrating(fleet, gateway_lost_s=600)
    timed_out, lost, raced = (str(uuid.uuid4()) for _ in range(3))
    async with Asking(fleet) as asking:
        script = Script(fleet)
        await script.say("CS-1", "connected", gateway="gw", ocpp_version="1.6")
        await script.alive()
        begun = await epoch(fleet, "CS-1")
        for name, expires_s in ((timed_out, 1), (lost, 600)):
            # In either order: of what is in the log the topics are read side by side.
            await script.say("CS-1", "taken", command_id=name, attempt=1, epoch=begun)
            await asking.ask("CS-1", "ClearCache", {}, expires_s=expires_s, command_id=name)
        assert (await result(fleet, timed_out))["outcome"] == "timeout"
        await script.say("CS-1", "disconnected", epoch=begun, reason="closed")
        assert (await result(fleet, lost))["outcome"] == "connection_lost"
        # The claim is older than what the arbiter says, which so is void: its result is another's.
        await script.say("CS-1", "connected", gateway="gw", ocpp_version="1.6")
        begun = await epoch(fleet, "CS-1")
        await script.say("CS-1", "taken", command_id=raced, attempt=1, epoch=begun)
        void = {"command_id": raced, "attempt": 1, "outcome": "offline"}
        await script.say("CS-1", "settled", **void)
        await asking.ask("CS-1", "ClearCache", {}, command_id=raced)
        await script.result("CS-1", raced, "answered")
        last = await asking.ask("CS-2", "ClearCache", {})
        assert (await result(fleet, last))["outcome"] == "offline"
    assert (await outcomes(fleet))[raced] == "answered"


class Script:
    """Writes what a gateway would write."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def say(self, station: str, kind: str, **said: object) -> None:
        """A record of the connection log."""
        event_id = f"{station}.{kind}.{time.monotonic_ns()}"
        usual = {"event_id": event_id, "type": kind, "station": station, "at": _now_ms()}
        await self._send("connections", station, usual | said)

    async def result(self, station: str, command_id: str, outcome: str) -> None:
        """A CommandResult."""
        record = {"command_id": command_id, "station": station, "action": "ClearCache"}
        await self._send("command-results", station, record | {"outcome": outcome, "at": _now_ms()})

    async def alive(self) -> None:
        """A sign of life."""
        record = {"gateway": "gw", "host": "h", "version": "0", "started_at": 0, "at": _now_ms()}
        await self._send("gateways", "gw", record | {"ready": True, "connections": 1})

    async def _send(self, topic: str, key: str, record: Mapping[str, Any]) -> None:
        await send(self._fleet.bootstrap, self._fleet.prefix, topic, key, **record)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
