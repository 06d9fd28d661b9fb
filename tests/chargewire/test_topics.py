"""`chargewire topics apply`: what it says, and that it does it against a real Kafka."""

import asyncio

import click
import pytest
from click.testing import CliRunner

from chargewire.topics import lines, topics
from schemas import admin
from schemas.records import TABLES
from schemas.settings import KafkaSettings
from schemas.topics import TOPICS, Change, Layout

NAMES = {*TOPICS, *TABLES}
LAYOUT = Layout(1, 1)


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
