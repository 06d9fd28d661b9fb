"""Turns records of one partition number into rows, and commits them with their positions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from consumers import meaning
from consumers.changes import CallKey, Changes, Poison
from consumers.facts import Fact
from consumers.projection import Projection, fold
from consumers.stores import Refused, Store
from schemas.codec import CorruptRecord, UnknownSchemaId

log = structlog.get_logger(__name__)


class Record(Protocol):
    """A record as a Kafka consumer gives it."""

    offset: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Folded:
    """What became of a batch; `waiting` names the schema ids that topics stopped at."""

    positions: Mapping[str, int]
    waiting: Mapping[str, int]
    records: int
    rows: int
    poison: int
    commits: int


@dataclass(frozen=True, slots=True)
class _Item:
    """One record of the batch; `event` is None where it has a `problem`."""

    topic: str
    record: Record
    event: Mapping[str, Any] | None
    problem: str


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
        projection: Projection,
        *,
        decode: Callable[[bytes], tuple[str, dict[str, Any]]],
        home: Callable[[bytes], int],
    ) -> None:
        self._store = store
        self._projection = projection
        self._decode = decode
        self._home = home

    async def fold(
        self, partition: int, generation: int, batch: Mapping[str, Sequence[Record]]
    ) -> Folded:
        """Fold records of a partition number, by topic (without prefix), and commit.

        Raises Fenced, Away.
        """
        waiting: dict[str, int] = {}
        items: list[_Item] = []
        for topic, records in batch.items():
            for record in records:
                try:
                    items.append(self._read(topic, partition, record))
                except UnknownSchemaId as error:
                    waiting[topic] = error.schema_id
                    break
        done = await self._committed(partition, generation, items) if items else _NOTHING
        return replace(done, waiting=waiting)

    def _read(self, topic: str, partition: int, record: Record) -> _Item:
        """Raises UnknownSchemaId."""
        if record.value is None:
            return _Item(topic, record, None, "a record without a value")
        try:
            name, event = self._decode(record.value)
        except CorruptRecord as error:
            return _Item(topic, record, None, error.reason)
        key = record.key or b""
        if name != topic:
            return _Item(topic, record, None, f"a record of the topic {name}")
        if event.get("station", "").encode() != key:
            return _Item(topic, record, None, "its key is not its station")
        if self._home(key) != partition:
            # Its rows are those of another owner, who may be writing them now.
            return _Item(topic, record, None, f"its key belongs into partition {self._home(key)}")
        return _Item(topic, record, event, "")

    async def _committed(self, partition: int, generation: int, items: Sequence[_Item]) -> Folded:
        """All of it in one commit; where that cannot be, halves, down to the record at fault."""
        bad = [_poison(partition, item, item.problem) for item in items if item.problem]
        try:
            changes = await self._changes([item for item in items if not item.problem])
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
        return Folded(_positions(items), {}, len(items), rows, len(bad), 1)

    async def _changes(self, items: Sequence[_Item]) -> Changes:
        """Raises _Unfoldable, Away."""
        calls, answered, stored = await self._calls(items)
        with _unfoldable():
            found = [fact for item in items for fact in self._facts(item, calls)]
            group = self._projection.group
            keys = {key for fact in found if (key := group(fact)) is not None}
        before = {} if self._projection.append_only else await self._store.load(keys)
        with _unfoldable():
            after = fold(self._projection, before, found)
        opened = {key: payload for key, payload in calls.items() if key not in answered}
        return Changes(before, after, opened=opened, closed=stored)

    async def _calls(
        self, items: Sequence[_Item]
    ) -> tuple[dict[CallKey, Mapping[str, Any]], set[CallKey], set[CallKey]]:
        """The CALLs of these records and of their answers; which are answered, which were kept."""
        calls: dict[CallKey, Mapping[str, Any]] = {}
        answered: set[CallKey] = set()
        if not self._projection.joins:
            return calls, answered, set()
        with _unfoldable():
            for item in items:
                event = item.event
                assert event is not None
                if meaning.keeps_call(event):
                    calls[_call(event, "sequence")] = meaning.call_payload(event)
                elif meaning.wants_call(event) and event["call_sequence"] is not None:
                    answered.add(_call(event, "call_sequence"))
        kept = await self._store.calls(answered - calls.keys())
        return calls | kept, answered, set(kept)

    @staticmethod
    def _facts(item: _Item, calls: Mapping[CallKey, Mapping[str, Any]]) -> list[Fact]:
        event = item.event
        assert event is not None
        call = None
        if calls and meaning.wants_call(event) and event["call_sequence"] is not None:
            call = calls.get(_call(event, "call_sequence"))
        return meaning.facts_of(item.topic, event, item.record.offset, call)


_NOTHING = Folded({}, {}, 0, 0, 0, 0)


@contextmanager
def _unfoldable() -> Iterator[None]:
    """Whatever a pure function raises here, it raises for these records again and again."""
    try:
        yield
    except Exception as error:
        raise _Unfoldable(f"{type(error).__name__}: {error}") from error


def _call(event: Mapping[str, Any], sequence: str) -> CallKey:
    return event["station"], event["epoch"], event[sequence]


def _positions(items: Sequence[_Item]) -> dict[str, int]:
    return {item.topic: item.record.offset + 1 for item in items}


def _poison(partition: int, item: _Item, reason: str) -> Poison:
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
    )
