"""What a commit writes: values, and which rows differ from what was there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table

from consumers.tables.projections import Key, Row, Rows

CallKey = tuple[str, int, int]  # station, epoch, sequence of a CALL


@dataclass(frozen=True, slots=True)
class Ownership:
    """A partition number is ours: with this generation, from the next offset of each topic."""

    generation: int
    positions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that could not be folded, set aside with the reason."""

    topic: str
    partition: int
    position: int
    reason: str
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Difference:
    """The rows of one table that are new or other than before, and those that are gone."""

    put: Sequence[Row]
    gone: Sequence[Row]


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A CALL that is still to be answered; `written_ms` is when its record was written."""

    topic: str
    written_ms: int
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Changes:
    """What one commit writes.

    `rows` is what differs, by the name of the table; `positions` are next offsets by topic,
    `opened` CALLs still to be answered, `closed` those that have been.
    """

    rows: Mapping[str, Difference] = field(default_factory=dict)
    positions: Mapping[str, int] = field(default_factory=dict)
    poison: Collection[Poison] = ()
    opened: Mapping[CallKey, OpenCall] = field(default_factory=dict)
    closed: Collection[CallKey] = ()


def differences(
    tables: Collection[Table], before: Mapping[Key, Rows], after: Mapping[Key, Rows]
) -> dict[str, Difference]:
    """Table name -> what differs; a group that was not loaded had no rows."""
    found = {}
    for table in tables:
        names = [column.name for column in table.primary_key.columns]
        put: list[Row] = []
        gone: list[Row] = []
        for key, group in after.items():
            old = _by_key(names, before.get(key, {}).get(table.name, ()))
            new = _by_key(names, group.get(table.name, ()))
            put += [row for place, row in new.items() if old.get(place) != row]
            gone += [row for place, row in old.items() if place not in new]
        if put or gone:
            found[table.name] = Difference(put, gone)
    return found


def _by_key(names: Sequence[str], rows: Sequence[Row]) -> dict[tuple[Any, ...], Row]:
    return {tuple([row[name] for name in names]): row for row in rows}
