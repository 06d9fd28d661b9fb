"""The rim of all flows, on a real Kafka; tests/end_to_end/test_flows.py has it with a gateway."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from chargewire.flows import driving
from chargewire.flows.driving import drive
from chargewire.flows.steps import Ask, Flow, Look, Over, Say, Within
from programs.settings import KafkaSettings
from schemas.codec import Codec
from schemas.lock import versions
from tests.log import create, read

pytestmark = pytest.mark.kafka

CODEC = Codec({topic: rows[-1].id for topic, rows in versions().items()})
PARTITIONS = 3
CONNECTED = {
    **{"event_id": "1", "type": "connected", "station": "CS-1", "sequence": 0, "at": 1},
    **{"gateway": "g", "connection_id": "c", "takeover": False, "ocpp_version": "2.1"},
}


class Script(Flow):
    """Asks, and tells what it is told."""

    topics = ("connections",)
    since_s = 3600.0

    def __init__(self):
        self.past = []

    def remember(self, event):
        self.past.append(event.record["type"])

    def begin(self):
        return (Ask("Reset", {"type": "Hard"}), Within(0.05))

    def late(self):
        return (Say("late"),)

    def answered(self, answer):
        return (Say(str(answer)), Look(0.05))

    def found(self, row):
        return (Over(row == {"state": "in sync"}, "over"), Say("never"))


@pytest.fixture
async def settings(kafka, prefix):
    """Topics of its own, where CS-1 is connected."""
    names = [f"{prefix}{name}" for name in ("connections", "commands", "command-results")]
    await create(kafka.bootstrap, names, partitions=PARTITIONS)
    await put(kafka.bootstrap, prefix, "connections", CONNECTED)
    return KafkaSettings(kafka=kafka.bootstrap, prefix=prefix)


async def put(bootstrap, prefix, topic, record):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        value = CODEC.encode(topic, record)
        await producer.send_and_wait(prefix + topic, value, record["station"].encode())


async def commands(settings):
    found = await read(settings.kafka, f"{settings.prefix}commands", PARTITIONS)
    return [CODEC.decode(value)[1] for part in found.values() for value in part.values()]


async def stored():
    return {"state": "in sync"}


async def test_without_a_result_a_flow_hears_of_it(settings, monkeypatch) -> None:
    """What lies behind comes first; time, and what is looked for, come when they are due; what
    follows the end is not done any more."""
    monkeypatch.setattr(driving, "PATIENCE_S", -driving.EXPIRES_S + 1)
    flow, shown = Script(), []
    assert await drive(settings, "CS-1", lambda version: flow, shown.append, stored)
    assert flow.past == ["connected"]
    texts = [step.text for step in shown if isinstance(step, Say | Over)]
    assert texts == ["late", "no result", "over"]
    (command,) = await commands(settings)
    assert (command["station"], command["action"]) == ("CS-1", "Reset")


async def test_the_first_result_of_its_own_command_counts(settings) -> None:
    """Those of other commands, and later ones, are nothing to it."""
    shown, asked = [], asyncio.Event()

    def show(step):
        shown.append(step)
        if isinstance(step, Say) and step.text == "late":
            asked.set()

    running = asyncio.create_task(drive(settings, "CS-1", lambda version: Script(), show, stored))
    await asyncio.wait_for(asked.wait(), 60)
    (command,) = await commands(settings)
    names = {name: command[name] for name in ("station", "action", "attempt")} | {"at": 1}
    for command_id, outcome in (
        ("other", "offline"),
        *((command["command_id"], one) for one in ("timeout", "expired")),
    ):
        record = names | {"command_id": command_id, "outcome": outcome}
        await put(settings.kafka, settings.prefix, "command-results", record)
    assert await asyncio.wait_for(running, 60)
    assert [step.text for step in shown if isinstance(step, Say)] == ["late", "timeout"]


async def test_who_is_not_there_is_asked_for_nothing(settings) -> None:
    """Gone, or never seen; the version is that of the last connection."""
    shown, made = [], []
    assert not await drive(settings, "CS-2", made.append, shown.append)
    assert (shown, made) == ([Over(False, "CS-2 has never been connected")], [])
    gone = CONNECTED | {"event_id": "2", "type": "disconnected", "epoch": 0, "sequence": 9}
    await put(settings.kafka, settings.prefix, "connections", gone)
    assert not await drive(settings, "CS-1", made.append, shown.append)
    assert (shown[1:], made) == ([Over(False, "CS-1 is not connected")], [])
    assert await commands(settings) == []
