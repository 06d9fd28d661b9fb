"""Commands as their users have them: a topic in, a topic out, real stations and a real Kafka."""

import asyncio
import json
import logging
import signal
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import ocpp.v16
import ocpp.v21
import ocpp.v201
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from ocpp.exceptions import NotImplementedError as Unknown
from ocpp.routing import on
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from deploy.local.kafka import Broker
from tests.end_to_end.gateways import CODEC, UNHURRIED, Fleet, Logged, until
from tests.station import PATIENCE, PATIENCE_S

pytestmark = pytest.mark.kafka

QUIET = logging.Logger("witness", logging.CRITICAL + 1)
TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
async def fleet(kafka: Broker, prefix: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Topics, and no gateway yet."""
    async with Fleet(kafka.bootstrap, prefix, tmp_path) as fleet:
        await fleet.topics()
        yield fleet


class Asking:
    """Another team's program: it puts commands into the topic."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._producer = AIOKafkaProducer(bootstrap_servers=fleet.bootstrap)

    async def __aenter__(self) -> "Asking":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def repeat(self, command: Logged) -> None:
        """Write the same record once more, as a producer without idempotence may."""
        topic = self._fleet.prefix + "commands"
        written_ms = command.timestamp_ms
        await self._producer.send_and_wait(
            topic, command.value, command.key, timestamp_ms=written_ms
        )

    async def ask(
        self,
        station: str,
        action: str,
        payload: dict[str, Any],
        *,
        headers: dict[str, bytes] | None = None,
        expires_s: float = 600.0,
        when_offline: str = "fail",
        key: str | None = None,
        partition: int | None = None,
        command_id: str = "",
    ) -> str:
        """Write a command, under the station's key and where that belongs; its id."""
        command_id = command_id or str(uuid.uuid4())
        record = {
            "command_id": command_id,
            "station": station,
            "action": action,
            "payload": json.dumps(payload),
            "expires_at": round((time.time() + expires_s) * 1000),
            "when_offline": when_offline,
            "attempt": 1,
        }
        value = CODEC.encode("commands", record)
        topic, sent = self._fleet.prefix + "commands", [*(headers or {}).items()]
        name = (station if key is None else key).encode()
        await self._producer.send_and_wait(topic, value, name, partition, headers=sent)
        return command_id


async def result(fleet: Fleet, command_id: str) -> Logged:
    """The first result of a command, as soon as there is one."""

    def is_its(one: Logged) -> bool:
        return bool(one["command_id"] == command_id)

    def is_there(log: list[Logged]) -> bool:
        return any(map(is_its, log))

    log = await fleet.logged(is_there, "command-results", timeout_s=3 * PATIENCE_S)
    return next(filter(is_its, log))


def witness(package: Any, answer: dict[str, Any]) -> type:
    """A station of the ocpp package that answers Reset and GetLocalListVersion, no ClearCache."""

    class Witness(package.ChargePoint):  # type: ignore[misc]
        @on("Reset")  # type: ignore[untyped-decorator]
        def reset(self, **_: Any) -> Any:
            return package.call_result.Reset(status="Accepted")

        @on("GetLocalListVersion")  # type: ignore[untyped-decorator]
        def version(self, **_: Any) -> Any:
            return package.call_result.GetLocalListVersion(**answer)

        @on("ClearCache")  # type: ignore[untyped-decorator]
        def clear(self, **_: Any) -> Any:
            raise Unknown  # of a 2.1 action without a function the package says nothing at all

    return Witness


def boot(version: str, package: Any) -> Any:
    if version == "1.6":
        return package.BootNotification(charge_point_model="m", charge_point_vendor="v")
    return package.BootNotification(
        charging_station={"model": "m", "vendor_name": "v"}, reason="PowerUp"
    )


WITNESSES = {
    "1.6": (ocpp.v16, {"list_version": 7}, {"listVersion": 7}, {"type": "Hard"}),
    "2.0.1": (ocpp.v201, {"version_number": 7}, {"versionNumber": 7}, {"type": "OnIdle"}),
    "2.1": (ocpp.v21, {"version_number": 7}, {"versionNumber": 7}, {"type": "Immediate"}),
}


@pytest.mark.parametrize("version", WITNESSES)
async def test_a_command_reaches_an_independent_witness_and_its_answer_comes_back(
    fleet: Fleet, version: str
) -> None:
    """In by one topic, out by another; frames and result carry the trace, and a client that knows
    only the headers of request and reply gets its copy. A second gateway holds its tongue."""
    package, answer, payload, reset = WITNESSES[version]
    gateway, _ = await fleet.start(UNHURRIED, call_time_s=PATIENCE_S), await fleet.start()
    replies = f"{fleet.prefix}replies"
    admin = AIOKafkaAdminClient(bootstrap_servers=fleet.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(replies, 4, 1)])
    await admin.close()
    protocols = [Subprotocol("ocpp" + version)]
    socket = await connect(f"{gateway.url}/CS-1", subprotocols=protocols, proxy=None, **PATIENCE)
    headers = {
        "kafka_replyTopic": replies.encode(),
        "kafka_replyPartition": (3).to_bytes(4, "big"),
        "kafka_correlationId": b"\x01\x02",
        "traceparent": TRACE,
    }
    async with socket, Asking(fleet) as asking:
        station = witness(package, answer)("CS-1", socket, PATIENCE_S, QUIET)
        reading = asyncio.create_task(station.start())
        await station.call(boot(version, package.call), suppress=False)
        first = await asking.ask("CS-1", "GetLocalListVersion", {}, headers=headers)
        second = await asking.ask("CS-1", "Reset", reset)
        third = await asking.ask("CS-1", "ClearCache", {})
        told = await result(fleet, first)
        assert (told["outcome"], json.loads(told["response"])) == ("answered", payload)
        assert json.loads((await result(fleet, second))["response"]) == {"status": "Accepted"}
        refused = await result(fleet, third)
        assert (refused["outcome"], refused["error_code"]) == ("call_error", "NotImplemented")
        metrics = await gateway.metrics()
        reading.cancel()
    assert metrics['command_results_total{outcome="answered"}'] == 2
    assert metrics['commands{state="outstanding"}'] == 0
    log = await fleet.log()
    frames = [one for one in log if one.record.get("command_id") == first and "kind" in one.record]
    assert [(one["direction"], one["kind"]) for one in frames] == [
        ("to_station", "call"),
        ("from_station", "result"),
    ]
    assert {one["message_id"] for one in frames} == {told["message_id"]}
    assert all(("traceparent", TRACE) in one.headers for one in (*frames, told))
    claims = [one for one in log if one.topic == "connections" and one["type"] == "taken"]
    # Once more where it was claimed to wait for its turn.
    assert list(dict.fromkeys(one["command_id"] for one in claims)) == [first, second, third]
    results = [one["command_id"] for one in log if one.topic == "command-results"]
    assert results == [first, second, third]
    copy = await copied(fleet.bootstrap, replies)
    assert (copy.partition, copy.key, copy.value) == (3, b"CS-1", told.value)
    assert ("kafka_correlationId", b"\x01\x02") in copy.headers


async def copied(bootstrap: str, topic: str) -> Any:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return await asyncio.wait_for(consumer.getone(), PATIENCE_S)
    finally:
        await consumer.stop()


async def test_what_is_not_asked_ends_too(fleet: Fleet, tmp_path: Path) -> None:
    """Invalid, unsupported and without an answer; a secret stands in the frame and nowhere else; a
    reply topic that nobody made blocks nothing."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "pin").write_text("s3cr3t-s3cr3t-16\n")
    limits = {"command_hold_s": 0, "secrets": str(tmp_path / "store"), "log_level": "debug"}
    gateway = await fleet.start(UNHURRIED, call_time_s=1, **limits)
    other = await fleet.start(UNHURRIED, call_time_s=PATIENCE_S, **limits)
    async with await fleet.connect(gateway, "CS-1") as station, Asking(fleet) as asking:
        invalid = await asking.ask("CS-1", "Reset", {"type": "Warm"})
        unsupported = await asking.ask("CS-1", "SetVariables", {})
        payload = {"value": {"$secret": "pin"}, "key": "AuthorizationKey"}
        nowhere = {"kafka_replyTopic": b"nobody-made-this"}
        silent = await asking.ask("CS-1", "ChangeConfiguration", payload, headers=nowhere)
        call = await station.receive()
        assert call[3] == {"key": "AuthorizationKey", "value": "s3cr3t-s3cr3t-16"}
        told = await result(fleet, invalid)
        assert (told["outcome"], told["error_code"]) == ("invalid", "PropertyConstraintViolation")
        assert told["error_description"].startswith("unknown_word: $.type")
        assert (await result(fleet, unsupported))["outcome"] == "unsupported"
        assert (await result(fleet, silent))["outcome"] == "timeout"
        await until(lambda: "no_topic" in gateway.said())
        async with await fleet.connect(other, "CS-2") as leaving:
            lost = await asking.ask("CS-2", "ClearCache", {})
            await leaving.receive()
        assert (await result(fleet, lost))["outcome"] == "connection_lost"
    for one in await fleet.log():
        assert b"s3cr3t" not in (one.value or b"")
    assert "s3cr3t" not in gateway.said() + other.said()


async def test_a_gateway_that_ends_in_order_waits_for_the_answer(fleet: Fleet) -> None:
    """SIGTERM: what was asked is answered, what was not is given back."""
    gateway = await fleet.start(UNHURRIED, command_hold_s=0, drain_time_s=2 * PATIENCE_S)
    async with await fleet.connect(gateway, "CS-1") as station, Asking(fleet) as asking:
        asked = await asking.ask("CS-1", "ClearCache", {})
        waiting = await asking.ask("CS-1", "Reset", {"type": "Soft"})
        call = await station.receive()
        await fleet.logged(
            lambda log: sum(one["type"] == "taken" for one in log) == 2, "connections"
        )
        gateway.terminate()
        await fleet.logged(lambda log: any(one["type"] == "settled" for one in log), "connections")
        await station.answer(call, {"status": "Accepted"})
        assert await gateway.ended() == 0
    assert (await result(fleet, asked))["outcome"] == "answered"
    (settled,) = [one for one in await fleet.log("connections") if one["type"] == "settled"]
    assert (settled["command_id"], settled["outcome"]) == (waiting, "offline")


async def test_a_gateway_that_was_stopped_sends_nothing_that_has_expired(fleet: Fleet) -> None:
    """SIGSTOP before it reads a command, SIGCONT after it expired; the next one is asked."""
    gateway = await fleet.start(UNHURRIED, command_hold_s=0)
    async with await fleet.connect(gateway, "CS-1") as station, Asking(fleet) as asking:
        assert (await station.call("Heartbeat")).ok
        gateway.process.pause()
        late = await asking.ask("CS-1", "ClearCache", {}, expires_s=1.5)
        good = await asking.ask("CS-1", "Reset", {"type": "Soft"})
        await asyncio.sleep(2)  # what has to pass is time itself
        gateway.process.signal(signal.SIGCONT)
        call = await station.receive()
        assert call[2] == "Reset"
        await station.answer(call, {"status": "Accepted"})
        assert (await result(fleet, good))["outcome"] == "answered"
    log = await fleet.log()
    calls = [one["command_id"] for one in log if one.record.get("direction") == "to_station"]
    assert late not in calls


async def test_a_station_that_changes_gateways_is_asked_once(fleet: Fleet) -> None:
    """The first gateway is stopped after it has asked; the second has the station, the same log,
    and reads the command again and again: none of it reaches the station once more."""
    first, second = [await fleet.start(UNHURRIED, command_hold_s=0) for _ in range(2)]
    async with Asking(fleet) as asking:
        before = await fleet.connect(first, "CS-1")
        asked = await asking.ask("CS-1", "ClearCache", {})
        assert (await before.receive())[2] == "ClearCache"
        first.process.pause()
        async with await fleet.connect(second, "CS-1") as station:
            assert (await station.call("Heartbeat")).ok
            again = next(one for one in await fleet.log("commands") if one["command_id"] == asked)
            await asking.repeat(again)
            good = await asking.ask("CS-1", "Reset", {"type": "Soft"})
            call = await station.receive()
            assert call[2] == "Reset", "it was asked already, on the connection before"
            await station.answer(call, {"status": "Accepted"})
            assert (await result(fleet, good))["outcome"] == "answered"
            first.process.signal(signal.SIGCONT)
            assert (await result(fleet, asked))["outcome"] == "connection_lost"
            assert (await before.closed())[0] == 1008
