"""What a consumer tells of traced records: a span for each, from having read it to the commit."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from consumers.log.arrivals import Record
from consumers.log.batches import Batch
from consumers.log.folding import Folded
from consumers.meaning.facts import Fact
from programs.spans import Place, processed
from programs.tracing import Tracing
from schemas.replying import Headers
from schemas.topics import TOPICS
from schemas.traces import TRACEPARENT, Trace, followed

# What is older comes out of a backlog: nobody waits for it, and its trace is gone by now.
YOUNG_MS = 3_600_000
SET_ASIDE = "set_aside"  # what became of a record that cannot be folded


@dataclass(frozen=True, slots=True)
class Traced:
    """A record that is traced, and the place of what is done about it; `start_ns` is UTC."""

    trace: Trace
    topic: str
    number: int
    record: Record
    event_id: str
    start_ns: int


class Traces:
    """The spans of one consumer; without `tracing` there are none, and nothing is looked at."""

    def __init__(self, tracing: Tracing | None, name: str, prefix: str, group: str) -> None:
        self._tracing = tracing
        self._name = name
        self._prefix = prefix
        self._group = group

    def read(self, commit: Mapping[int, Batch], live: Sequence[int]) -> list[Traced]:
        """The traced among records that are committed together, of the numbers that are live."""
        if self._tracing is None:
            return []
        now_ns = time.time_ns()
        oldest_ms = now_ns // 1_000_000 - YOUNG_MS
        return [
            Traced(above.child(self._child(topic, at, record)), topic, at, record, told, now_ns)
            for at in live
            for topic, records in commit[at].items()
            for record in records
            if record.headers and record.timestamp > oldest_ms
            for above, told in _above(record.headers)
        ]

    def _child(self, topic: str, number: int, record: Record) -> str:
        """Whoever folds the record once more makes the same span."""
        return f"{self._name} {topic} {number} {record.offset}"

    def folded(self, traced: Sequence[Traced], done: Folded) -> None:
        """The commit is done, of all but what waits for a schema."""
        tracing, end_ns = self._tracing, time.time_ns()
        aside = {(bad.topic, bad.partition, bad.position) for bad in done.poison}
        for one in traced:
            if tracing is None or one.record.offset >= done.positions[one.number].get(one.topic, 0):
                continue
            key, offset = one.record.key or b"", one.record.offset
            told_key = key if TOPICS[one.topic].key == "station" else b""  # others are tokens
            place = Place(self._prefix + one.topic, one.number, told_key, offset)
            told: dict[str, str | int] = {
                "messaging.consumer.group.name": self._group,
                "messaging.batch.message_count": done.records,
            }
            failure = SET_ASIDE if (one.topic, one.number, offset) in aside else ""
            tracing.ended(processed(one.trace, place, one.start_ns, end_ns, told, failure))


def marked(
    facts: Mapping[int, Sequence[Fact]], traced: Sequence[Traced]
) -> Mapping[int, Sequence[Fact]]:
    """The facts, those of traced events with their place in the trace."""
    if not traced:
        return facts
    places = {one.event_id: one.trace for one in traced if one.event_id}
    return {
        number: [
            replace(fact, at=replace(fact.at, trace=places[fact.at.event_id]))
            if fact.at.event_id in places
            else fact
            for fact in found
        ]
        for number, found in facts.items()
    }


def _above(headers: Headers) -> list[tuple[Trace, str]]:
    """The place that a record names, and the id of its event; none where it is not traced."""
    for name, value in headers:
        if name == TRACEPARENT:
            above = followed(value)
            told = dict(headers).get("ce_id") or b""  # anyone may write, and whatever bytes
            return [] if above is None else [(above, told.decode("utf-8", "replace"))]
    return []
