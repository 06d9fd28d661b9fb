"""`chargewire call`, as an operator runs it, on a real Kafka with a gateway that the test plays."""

import asyncio
import json
import threading
import time

import click
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from chargewire.cli import chargewire
from schemas.codec import Codec
from schemas.lock import versions
from tests.log import create

CODEC = Codec({topic: rows[-1].id for topic, rows in versions().items()})
PARTITIONS = 3


class Gateway:
    """Answers each command with what `outcomes` has for its station; nothing: no result."""

    def __init__(self, bootstrap, prefix, outcomes):
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._broker, self._prefix, self._outcomes = bootstrap, prefix, outcomes
        self._listening = threading.Event()
        self._stop = threading.Event()
        self.commands = []

    def __enter__(self):
        self._thread.start()
        assert self._listening.wait(120)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)

    def asked(self, count):
        """The commands, when so many have come."""
        end_s = time.monotonic() + 60
        while len(self.commands) < count and time.monotonic() < end_s:
            time.sleep(0.05)  # another thread: there is no event to await
        return self.commands

    async def _run(self):
        async with (
            AIOKafkaProducer(bootstrap_servers=self._broker) as producer,
            AIOKafkaConsumer(
                f"{self._prefix}commands",
                bootstrap_servers=self._broker,
                auto_offset_reset="earliest",
            ) as consumer,
        ):
            self._listening.set()
            while not self._stop.is_set():
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        await self._answer(producer, record)

    async def _answer(self, producer, record):
        command = CODEC.decode(record.value)[1]
        assert record.key == command["station"].encode()
        self.commands.append(command)
        said = self._outcomes.get(command["station"])
        if said is not None:
            names = ("command_id", "station", "action", "attempt")
            result = {name: command[name] for name in names} | {"at": 1} | said
            value = CODEC.encode("command-results", result)
            await producer.send_and_wait(f"{self._prefix}command-results", value, record.key)


ACCEPTED = {"outcome": "answered", "response": '{"status": "Accepted"}'}


@pytest.fixture
def run(kafka, prefix):
    """Runs `chargewire call` against topics of its own."""
    topics = ["commands", "command-results", "connections", "stations"]
    asyncio.run(create(kafka.bootstrap, [prefix + topic for topic in topics], partitions=3))

    def run(*arguments, given=None):
        flags = ["--kafka", kafka.bootstrap, "--prefix", prefix]
        return CliRunner().invoke(chargewire, ["call", *arguments, *flags], input=given)

    return run


async def _fill(bootstrap, prefix, topic, *records):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for record in records:
            key = record["station"].encode()
            await producer.send_and_wait(prefix + topic, CODEC.encode(topic, record), key)


@pytest.mark.kafka
def test_a_station_is_asked_and_its_answer_shown(kafka, prefix, run):
    """The command is what was asked for; the end is good when the station has answered."""
    begun_ms = time.time_ns() // 1_000_000
    with Gateway(kafka.bootstrap, prefix, {"CS-1": ACCEPTED}) as gateway:
        done = run("CS-1", "reset", "type=Hard", "--expires", "30s")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("CS-1 Reset: answered, Accepted (")
    (command,) = gateway.commands
    assert (command["action"], json.loads(command["payload"])) == ("Reset", {"type": "Hard"})
    assert (command["when_offline"], command["attempt"]) == ("fail", 1)
    assert begun_ms + 30_000 <= command["expires_at"] <= time.time_ns() // 1_000_000 + 30_000
    assert command["requested_by"]


@pytest.mark.kafka
def test_another_outcome_is_a_bad_end(kafka, prefix, run):
    """For scripts: 1; with --json the result as it is in the log, its response as an object."""
    said = {"outcome": "offline"}
    with Gateway(kafka.bootstrap, prefix, {"CS-1": said}):
        done = run("CS-1", "ClearCache", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["outcome"] == "offline"


@pytest.mark.kafka
def test_a_payload_from_standard_input(kafka, prefix, run):
    """One JSON object."""
    with Gateway(kafka.bootstrap, prefix, {"CS-1": ACCEPTED}) as gateway:
        assert run("CS-1", "Reset", "-", given='{"type": "Soft"}').exit_code == 0
    assert json.loads(gateway.commands[0]["payload"]) == {"type": "Soft"}


@pytest.mark.kafka
def test_a_risk_is_told_and_taken(kafka, prefix, run):
    """In a line of its own, beside what a program reads."""
    with Gateway(kafka.bootstrap, prefix, {"CS-1": ACCEPTED}):
        done = run("CS-1", "ChangeConfiguration", "key=K", f"value={'x' * 200}", "--json")
    assert done.exit_code == 0
    assert done.stderr.startswith("Warning: the value has 200 characters")
    assert json.loads(done.stdout)["outcome"] == "answered"


@pytest.mark.kafka
def test_all_connected_stations_or_a_group(kafka, prefix, run):
    """Those that are gone are not asked; a summary counts what came of it."""
    connection = {"gateway": "g", "at": 1, "connection_id": "c", "takeover": False}
    events = [
        {"event_id": "1", "type": "connected", "station": "C", "sequence": 0, **connection},
        {"event_id": "2", "type": "connected", "station": "A", "sequence": 0, **connection},
        {"event_id": "3", "type": "connected", "station": "B", "sequence": 0, **connection},
        {"event_id": "4", "type": "taken", "station": "B", "command_id": "x", "at": 2},
        {
            **{"event_id": "5", "type": "disconnected", "station": "C"},
            **connection,
            **{"epoch": 0, "sequence": 1, "at": 2},
        },
    ]
    asyncio.run(_fill(kafka.bootstrap, prefix, "connections", *events))
    asyncio.run(
        _fill(kafka.bootstrap, prefix, "stations", {"station": "B", "group": "yard", "at": 1})
    )
    with Gateway(kafka.bootstrap, prefix, {"A": ACCEPTED, "B": {"outcome": "timeout"}}) as gateway:
        done = run("--to-all", "ClearCache", "--yes")
        assert (done.exit_code, {one["station"] for one in gateway.commands}) == (1, {"A", "B"})
        lines = [line.split() for line in done.stdout.splitlines()]
        assert ["answered", "Accepted", "1", "A"] in lines
        assert ["timeout", "1", "B"] in lines
        refused = run("--group", "yard", "ClearCache", given="n\n")
        assert (refused.exit_code, len(gateway.commands)) == (1, 2)
        assert "ClearCache to 1 station?" in refused.stderr
        run("--group", "yard", "ClearCache", given="y\n")
        assert [one["station"] for one in gateway.commands[2:]] == ["B"]
    assert (
        "no station of the group none is connected"
        in run("--group", "none", "Reset", "type=Hard").stderr
    )


@pytest.mark.kafka
def test_without_a_result_the_end_says_so(kafka, prefix, run, monkeypatch):
    """Where to look later is told; --no-wait prints the id alone."""
    monkeypatch.setattr("chargewire.calls.asking.PATIENCE_S", 0.5)
    with Gateway(kafka.bootstrap, prefix, {}) as gateway:
        done = run("CS-1", "ClearCache", "--expires", "1s", "--wait-offline")
        assert done.exit_code == 1
        assert "No result yet of CS-1" in done.stderr
        asked = run("CS-1", "ClearCache", "--no-wait")
        assert asked.exit_code == 0
        first, second = gateway.asked(2)
    assert [second["command_id"]] == asked.stdout.split()
    assert first["when_offline"] == "wait"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["CS-1", "Heartbeat"], "no station can be asked for Heartbeat"),
        (["CS-1"], "which action?"),
        (["CS-1", "Reset", "type=Warm"], "one of Hard, Soft expected (OCPP 1.6)"),
        (["CS-1", "Reset", "typ=Hard"], "did you mean type? (OCPP 1.6, 2.0.1, 2.1)"),
        (["", "ClearCache"], "'' is no station id"),
        (["CS-1", "Reset", "--ocpp", "1.6", "type=OnIdle"], "(OCPP 1.6)"),
        (["CS-1", "GetConfiguration", "--ocpp", "2.1"], "OCPP 2.1 has no GetConfiguration"),
        (["--to-all", "--group", "g", "ClearCache"], "not both"),
        (["CS-1", "ClearCache", "--expires", "soon"], "none of 30s"),
    ],
)
def test_nothing_is_asked_that_cannot_be(words, said):
    """The text says what is wrong, and where to read what is right."""
    done = CliRunner().invoke(chargewire, ["call", *words])
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())


def completed(*words, incomplete):
    complete = ShellComplete(chargewire, {}, "chargewire", "_CHARGEWIRE_COMPLETE")
    return [item.value for item in complete.get_completions(["call", *words], incomplete)]


def test_the_shell_completes_actions_and_fields():
    """The station is whatever it is; behind it come the action and its fields."""
    assert isinstance(chargewire, click.Group)
    assert "Reset" in completed("CS-1", incomplete="Res")
    assert completed("CS-1", "Reset", incomplete="ty") == ["type="]
    assert "ClearCache" in completed("--to-all", incomplete="clearc")
    assert completed(incomplete="CS") == []
