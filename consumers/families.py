"""All that consumers count, as a table."""

from collections.abc import Mapping
from types import MappingProxyType

from programs.families import WAITS_S, Family

BROKEN = ("fenced", "store", "log", "kafka", "unexpected")
"""What a consumer begins anew after: values of the label `reason`."""

_OWN = ("consumer",)
_BATCHES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_DECISIONS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def _own(name: str, kind: str, doc: str, *labels: str, **more: object) -> Family:
    return Family(f"consumer_{name}", kind, doc, (*_OWN, *labels), **more)  # type: ignore[arg-type]


_OF_ALL = (
    _own("build_info", "gauge", "1, by version of chargewire", "version"),
    _own("ready", "gauge", "Whether all of its partition numbers are folded: 1 or 0"),
    _own("records", "counter", "Records of the log that are in the tables"),
    _own("rows", "counter", "Rows written: new, changed or gone"),
    _own("commits", "counter", "Transactions committed to the store"),
    _own("commit_seconds", "histogram", "From a batch read to its commit", bounds=_BATCHES_S),
    _own("last_commit_timestamp_seconds", "gauge", "When rows were last committed, or the start"),
    _own("poison", "counter", "Records that were set aside: not to be folded"),
    _own("fenced", "counter", "Times that another instance had taken over"),
    _own("lost", "counter", "Times that records were gone before they were read"),
    _own("sequel_failures", "counter", "Failures beside the tables"),
    _own("produce_failures", "counter", "Records that were not written, and nobody waited for"),
    _own("published", "counter", "Rows put on topics, and those taken away"),
    _own("outbox_rows", "gauge", "Changed rows that are not on their topics yet"),
    _own("removed", "counter", "Rows removed because they had grown old"),
    _own("overdue_seconds", "gauge", "How far the removal of old rows is behind, at most"),
    _own("restarts", "counter", "Times that it began anew, by what broke", "reason"),
    _own("lag_records", "gauge", "Records of the log not yet in the tables", "partition"),
    _own("delay_seconds", "gauge", "Age of what waits, at most", "partition"),
    _own("waiting", "gauge", "Topic partitions that wait for a schema which is not known yet"),
    _own("partitions", "gauge", "Partition numbers that this process folds"),
    _own("partitions_all", "gauge", "Partition numbers that there are"),
    _own("loop_lag_seconds", "histogram", "How late the event loop woke a timer", bounds=WAITS_S),
)
_OF_AUTHORIZATIONS = (
    Family(
        "authorizations_decisions",
        "counter",
        "Decisions about tokens, by the action of the call and the status decided",
        ("action", "status"),
    ),
    Family(
        "authorizations_unknown_tokens",
        "counter",
        "Decisions about tokens that nobody has issued",
    ),
    Family(
        "authorizations_late",
        "counter",
        "Calls that were read too late to decide about: the gateway's fallback was told",
    ),
    Family(
        "authorizations_decision_seconds",
        "histogram",
        "From when the gateway read a call until its decision was posted",
        bounds=_DECISIONS_S,
    ),
    Family(
        "local_lists_commands",
        "counter",
        "Commands to stations about their local lists",
        ("action",),
    ),
    Family(
        "local_lists_stuck",
        "counter",
        "Times that a list was taken, and was no nearer to what is wanted",
    ),
    Family(
        "local_lists_stations",
        "gauge",
        "Connected stations of this process at the last sweep, by what their local list needs",
        ("state",),
    ),
    Family(
        "local_lists_cut",
        "gauge",
        "Connected stations whose local list cannot hold all that is wanted",
    ),
)
_OF_COMMANDS = (
    Family("commands_ended", "counter", "Results read, by outcome; void ones too", ("outcome",)),
    Family("commands_settled", "counter", "Attempts settled here, by outcome", ("outcome",)),
    Family("commands_results", "counter", "Results written here, by outcome", ("outcome",)),
    Family("commands_asked_again", "counter", "Attempts after the first, of commands that waited"),
    Family("commands_copies", "counter", "Copies of results, by what became of them", ("outcome",)),
    Family(
        "commands_open",
        "gauge",
        "Commands in the store that have no result yet, by state",
        ("state",),
    ),
    Family(
        "commands_gateways_lost",
        "counter",
        "Gateways without a sign of life that left connections open",
    ),
    Family("commands_connections_lost", "counter", "Connections closed in the log for them"),
)
TABLES: Mapping[str, tuple[Family, ...]] = MappingProxyType(
    {"": _OF_ALL, "authorizations": _OF_AUTHORIZATIONS, "commands": _OF_COMMANDS}
)
"""Name of the consumer that has them -> its families; "": every consumer."""

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {family.name: family for table in TABLES.values() for family in table}
)
