"""The topics of the bus: a table of names, keys, writers and retention, and where a key belongs."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from schemas.catalogue import BLOCKS

PARTITIONS = 12  # of every topic; chosen once for a prefix
REPLICATION = 3
MIN_INSYNC = 2
FRAME_LIMIT_BYTES = 262_144
# An event may hold a frame twice (typed and raw), and batches and headers take room as well.
RECORD_PER_FRAME = 8  # the largest record, in frame limits

_DAY_MS = 86_400_000
_FOREVER = -1
_APPLY = "run `chargewire topics apply`"
_ALLOW = "for a try on one broker, --allow-single-replica (CHARGEWIRE_ALLOW_SINGLE_REPLICA)"


@dataclass(frozen=True, slots=True)
class Topic:
    """A row of the topic table; `name` is without prefix, `retention_ms` -1 means for ever.

    `cleanup` is "delete" or "compact" (Kafka's cleanup.policy); `key` and `writer` are words for
    people.
    """

    name: str
    key: str
    writer: str
    cleanup: str
    retention_ms: int
    doc: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a topic is, or is to be, laid out in Kafka; `config` has Kafka's own option names."""

    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a plan. `kind` is "create", "alter" or "refuse" (nobody can do that here).

    `topic` is the full name, `layout` what is wanted (of an "alter" only the options that differ),
    `text` a line for people.
    """

    kind: str
    topic: str
    layout: Layout
    text: str


_LOG = ("delete", _FOREVER)
_STATE = ("compact", _FOREVER)
_REQUESTS = ("delete", _DAY_MS)
_BOTH = "gateway, commands consumer"
_OTHERS = (
    Topic("rejected", "station", "gateway", *_LOG, "Frames that could not be taken: dead letters."),
    Topic(
        "refusals", "address", "gateway", "delete", 30 * _DAY_MS, "Handshakes that were refused."
    ),
    Topic("gateways", "instance", "gateway", *_STATE, "Which gateways are alive."),
    Topic("commands", "station", "anyone", *_REQUESTS, "What stations are asked to do."),
    Topic("command-results", "station", _BOTH, *_LOG, "How each command ended."),
    Topic("decisions", "station", "a deciding service", *_REQUESTS, "Answers to stations' CALLs."),
    Topic("id-tokens", "folded token", "the platform", *_STATE, "Who may charge."),
    Topic("stations", "station", "the platform", *_STATE, "How each station is to be treated."),
)
_CONNECTIONS = Topic(
    "connections",
    "station",
    _BOTH,
    *_LOG,
    "The connection log: who is connected where, and the claims of commands. Never compacted.",
)

TOPICS: Mapping[str, Topic] = MappingProxyType(
    {
        row.name: row
        for row in (
            _CONNECTIONS,
            *(Topic(b, "station", "gateway", *_LOG, f"Frames of the block {b}.") for b in BLOCKS),
            *_OTHERS,
        )
    }
)


def table(topic: str) -> Topic:
    """The row of a topic `tables.<name>`, where a consumer publishes the rows of its table."""
    name = topic.removeprefix("tables.")
    return Topic(topic, "row key", "its consumer", *_STATE, f"Rows of the table {name}.")


def partition(key: bytes, partitions: int) -> int:
    """Where Kafka's Java client puts a record with this key (murmur2 of its Utils class).

    Writers and readers of all languages must agree on this, since a station's events, commands and
    decisions have to meet in one partition.
    """
    size = len(key)
    hashed = 0x9747B28C ^ size
    for word in struct.unpack_from(f"<{size >> 2}I", key):
        mixed = word * 0x5BD1E995 & 0xFFFFFFFF
        mixed = (mixed ^ mixed >> 24) * 0x5BD1E995
        hashed = (hashed * 0x5BD1E995 ^ mixed) & 0xFFFFFFFF
    if size & 3:
        hashed = (hashed ^ int.from_bytes(key[size & ~3 :], "little")) * 0x5BD1E995 & 0xFFFFFFFF
    hashed = (hashed ^ hashed >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    return ((hashed ^ hashed >> 15) & 0x7FFFFFFF) % partitions


def layouts(
    prefix: str,
    *,
    partitions: int = PARTITIONS,
    replication: int = REPLICATION,
    frame_limit_bytes: int = FRAME_LIMIT_BYTES,
    tables: Iterable[str] = (),
) -> dict[str, Layout]:
    """Full topic name -> how that topic is to be; also for those of consumers' tables.

    With fewer replicas than two, min.insync.replicas is what there is.
    """
    durability = {
        "max.message.bytes": str(RECORD_PER_FRAME * frame_limit_bytes),
        "min.insync.replicas": str(min(MIN_INSYNC, replication)),
        "unclean.leader.election.enable": "false",
    }
    return {
        prefix + row.name: Layout(partitions, replication, _keeping(row) | durability)
        for row in (*TOPICS.values(), *map(table, tables))
    }


def _keeping(row: Topic) -> dict[str, str]:
    """What is kept, and for how long; said in full, since a broker has defaults of its own."""
    options = {
        "cleanup.policy": row.cleanup,
        "retention.ms": str(row.retention_ms),
        "retention.bytes": "-1",
        # Said here since a gateway's own batches are small: to squeeze them is the brokers' work.
        "compression.type": "zstd" if row.name in BLOCKS else "producer",
    }
    if (row.cleanup, row.retention_ms) == _LOG:
        return options
    # Only closed segments are deleted or compacted, and a segment is open for a week by default.
    return options | {"segment.ms": str(_DAY_MS)}


def plan(existing: Mapping[str, Layout], wanted: Mapping[str, Layout]) -> list[Change]:
    """What has to change so that the topics are as wanted; others on the same Kafka stay alone.

    Options that we do not want anything of are left as they are.
    """
    changes: list[Change] = []
    for name, want in wanted.items():
        have = existing.get(name)
        if have is None:
            changes.append(_creation(name, want))
            continue
        if have.partitions != want.partitions:
            text = (
                f"{name} has {have.partitions} partitions, {want.partitions} are wanted: keys "
                "would move, so growing means a new prefix"
            )
            changes.append(Change("refuse", name, want, text))
        if have.replication < want.replication:
            text = (
                f"{name} has {have.replication} replicas, {want.replication} are wanted: move it "
                "with kafka-reassign-partitions"
            )
            changes.append(Change("refuse", name, want, text))
        differing = {
            option: value
            for option, value in want.config.items()
            if have.config.get(option) != value
        }
        if differing:
            text = f"alter {name}: " + ", ".join(
                f"{option} from {have.config.get(option, 'unset')} to {value}"
                for option, value in differing.items()
            )
            layout = Layout(want.partitions, want.replication, differing)
            changes.append(Change("alter", name, layout, text))
    return changes


def _creation(name: str, want: Layout) -> Change:
    options = ", ".join(f"{option}={value}" for option, value in want.config.items())
    text = f"create {name}: {want.partitions} partitions, {want.replication} replicas, {options}"
    return Change("create", name, want, text)


def faults(
    existing: Mapping[str, Layout], wanted: Mapping[str, Layout], *, allow_single_replica: bool
) -> list[str]:
    """What keeps a gateway from promising durability on these topics, a line for each reason.

    Every topic must be there, with the right number of partitions, room for the largest event and
    the right cleanup: a log that is compacted loses events, a state that is not loses its oldest.
    Unless a single replica is allowed, it must have three replicas, two of them in sync, and no
    unclean leader election.
    """
    found: dict[str, list[str]] = {}
    for name, want in wanted.items():
        for fault in _faults(existing.get(name), want, allow_single_replica=allow_single_replica):
            found.setdefault(fault, []).append(name)
    return [f"{_named(names)}: {fault}" for fault, names in found.items()]


def _faults(have: Layout | None, want: Layout, *, allow_single_replica: bool) -> Iterator[str]:
    """What is wrong with one topic."""
    if have is None:
        yield f"missing; {_APPLY}"
        return
    if have.partitions != want.partitions:
        yield (
            f"{have.partitions} partitions, not {want.partitions}; say so with "
            "CHARGEWIRE_PARTITIONS, or use a new prefix"
        )
    room, needed = (int(side.config.get("max.message.bytes", 0)) for side in (have, want))
    if room < needed:
        yield f"max.message.bytes {room}, below {needed}; {_APPLY}"
    cleanup, wanted_cleanup = (side.config.get("cleanup.policy") for side in (have, want))
    if cleanup != wanted_cleanup:
        yield f"cleanup.policy {cleanup}, not {wanted_cleanup}; {_APPLY}"
    if allow_single_replica:
        return
    if have.replication < REPLICATION:
        yield f"replication {have.replication}, not {REPLICATION}; {_ALLOW}"
    if int(have.config.get("min.insync.replicas", "1")) < MIN_INSYNC:
        yield f"min.insync.replicas below {MIN_INSYNC}; {_APPLY}"
    if have.config.get("unclean.leader.election.enable", "false") != "false":
        yield f"unclean leader election is allowed; {_APPLY}"


def _named(names: list[str]) -> str:
    """A few of the names, and how many more there are."""
    first, more = ", ".join(names[:3]), len(names) - 3
    return f"{first} and {more} more" if more > 0 else first
