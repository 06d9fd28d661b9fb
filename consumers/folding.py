"""Turns records of one partition number into rows, and commits them with their positions."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from consumers import meaning
from consumers.arrivals import Arrival, Decode, Home, Record, arrival
from consumers.changes import CallKey, Changes, Difference, OpenCall, Poison, differences
from consumers.facts import Fact
from consumers.projection import Consumer, Projection, fold
from consumers.stores import Refused, Store
from schemas.codec import UnknownSchemaId

log = structlog.get_logger(__name__)

_DEAD_LETTERS = "rejected"


@dataclass(frozen=True, slots=True)
class Folded:
    """What became of a batch; `waiting` names the schema ids that topics stopped at.

    `facts` are those of the records that were not set aside.
    """

    positions: Mapping[str, int]
    waiting: Mapping[str, int]
    records: int
    rows: int
    poison: int
    commits: int
    facts: Sequence[Fact] = ()


class _Unfoldable(Exception):  # noqa: N818 - a fact about a batch
    """Some record of the batch breaks the projection."""


class Folder:
    """Folds for one consumer; `decode` as schemas.codec has it, `home` says where a key belongs.

    A record that cannot be folded costs nothing but itself: it is set aside in the store, with its
    place and the reason. One whose schema is not known yet is no such record: its topic waits.
    """

    def __init__(
        self,
        store: Store,
        consumer: Consumer,
        *,
        decode: Decode,
        home: Home,
    ) -> None:
        self._store = store
        self._consumer = consumer
        self._decode = decode
        self._home = home

    async def fold(
        self, partition: int, generation: int, batch: Mapping[str, Sequence[Record]]
    ) -> Folded:
        """Fold records of a partition number, by topic (without prefix), and commit.

        Raises Fenced, Away.
        """
        waiting: dict[str, int] = {}
        items: list[Arrival] = []
        for topic, records in batch.items():
            for record in records:
                try:
                    items.append(arrival(topic, partition, record, self._decode, self._home))
                except UnknownSchemaId as error:
                    waiting[topic] = error.schema_id
                    break
        done = await self._committed(partition, generation, items) if items else _NOTHING
        return replace(done, waiting=waiting)

    async def _committed(self, partition: int, generation: int, items: Sequence[Arrival]) -> Folded:
        """All of it in one commit; where that cannot be, halves, down to the record at fault."""
        bad = [_poison(partition, item, item.problem) for item in items if item.problem]
        facts: Sequence[Fact] = ()
        try:
            good = [item for item in items if not item.problem]
            changes, facts = await self._changes(partition, good)
            rows = await self._store.commit(
                partition,
                generation,
                replace(changes, positions=_positions(items), poison=bad),
            )
        except (_Unfoldable, Refused) as error:
            if len(items) > 1:
                half = len(items) // 2
                first = await self._committed(partition, generation, items[:half])
                second = await self._committed(partition, generation, items[half:])
                return _sum(first, second)
            bad = [_poison(partition, items[0], str(error))]
            facts = ()
            alone = Changes(positions=_positions(items), poison=bad)
            rows = await self._store.commit(partition, generation, alone)
        for one in bad:
            log.error(
                "record set aside",
                topic=one.topic,
                partition=partition,
                position=one.position,
                reason=one.reason,
            )
        return Folded(_positions(items), {}, len(items), rows, len(bad), 1, facts)

    async def _changes(
        self, partition: int, items: Sequence[Arrival]
    ) -> tuple[Changes, Sequence[Fact]]:
        """Raises _Unfoldable, Away."""
        opened, answered = self._calls(items)
        kept = await self._store.calls(answered - opened.keys())
        calls = kept | {key: call.payload for key, call in opened.items()}
        with _unfoldable():
            facts = [fact for item in items for fact in _facts(item, calls)]
        rows: dict[str, Difference] = {}
        for projection in self._consumer.projections:
            rows |= await self._rows(partition, projection, facts)
        unanswered = {key: call for key, call in opened.items() if key not in answered}
        return Changes(rows, opened=unanswered, closed=kept.keys()), facts

    async def _rows(
        self, partition: int, projection: Projection, facts: Sequence[Fact]
    ) -> dict[str, Difference]:
        """Raises _Unfoldable, Away."""
        with _unfoldable():
            keys = {key for fact in facts if (key := projection.group(fact)) is not None}
            if strange := [key for key in keys if self._home(key[0].encode()) != partition]:
                raise ValueError(f"rows of {strange[0]} are not written from partition {partition}")
        before = {} if projection.append_only else await self._store.load(projection, keys)
        with _unfoldable():
            return differences(projection.tables, before, fold(projection, before, facts))

    def _calls(self, items: Sequence[Arrival]) -> tuple[dict[CallKey, OpenCall], set[CallKey]]:
        """The CALLs among these records, and those that are answered by these records."""
        calls: dict[CallKey, OpenCall] = {}
        answered: set[CallKey] = set()
        if not self._consumer.joins:
            return calls, answered
        with _unfoldable():
            for item in items:
                event = item.event
                if event is None:
                    continue
                if meaning.keeps_call(event):
                    payload = meaning.call_payload(event)
                    call = OpenCall(item.topic, item.record.timestamp, payload)
                    calls[_call(event, "sequence")] = call
                elif _answers(item.topic, event):
                    answered.add(_call(event, "call_sequence"))
        return calls, answered


_NOTHING = Folded({}, {}, 0, 0, 0, 0)


@contextmanager
def _unfoldable() -> Iterator[None]:
    """Whatever a pure function raises here, it raises for these records again and again."""
    try:
        yield
    except Exception as error:
        raise _Unfoldable(f"{type(error).__name__}: {error}") from error


def _facts(item: Arrival, calls: Mapping[CallKey, Mapping[str, Any]]) -> list[Fact]:
    record, event = item.record, item.event
    if event is None:
        key = (record.key or b"").decode()
        return meaning.removed(item.topic, key, record.offset, record.timestamp)
    call = None
    if calls and _answers(item.topic, event):
        call = calls.get(_call(event, "call_sequence"))
    return meaning.facts_of(item.topic, event, record.offset, call, record.timestamp)


def _answers(topic: str, event: Mapping[str, Any]) -> bool:
    """Whether the CALL that it points to is wanted for it, or never again."""
    if event.get("call_sequence") is None:
        return False
    return topic == _DEAD_LETTERS or meaning.wants_call(event)


def _call(event: Mapping[str, Any], sequence: str) -> CallKey:
    return event["station"], event["epoch"], event[sequence]


def _positions(items: Sequence[Arrival]) -> dict[str, int]:
    return {item.topic: item.record.offset + 1 for item in items}


def _poison(partition: int, item: Arrival, reason: str) -> Poison:
    record = item.record
    return Poison(item.topic, partition, record.offset, reason, record.key, record.value)


def _sum(one: Folded, other: Folded) -> Folded:
    return Folded(
        {**one.positions, **other.positions},
        {},
        one.records + other.records,
        one.rows + other.rows,
        one.poison + other.poison,
        one.commits + other.commits,
        (*one.facts, *other.facts),
    )
