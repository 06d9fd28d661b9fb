"""`chargewire topics apply`: what it says, and that it does it against a real Kafka."""

import asyncio

import click
import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner

from chargewire.log.states import change, state
from chargewire.topics import lines, topics
from programs.kafka import admin
from programs.settings import KafkaSettings
from schemas.records import TABLES
from schemas.topics import TOPICS, Change, Layout, partition
from tests.log import create

NAMES = {*TOPICS, *TABLES}
LAYOUT = Layout(1, 1)


def token(name: str, status: str = "Accepted"):
    rest = dict.fromkeys(("expires_at", "group", "lists"))
    return {"token": name, "type": "Central", "status": status} | rest


def test_every_change_is_a_line_and_a_dry_run_says_would():
    """What is refused is refused in either case."""
    changes = [Change("create", "t", LAYOUT, "create t"), Change("refuse", "u", LAYOUT, "u has 3")]
    assert [click.unstyle(line) for line in lines(changes, dry_run=True)] == [
        "would create t",
        "u has 3",
    ]
    assert click.unstyle(lines(changes, dry_run=False)[0]) == "create t"
    assert lines([], dry_run=True) == ["all topics are as they should be"]


def test_wrong_settings_are_told_as_by_every_other_command():
    """The frame limit is the gateway's: a flag, a variable, or a line of the gateway's file."""
    result = CliRunner().invoke(topics, ["apply", "--frame-limit-bytes", "9"])
    assert result.exit_code == 2
    assert "--frame-limit-bytes (CHARGEWIRE_FRAME_LIMIT_BYTES) = '9': must be" in result.output
    assert "at least 1024, at most 16777216" in result.output


def apply(kafka, prefix: str, *more: str):
    arguments = [
        "apply",
        "--kafka",
        kafka.bootstrap,
        "--prefix",
        prefix,
        "--partitions",
        "1",
        *more,
    ]
    return CliRunner().invoke(topics, arguments)


@pytest.mark.kafka
def test_topics_are_shown_then_created_then_as_they_should_be(kafka, prefix):
    """A dry run creates nothing, and a second run finds nothing to do."""
    settings = KafkaSettings(kafka=kafka.bootstrap, prefix=prefix)
    result = apply(kafka, prefix, "--replication", "1", "--dry-run")
    assert (result.exit_code, result.output.count("would create")) == (1, len(NAMES))
    assert asyncio.run(admin.existing(settings)) == {}
    result = apply(kafka, prefix, "--replication", "1")
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, f"done: {len(NAMES)} changes")
    assert set(asyncio.run(admin.existing(settings))) == {prefix + name for name in NAMES}
    result = apply(kafka, prefix, "--replication", "1")
    assert (result.exit_code, result.output) == (0, "all topics are as they should be\n")


@pytest.mark.kafka
def test_nothing_is_changed_while_something_is_refused(kafka, prefix):
    """Two in-sync replicas, asked of topics that have one, would stop the fleet."""
    apply(kafka, prefix, "--replication", "1")
    result = apply(kafka, prefix, "--replication", "3")
    assert result.exit_code == 1
    assert "nothing was changed" in result.output
    settings = KafkaSettings(kafka=kafka.bootstrap, prefix=prefix)
    (options,) = {
        layout.config["min.insync.replicas"]
        for layout in asyncio.run(admin.existing(settings)).values()
    }
    assert options == "1"


@pytest.mark.kafka
def test_the_frame_limit_of_the_gateways_file_is_that_of_the_topics(kafka, prefix, tmp_path):
    """A gateway with a higher limit than its topics would refuse to start on them."""
    file = tmp_path / "gateway.toml"
    file.write_text("frame_limit_bytes = 1048576\n")
    result = apply(kafka, prefix, "--replication", "1", "--config", str(file), "--dry-run")
    assert "max.message.bytes=8388608" in result.output


def copy(kafka, prefix: str, *more: str):
    source, target = f"{prefix}old.", f"{prefix}new."
    arguments = ["copy", "--kafka", kafka.bootstrap, "--from-prefix", source, "--prefix", target]
    return CliRunner().invoke(topics, [*arguments, *more])


@pytest.mark.kafka
async def test_what_is_said_of_tokens_and_stations_is_taken_along(kafka, prefix):
    """Into more partitions, each where its key belongs, once: then only what has changed since."""
    old, new = (
        KafkaSettings(kafka=kafka.bootstrap, prefix=f"{prefix}{name}.") for name in ("old", "new")
    )
    for made, partitions in ((old, 2), (new, 5)):
        names = [made.prefix + topic for topic in ("id-tokens", "stations")]
        await create(kafka.bootstrap, names, partitions=partitions)
    said = {f"t{number}".encode(): token(f"T{number}") for number in range(40)}
    await change(old, "id-tokens", [], lambda _: said | {b"gone": None})
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.send_and_wait(f"{old.prefix}stations", b"{}", b"S")

    def copied(*more: str):
        return asyncio.to_thread(copy, kafka, prefix, *more)

    result = await copied("--dry-run")
    assert f"{new.prefix}id-tokens: 41 keys, 40 to be written" in result.output
    assert await state(new, "id-tokens") == {}
    result = await copied()
    assert f"{new.prefix}id-tokens: 41 keys, 40 written" in result.output
    assert (result.exit_code, "cannot be read" in result.output) == (1, True)
    assert f"{old.prefix}stations-{partition(b'S', 2)}, 0" in result.output
    # With keys, only their own partitions are read: so each is where it belongs.
    for key, one in [*said.items()][:6]:
        assert await state(new, "id-tokens", [key]) == {key: one}
    await change(new, "id-tokens", [], lambda _: {b"more": token("MORE")})
    await change(old, "id-tokens", [], lambda _: {b"t3": None, b"t4": token("T4", "Blocked")})
    assert ": 41 keys, 2 written" in (await copied()).output
    found = await state(new, "id-tokens")
    assert (found[b"t3"], found[b"t4"]) == (None, token("T4", "Blocked"))
    assert (found[b"more"], len(found)) == (token("MORE"), 41)


def test_nothing_is_copied_onto_itself():
    """The two prefixes have to differ."""
    result = CliRunner().invoke(topics, ["copy", "--from-prefix", "ocpp."])
    assert (result.exit_code, "the same" in result.output) == (2, True)
