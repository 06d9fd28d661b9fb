from dataclasses import replace

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from schemas import records
from schemas.catalogue import BLOCKS
from schemas.topics import PARTITIONS, TOPICS, Layout, faults, layouts, partition, plan, table

WANTED = layouts("ocpp.")


@given(st.binary(max_size=60), st.integers(1, 100))
def test_a_key_belongs_to_the_partition_that_kafka_clients_choose(key: bytes, count: int) -> None:
    """aiokafka's partitioner, which follows the Java client, agrees for every key."""
    assert partition(key, count) == DefaultPartitioner()(key, list(range(count)), [])


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hash_is_that_of_the_java_client(key: bytes, hashed: int) -> None:
    """The vectors are those of Kafka's own UtilsTest."""
    assert partition(key, 2**31) == hashed & 0x7FFFFFFF


def test_the_table_has_every_record_and_nothing_else() -> None:
    """A topic without a schema, or a schema without a topic, would be half a contract."""
    assert TOPICS.keys() == set(records.DECLARED)


@pytest.mark.parametrize(
    ("topic", "policy", "retention_ms"),
    [
        ("connections", "delete", "-1"),
        ("metering", "delete", "-1"),
        ("rejected", "delete", "-1"),
        ("commands", "delete", "86400000"),
        ("decisions", "delete", "86400000"),
        ("stations", "compact", "-1"),
        ("id-tokens", "compact", "-1"),
        ("gateways", "compact", "-1"),
        ("tables.sessions", "compact", "-1"),
    ],
)
def test_events_stay_for_ever_and_requests_a_day(
    topic: str, policy: str, retention_ms: str
) -> None:
    """What a rebuild needs is never deleted, and the connection log never compacted."""
    config = layouts("ocpp.", tables=["tables.sessions"])[f"ocpp.{topic}"].config
    assert (config["cleanup.policy"], config["retention.ms"]) == (policy, retention_ms)


def test_a_layout_is_made_for_durability() -> None:
    """Three replicas, two in sync, no unclean election, room for eight frames."""
    layout = layouts("fleet.", frame_limit_bytes=1000)["fleet.metering"]
    assert (layout.partitions, layout.replication) == (PARTITIONS, 3)
    assert layout.config["min.insync.replicas"] == "2"
    assert layout.config["unclean.leader.election.enable"] == "false"
    assert layout.config["max.message.bytes"] == "8000"


def test_what_is_kept_does_not_hang_on_the_defaults_of_a_broker() -> None:
    """No size ends a log; segments of what has an end, or only a last, are closed every day."""
    configs = {name: layout.config for name, layout in WANTED.items()}
    assert {config["retention.bytes"] for config in configs.values()} == {"-1"}
    closed = {name for name, config in configs.items() if config.get("segment.ms") == "86400000"}
    ends = ("refusals", "gateways", "commands", "decisions", "id-tokens", "stations")
    assert closed == {f"ocpp.{name}" for name in ends}


def test_frames_are_kept_compressed() -> None:
    """They are kept for ever, in numbers; what gateways read all the time stays as it was sent."""
    codecs = {name: layout.config["compression.type"] for name, layout in WANTED.items()}
    assert {name for name, codec in codecs.items() if codec == "zstd"} == {
        f"ocpp.{block}" for block in BLOCKS
    }
    assert set(codecs.values()) == {"zstd", "producer"}


def test_a_single_replica_is_enough_for_itself() -> None:
    """On one broker two in-sync replicas could never be had, and nothing could be written."""
    assert layouts("x.", replication=1)["x.metering"].config["min.insync.replicas"] == "1"


def test_an_empty_cluster_needs_every_topic() -> None:
    """The first plan creates all topics, and each line says how."""
    changes = plan({}, WANTED)
    assert [change.kind for change in changes] == ["create"] * len(TOPICS)
    assert changes[0].text.startswith("create ocpp.connections: 12 partitions, 3 replicas, ")


def test_there_is_nothing_to_do_where_all_is_well() -> None:
    """Options and topics that are none of ours are left alone."""
    existing = {
        name: replace(layout, config={**layout.config, "flush.ms": "5"})
        for name, layout in WANTED.items()
    }
    assert plan(existing | {"ocpp.other": Layout(1, 1)}, WANTED) == []


def test_an_option_that_differs_is_altered_alone() -> None:
    """The line says from what to what, and only that option is set."""
    have = WANTED["ocpp.commands"]
    shorter = replace(have, config={**have.config, "retention.ms": "5"})
    (change,) = plan({**WANTED, "ocpp.commands": shorter}, WANTED)
    assert (change.kind, change.topic) == ("alter", "ocpp.commands")
    assert change.layout.config == {"retention.ms": "86400000"}
    assert change.text == "alter ocpp.commands: retention.ms from 5 to 86400000"


def test_more_partitions_are_refused() -> None:
    """Keys would move to other partitions, away from their history."""
    existing = {**WANTED, "ocpp.metering": replace(WANTED["ocpp.metering"], partitions=6)}
    (change,) = plan(existing, WANTED)
    assert change.kind == "refuse"
    assert "growing means a new prefix" in change.text


def test_more_replicas_are_refused() -> None:
    """Moving replicas is for Kafka's own tools; the line names the tool."""
    existing = {**WANTED, "ocpp.metering": replace(WANTED["ocpp.metering"], replication=1)}
    (change,) = plan(existing, WANTED)
    assert change.kind == "refuse"
    assert "kafka-reassign-partitions" in change.text


def test_a_good_cluster_has_no_faults() -> None:
    """A gateway may start on what `topics apply` makes."""
    assert faults(WANTED, WANTED, allow_single_replica=False) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"partitions": 6}, "6 partitions, not 12"),
        ({"replication": 2}, "replication 2, not 3; for a try on one broker, --allow-single"),
        ({"config": {"min.insync.replicas": "1"}}, "min.insync.replicas below 2"),
        ({"config": {"unclean.leader.election.enable": "true"}}, "unclean leader election"),
        ({"config": {"max.message.bytes": "1048588"}}, "max.message.bytes 1048588, below 2097152"),
        ({"config": {"cleanup.policy": "compact"}}, "cleanup.policy compact, not delete"),
    ],
)
def test_what_would_break_a_promise_is_a_fault(change: dict[str, object], fault: str) -> None:
    """Each weakness of a topic is told by the topic's name."""
    good = WANTED["ocpp.metering"]
    config = {**good.config, **change.pop("config", {})}  # type: ignore[dict-item]
    bad = replace(good, config=config, **change)  # type: ignore[arg-type]
    (line,) = faults({**WANTED, "ocpp.metering": bad}, WANTED, allow_single_replica=False)
    assert line.startswith("ocpp.metering: ")
    assert fault in line


def test_a_missing_topic_is_a_fault_in_any_case() -> None:
    """Nothing is created in passing; the line says which command creates it."""
    existing = {name: layout for name, layout in WANTED.items() if name != "ocpp.rejected"}
    for allowed in (True, False):
        (line,) = faults(existing, WANTED, allow_single_replica=allowed)
        assert line == "ocpp.rejected: missing; run `chargewire topics apply`"


def test_a_single_replica_may_be_allowed() -> None:
    """One broker on a developer's machine is enough where that is said aloud."""
    single = layouts("ocpp.", replication=1)
    assert faults(single, WANTED, allow_single_replica=True) == []
    replicas, in_sync = faults(single, WANTED, allow_single_replica=False)
    names = "ocpp.connections, ocpp.security, ocpp.provisioning and"
    assert replicas.startswith(f"{names} {len(TOPICS) - 3} more: replication 1, not 3; ")
    assert in_sync.startswith(f"{names} {len(TOPICS) - 3} more: min.insync.replicas below 2; ")


def test_a_table_has_a_topic_of_its_own() -> None:
    """Rows of a consumer's table are compacted by their key."""
    assert table("tables.sessions").name == "tables.sessions"
