"""Turns records of partition numbers into rows, and commits them with their positions."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import structlog

from consumers.log.arrivals import Arrival, Decode, Home, Record, arrival
from consumers.meaning import facts_table
from consumers.meaning.bus_records import followed
from consumers.meaning.facts import Fact
from consumers.stores.changes import CallKey, Changes, Difference, OpenCall, Poison, differences
from consumers.stores.store import Refused, Store, Work
from consumers.tables.projections import Consumer, Key, Projection, fold
from schemas.codec import UnknownSchemaId

log = structlog.get_logger(__name__)

_DEAD_LETTERS = "rejected"
_COMMANDS = "commands"


@dataclass(frozen=True, slots=True)
class Folded:
    """What became of records of some partition numbers.

    `positions` are the next offsets, by number and topic; `poison` was set aside, `facts` are those
    of each number that were not; `waiting` names the schema ids that topics stopped at.
    """

    positions: Mapping[int, Mapping[str, int]]
    records: int
    rows: int
    poison: Sequence[Poison]
    commits: int
    facts: Mapping[int, Sequence[Fact]]
    waiting: Mapping[tuple[int, str], int] = field(default_factory=dict)


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
        joining = (one.topics for one in consumer.projections if one.joins)
        self._joined = frozenset(chain.from_iterable(joining))

    async def fold(
        self,
        generations: Mapping[int, int],
        batches: Mapping[int, Mapping[str, Sequence[Record]]],
    ) -> Folded:
        """Fold records by partition number and topic (without prefix), and commit all together.

        Raises Fenced if one of the numbers is no longer ours; Away.
        """
        waiting: dict[tuple[int, str], int] = {}
        items: list[Arrival] = []
        for number, batch in batches.items():
            for topic, records in batch.items():
                for record in records:
                    try:
                        items.append(arrival(topic, number, record, self._decode, self._home))
                    except UnknownSchemaId as error:
                        waiting[number, topic] = error.schema_id
                        break
        done = await self._committed(generations, items) if items else _NOTHING
        return replace(done, waiting=waiting)

    async def _committed(self, generations: Mapping[int, int], items: Sequence[Arrival]) -> Folded:
        """All of it in one commit; where that cannot be, halves, down to the record at fault."""
        numbers: dict[int, list[Arrival]] = {}
        for item in items:
            numbers.setdefault(item.number, []).append(item)
        held = {number: generations[number] for number in numbers}
        facts: Mapping[int, Sequence[Fact]] = {}
        try:
            async with self._store.working(held) as work:
                changes, facts = await self._changes(work, numbers)
                rows = await work.write(changes)
        except (_Unfoldable, Refused) as error:
            if len(items) > 1:
                half = len(items) // 2
                first = await self._committed(generations, items[:half])
                second = await self._committed(generations, items[half:])
                return _sum(first, second)
            (item,) = items
            bad = [_poison(item, str(error))]
            changes = {item.number: Changes(positions=_positions(items), poison=bad)}
            async with self._store.working(held) as work:
                rows = await work.write(changes)
        bad = [one for found in changes.values() for one in found.poison]
        for one in bad:
            log.error(
                "record set aside",
                topic=one.topic,
                partition=one.partition,
                position=one.position,
                reason=one.reason,
            )
        positions = {number: found.positions for number, found in changes.items()}
        return Folded(positions, len(items), rows, bad, 1, facts)

    async def _changes(
        self, work: Work, numbers: Mapping[int, Sequence[Arrival]]
    ) -> tuple[dict[int, Changes], dict[int, list[Fact]]]:
        """What changes by number, and the facts. Raises _Unfoldable, Away."""
        asked = {number: self._calls(items) for number, items in numbers.items()}
        wanted = {key for opened, answered in asked.values() for key in answered - opened.keys()}
        kept = await work.calls(wanted)
        facts: dict[int, list[Fact]] = {}
        for number, items in numbers.items():
            opened, _ = asked[number]
            calls = kept | {key: call.payload for key, call in opened.items()}
            with _unfoldable():
                good = (item for item in items if not item.problem)
                facts[number] = [fact for item in good for fact in _facts(item, calls)]
        rows: dict[int, dict[str, Difference]] = {number: {} for number in numbers}
        for projection in self._consumer.projections:
            for number, found in (await self._rows(work, projection, facts)).items():
                rows[number] |= found
        changes = {}
        for number, items in numbers.items():
            opened, answered = asked[number]
            changes[number] = Changes(
                rows[number],
                _positions(items),
                [_poison(item, item.problem) for item in items if item.problem],
                {key: call for key, call in opened.items() if key not in answered},
                kept.keys() & answered,
            )
        return changes, facts

    async def _rows(
        self, work: Work, projection: Projection, facts: Mapping[int, Sequence[Fact]]
    ) -> dict[int, dict[str, Difference]]:
        """What differs in the tables of a projection, by number. Raises _Unfoldable, Away."""
        keys: set[Key] = set()
        with _unfoldable():
            for number, found in facts.items():
                its = {key for fact in found if (key := projection.group(fact)) is not None}
                if strange := [key for key in its if self._home(key[0].encode()) != number]:
                    what = f"rows of {strange[0]} are not written from partition {number}"
                    raise ValueError(what)
                keys |= its
        if not keys:
            return {}
        before = {} if projection.append_only else await work.load(projection, keys)
        with _unfoldable():
            return {
                number: differences(projection.tables, before, fold(projection, before, found))
                for number, found in facts.items()
            }

    def _calls(self, items: Sequence[Arrival]) -> tuple[dict[CallKey, OpenCall], set[CallKey]]:
        """The CALLs among these records, and those that are answered by these records."""
        calls: dict[CallKey, OpenCall] = {}
        answered: set[CallKey] = set()
        if not self._joined:
            return calls, answered
        with _unfoldable():
            for item in items:
                event = item.event
                if event is None or item.topic not in self._joined:
                    continue
                if facts_table.keeps_call(event):
                    payload = facts_table.call_payload(event)
                    call = OpenCall(item.topic, item.record.timestamp, payload)
                    calls[_call(event, "sequence")] = call
                elif _answers(item.topic, event):
                    answered.add(_call(event, "call_sequence"))
        return calls, answered


_NOTHING = Folded({}, 0, 0, (), 0, {})


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
        return facts_table.removed(item.topic, key, record.offset, record.timestamp)
    call = None
    if calls and _answers(item.topic, event):
        call = calls.get(_call(event, "call_sequence"))
    facts = facts_table.facts_of(item.topic, event, record.offset, call, record.timestamp)
    return followed(facts, record.headers) if item.topic == _COMMANDS else facts


def _answers(topic: str, event: Mapping[str, Any]) -> bool:
    """Whether the CALL that it points to is wanted for it, or never again."""
    if event.get("call_sequence") is None:
        return False
    return topic == _DEAD_LETTERS or facts_table.wants_call(event)


def _call(event: Mapping[str, Any], sequence: str) -> CallKey:
    return event["station"], event["epoch"], event[sequence]


def _positions(items: Sequence[Arrival]) -> dict[str, int]:
    return {item.topic: item.record.offset + 1 for item in items}


def _poison(item: Arrival, reason: str) -> Poison:
    record = item.record
    return Poison(item.topic, item.number, record.offset, reason, record.key, record.value)


def _sum(one: Folded, other: Folded) -> Folded:
    """Both, of which `other` came later."""
    numbers = {*one.positions, *other.positions}
    return Folded(
        {at: {**one.positions.get(at, {}), **other.positions.get(at, {})} for at in numbers},
        one.records + other.records,
        one.rows + other.rows,
        (*one.poison, *other.poison),
        one.commits + other.commits,
        {at: (*one.facts.get(at, ()), *other.facts.get(at, ())) for at in numbers},
    )
