"""What the log tells of a station, as flows read it: facts, and rows as a consumer has them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import Table

from consumers.meaning.facts import Fact
from consumers.meaning.facts_table import call_payload, facts_of, keeps_call, wants_call
from consumers.meaning.payloads import NOTHING, Json
from consumers.tables.projections import NO_ROWS, Key, Projection, Row, Rows, fold

Place = tuple[int, int]
"""Epoch and sequence: where an event stands among those of its station."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the station: what it means, and as it stands in the log.

    `said` is the payload of a CALL. `ours`: it belongs to a command of this flow.
    """

    record: Mapping[str, Any]
    facts: tuple[Fact, ...] = ()
    said: Json = field(default_factory=dict)
    ours: bool = False

    @property
    def place(self) -> Place:
        epoch = self.record.get("epoch")
        return -1 if epoch is None else epoch, self.record.get("sequence") or 0

    @property
    def at_ms(self) -> int:
        """When the gateway saw it, epoch milliseconds."""
        found: int = self.record.get("observed_at") or self.record.get("at") or 0
        return found

    @property
    def is_question(self) -> bool:
        """Whether it is the CALL by which the station was asked for this flow."""
        return self.ours and self.record.get("kind") == "call"

    def tells(self, actions: Collection[str]) -> bool:
        """Whether it is a CALL of the station of one of these actions."""
        record = self.record
        kind = record.get("kind"), record.get("direction")
        return kind == ("call", "from_station") and record.get("action") in actions


class Ear:
    """Makes events of records, each with what it answers; records of a topic come in order."""

    def __init__(self) -> None:
        self._calls: dict[Place, Json] = {}

    def heard(
        self,
        topic: str,
        record: Mapping[str, Any],
        position: int,
        written_ms: int,
        ours: Collection[str],
    ) -> Event:
        """The event of a record at the offset `position`; `ours` are the ids of our commands."""
        is_call = record.get("kind") == "call" and "rule" not in record
        said = call_payload(record) if is_call else NOTHING
        call = None
        if keeps_call(record):
            self._calls[record["epoch"], record["sequence"]] = said
        elif wants_call(record):
            call = self._calls.pop((record["epoch"], record["call_sequence"]), None)
        facts = facts_of(topic, record, position, call, written_ms)
        return Event(record, tuple(facts), said, record.get("command_id") in ours)


class Folded:
    """The rows of one table of a projection, as its consumer would have them by now."""

    def __init__(self, projection: Projection, table: Table) -> None:
        self._projection, self._table = projection, table.name
        self._groups: dict[Key, Rows] = {}

    def fold(self, facts: Iterable[Fact]) -> list[Row]:
        """The rows that are new, or other than before."""
        changed = []
        for key, rows in fold(self._projection, self._groups, facts).items():
            before = self._groups.get(key, NO_ROWS).get(self._table, ())
            changed += [row for row in rows.get(self._table, ()) if row not in before]
            self._groups[key] = rows
        return changed

    def __iter__(self) -> Iterator[Row]:
        return chain.from_iterable(rows.get(self._table, ()) for rows in self._groups.values())
