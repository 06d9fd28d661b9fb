"""Traces of real programs, as a collector gets them: from frame to row, from command to result."""

import asyncio
import itertools
import os
import re
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.kafka import Broker
from deploy.local.ports import HOST, free_port
from tests.end_to_end.gateways import PARTITIONS, UNHURRIED, Fleet, Gateway, Logged, send, until
from tests.receiver import Got, Receiver
from tests.station import PATIENCE_S

pytestmark = pytest.mark.kafka

TOKEN = "Very-Secret-Token"  # the id of a token is who it is: it must not be in a trace
AT_ONCE_NS = 1_000_000  # two readings of the clock for the same moment
# A gateway, or its claim, may be long in coming where the machine has other work to do.
UNSURE = {"claim_wait_s": 60, "gateway_lost_s": 600}
START = {"connectorId": 1, "idTag": TOKEN, "meterStart": 5, "timestamp": "2026-11-21T10:00:00Z"}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A collector that no proxy is between."""
    monkeypatch.setenv("NO_PROXY", HOST)
    with Receiver() as found:
        yield found


@pytest.fixture
async def fleet(
    kafka: Broker, prefix: str, tmp_path: Path, receiver: Receiver
) -> AsyncIterator[Fleet]:
    """Topics, and no program yet; whatever runs traces all of it."""
    traced = {"tracing": receiver.url, "tracing_sample": 1}
    async with Fleet(kafka.bootstrap, prefix, tmp_path, **traced) as fleet:
        await fleet.topics()
        yield fleet


class Tree:
    """The spans of one trace, by what they are called after the prefix, and who made them."""

    def __init__(self, spans: list[Got], prefix: str) -> None:
        self._spans = spans
        self._prefix = prefix

    def __getitem__(self, at: tuple[str, str]) -> Got:
        """The one span of a program (without `chargewire-`) with this name."""
        service, name = at
        (found,) = [
            one
            for one in self._spans
            if one.service == f"chargewire-{service}" and one.name.replace(self._prefix, "") == name
        ]
        return found

    def names(self) -> list[tuple[str, str, str]]:
        """Program, name and the name of the span above of each, in the order of names."""
        by_id = {one.span_id: one.name.replace(self._prefix, "") for one in self._spans}
        return sorted(
            (
                one.service.removeprefix("chargewire-"),
                one.name.replace(self._prefix, ""),
                by_id.get(one.parent_id, one.parent_id),
            )
            for one in self._spans
        )


async def tree(
    receiver: Receiver, trace_id: str, spans: int, prefix: str, without: str = ""
) -> Tree:
    """A trace as soon as so many spans of it are there, not counting those of one program."""

    def found() -> list[Got]:
        # An exporter that does not hear in time that a span has come sends it again.
        once = {one.span_id: one for one in receiver.trace(trace_id)}
        return [one for one in once.values() if one.service != f"chargewire-{without}"]

    await until(lambda: len(found()) >= spans, f"not {spans} spans", 2 * PATIENCE_S)
    return Tree(found(), prefix)


def traceparent(one: Logged) -> tuple[str, str]:
    """Trace id and span id of a record."""
    value = dict(one.headers)["traceparent"].decode()
    found = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01", value)
    assert found is not None, value
    return found[1], found[2]


async def _a_frame_to_its_row(fleet: Fleet, gateway: Gateway, receiver: Receiver) -> None:
    station = await fleet.connect(gateway, "CS-1")
    reply = await station.call("StartTransaction", START)
    assert reply.payload is not None
    assert reply.payload["idTagInfo"]["status"] == "Accepted"
    log = await fleet.logged(
        lambda all_: len([one for one in all_ if one.topic == "transactions"]) >= 2,
        "transactions",
        "decisions",
    )
    (decision,) = [one for one in log if one.topic == "decisions"]
    call, result = (one for one in log if one.topic == "transactions")
    trace_id, sent_call = traceparent(call)
    assert {traceparent(one)[0] for one in log} == {trace_id}
    found = await tree(receiver, trace_id, 8, fleet.prefix)
    assert found.names() == [
        ("consume-authorizations", "decide StartTransaction", "process transactions"),
        ("consume-authorizations", "process transactions", "send transactions"),
        ("consume-authorizations", "process transactions", "send transactions"),
        ("consume-authorizations", "send decisions", "decide StartTransaction"),
        ("gateway", "StartTransaction", ""),
        ("gateway", "send transactions", "StartTransaction"),
        ("gateway", "send transactions", "StartTransaction"),
        ("gateway", "wait for decision", "StartTransaction"),
    ]
    spans = {one.span_id: one for one in receiver.trace(trace_id)}
    root, sent = found["gateway", "StartTransaction"], spans[sent_call]
    folded = next(one for one in spans.values() if one.parent_id == sent_call)
    decided = found["consume-authorizations", "send decisions"]
    assert traceparent(decision) == (trace_id, decided.span_id)
    waited = found["gateway", "wait for decision"]
    # In this order; who folds may have read the record before its writer hears that it is there.
    answered = spans[traceparent(result)[1]]
    times = [one.start_ns for one in (root, sent, folded, decided)]
    times += [one.end_ns for one in (waited, answered, root)]
    assert all(a <= b + AT_ONCE_NS for a, b in itertools.pairwise(times))
    assert (root.kind, sent.kind, folded.kind) == ("server", "producer", "consumer")
    assert root.told == {
        "ocpp.station.id": "CS-1",
        "ocpp.version": "1.6",
        "ocpp.connection.id": call["connection_id"],
        "ocpp.action": "StartTransaction",
        "ocpp.message.id": call["message_id"],
    }
    record = {
        "messaging.system": "kafka",
        "messaging.destination.name": f"{fleet.prefix}transactions",
        "messaging.destination.partition.id": str(call.partition),
        "messaging.kafka.message.key": "CS-1",
        "messaging.kafka.offset": call.offset,
    }
    assert sent.told.items() >= record.items()
    group = folded["messaging.consumer.group.name"]
    assert group.startswith(f"{fleet.prefix}consume-authorizations-")
    assert folded.told == record | {
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.consumer.group.name": group,
        "messaging.batch.message_count": folded["messaging.batch.message_count"],
    }
    assert waited["ocpp.decision"] == "taken"
    await station.close()


def _rows(fleet: Fleet) -> Any:
    """The use of the token in the tables of the consumer."""
    with sqlite3.connect(fleet.folder / "authorizations.db", timeout=PATIENCE_S) as store:
        return store.execute("select station, token from token_uses").fetchall()


async def _a_command_to_its_result(fleet: Fleet, gateway: Gateway, receiver: Receiver) -> None:
    station = await fleet.connect(gateway, "CS-2")
    await station.call("Heartbeat")
    asking = asyncio.create_task(_asked(fleet, receiver, "CS-2", "Reset", "type=Soft"))
    call = await station.receive(timeout_s=3 * PATIENCE_S)
    await station.answer(call, {"status": "Accepted"})
    said = await asking
    printed = re.search(r"Trace of CS-2: ([0-9a-f]{32})", said)
    assert printed is not None, said
    # Other consumers read what becomes of commands, too.
    found = await tree(receiver, printed[1], 12, fleet.prefix, without="consume-authorizations")
    assert found.names() == [
        ("call", "call Reset", ""),
        ("call", "send commands", "call Reset"),
        ("consume-commands", "process command-results", "send command-results"),
        ("consume-commands", "process commands", "send commands"),
        ("consume-commands", "process connections", "send connections"),
        ("gateway", "Reset", "process commands"),
        ("gateway", "claim", "process commands"),
        ("gateway", "process commands", "send commands"),
        ("gateway", "send command-results", "process commands"),
        ("gateway", "send connections", "process commands"),
        ("gateway", "send provisioning", "process commands"),
        ("gateway", "send provisioning", "process commands"),
    ]
    order = (
        ("call", "call Reset"),
        ("call", "send commands"),
        ("gateway", "process commands"),
        ("gateway", "claim"),
        ("gateway", "Reset"),
        ("gateway", "send command-results"),
        ("consume-commands", "process command-results"),
    )
    begun = [found[at].start_ns for at in order]
    assert all(a <= b + AT_ONCE_NS for a, b in itertools.pairwise(begun))
    asked = found["gateway", "Reset"]
    assert (asked.kind, asked["ocpp.command.outcome"], asked["ocpp.message.id"]) == (
        "client",
        "answered",
        call[1],
    )
    log = await fleet.log("command-results")
    (told,) = [one for one in log if one["station"] == "CS-2"]
    assert traceparent(told) == (printed[1], found["gateway", "send command-results"].span_id)
    assert found["call", "call Reset"]["ocpp.command.id"] == told["command_id"]
    await station.close()


async def _asked(fleet: Fleet, receiver: Receiver, *words: str) -> str:
    """What `chargewire call` says, on both its outputs."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CHARGEWIRE_")} | {
        "CHARGEWIRE_KAFKA": fleet.bootstrap,
        "CHARGEWIRE_PREFIX": fleet.prefix,
        "CHARGEWIRE_PARTITIONS": str(PARTITIONS),
        "CHARGEWIRE_TRACING": receiver.url,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chargewire", "call", "--expires", "10m", *words),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said
    return said.decode()


async def test_a_trace_leads_from_frame_to_row_and_from_command_to_result(
    fleet: Fleet, receiver: Receiver
) -> None:
    """Over a gateway, two consumers and an operator's command; nothing secret is in it. What a
    gateway has made is sent before it ends."""
    gateway = fleet.launch(UNHURRIED, decided="StartTransaction", decision_time_s=25)
    consumers = [
        fleet.launch_consumer(name, f"sqlite:///{fleet.folder}/{name}.db", **UNSURE)
        for name in ("authorizations", "commands")
    ]
    for program in (gateway, *consumers):
        await program.ready()
    issued = {"token": TOKEN, "type": "ISO14443", "status": "Accepted"}
    await send(fleet.bootstrap, fleet.prefix, "id-tokens", TOKEN.lower(), **issued)
    await until(lambda: _issued(fleet), "the token is not known")
    await _a_frame_to_its_row(fleet, gateway, receiver)
    await until(lambda: _rows(fleet), "no row")
    assert _rows(fleet) == [("CS-1", TOKEN.lower())]
    await _a_command_to_its_result(fleet, gateway, receiver)
    last = await fleet.connect(gateway, "CS-3")
    await last.call("Heartbeat")
    metrics = await gateway.metrics()
    assert metrics["spans_total"] >= metrics["spans_sent_total"] > 0
    gateway.terminate()
    assert await gateway.ended() == 0
    beats = [one for one in receiver.spans if one.name == "Heartbeat" and _of(one, "CS-3")]
    assert {(one.span_id, one.failed) for one in beats} == {(beats[0].span_id, False)}
    assert receiver.paths == {"/v1/traces"}
    assert not any(TOKEN.encode() in body for body in receiver.bodies)


def _of(one: Got, station: str) -> bool:
    return one.told.get("ocpp.station.id") == station


def _issued(fleet: Fleet) -> bool:
    with sqlite3.connect(fleet.folder / "authorizations.db", timeout=PATIENCE_S) as store:
        return bool(store.execute("select 1 from id_tokens").fetchall())


@pytest.mark.parametrize("hangs", [False, True], ids=["gone", "hanging"])
async def test_a_dead_collector_harms_nothing(
    kafka: Broker, prefix: str, tmp_path: Path, *, hangs: bool
) -> None:
    """Everything is answered, one line tells of it, and the end takes no longer than its limit."""
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        silent.listen()
        port = silent.getsockname()[1] if hangs else free_port()
        traced = {"tracing": f"http://{HOST}:{port}", "tracing_sample": 1, "drain_time_s": 5}
        async with Fleet(kafka.bootstrap, prefix, tmp_path, **traced) as fleet:
            await fleet.topics()
            gateway = await fleet.start()
            station = await fleet.connect(gateway, "CS-1")
            for _ in range(50):
                assert (await station.call("Heartbeat")).ok
            if not hangs:
                await until(lambda: "traces are lost" in gateway.said(), "nothing is said")
            assert (await station.call("Heartbeat")).ok
            gateway.terminate()
            assert await gateway.ended() == 0
            # One that hangs may not have used up the time of the first batch.
            assert gateway.said().count("traces are lost") in ((0, 1) if hangs else (1,))
            assert "opentelemetry" not in gateway.said()
            assert len(station.books) == len([one for one in station.books if one.answer])
