"""Which of the facts of one transaction id belong together: usually all of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from consumers.tables.projections import Row

Place = tuple[int, int]
"""Epoch and sequence: where a frame stands in a station's order."""

NO_ID = "?"
"""Begins the transaction_id of a group whose station told none; an EVSE or connector follows."""
UNUSABLE = {"0": "id_zero", "-1": "id_minus_one", str(2**63 - 1): "id_max"}
"""What stations write that do not know the id that they were given -> the anomaly's name."""


@dataclass(slots=True)
class Run:
    """The remembered facts of one transaction, each list in the station's order."""

    another: bool = False  # begun by a start although the id was in use already
    starts: list[Row] = field(default_factory=list)
    updates: list[Row] = field(default_factory=list)
    stops: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    readings: list[Row] = field(default_factory=list)

    @property
    def told(self) -> list[Row]:
        """Starts, updates and stops, in the station's order."""
        return sorted(self.starts + self.updates + self.stops, key=place)

    @property
    def own(self) -> bool:
        """Whether the station made up the transaction's id (2.x)."""
        return any(row["own"] for row in self.told)

    @property
    def start(self) -> Row | None:
        """The start that counts: the first one."""
        return self.starts[0] if self.starts else None

    @property
    def stop(self) -> Row | None:
        """The stop that counts: the first after the start, or the first before it if none is."""
        if self.start is not None:
            began = place(self.start)
            return next((one for one in self.stops if place(one) > began), self._first_stop)
        return self._first_stop

    @property
    def _first_stop(self) -> Row | None:
        return self.stops[0] if self.stops else None


def place(row: Row) -> Place:
    """Where a remembered fact stands; a row of several frames stands where the last one does."""
    return row["epoch"], row["last_sequence"]


def same(one: Row, other: Row) -> bool:
    """Whether two starts, or two stops, say the same: one is the other sent again.

    The message id does not matter, since many stations make a new one for each try; nor do the
    fields that are no part of what happened.
    """
    return _natural_key(one) == _natural_key(other)


def runs(facts: Iterable[Row]) -> list[Run]:
    """The transactions among the remembered facts of a group, in the order of their beginning.

    A start that says something else than the one before it, or the same after its stop (a clock of
    1970, no meter), begins another one. Whatever else there is belongs to the last one started.
    Stops without a usable id have nothing to do with each other: each is one of its own.
    """
    found: list[Run] = []
    alone: dict[tuple[Any, ...], Run] = {}
    for row in sorted(facts, key=place):
        match row["kind"]:
            case "start":
                if not found or not _takes_start(found[-1], row):
                    found.append(Run(another=bool(found)))
                found[-1].starts.append(row)
            case "stop":
                _for_stop(found, alone, row).stops.append(row)
            case "update":
                if not found:
                    found.append(Run())
                found[-1].updates.append(row)
            case "answer" if found:
                found[-1].answers.append(row)
            case "reading" if found:
                found[-1].readings.append(row)
    return found


def _takes_start(run: Run, start: Row) -> bool:
    if run.start is not None:
        return not run.stops and same(run.start, start)
    # What came before is the end of an earlier one if it was told as earlier.
    times = [row["told_ms"] for row in run.stops if row["told_ms"] is not None]
    return not times or start["told_ms"] is None or max(times) >= start["told_ms"]


def _for_stop(found: list[Run], alone: dict[tuple[Any, ...], Run], stop: Row) -> Run:
    """The last one; or that of `alone`, which is kept here, where the stop has no usable id."""
    if not stop["own"] and is_unusable(stop["transaction_id"]):
        told = _natural_key(stop)
        run = alone.get(told)
        if run is not None and run.stop is not None and same(run.stop, stop):
            return run
        found.append(Run())
        alone[told] = found[-1]
    elif not found:
        found.append(Run())
    return found[-1]


def is_unusable(name: str) -> bool:
    """Whether a transaction_id names no transaction."""
    return name in UNUSABLE or name.startswith(NO_ID)


def _natural_key(row: Row) -> tuple[Any, ...]:
    if row["own"]:
        return row["seq_nos"], row["told_ms"], row["told_text"]
    return (
        *(row["connector"], row["token"], row["told_ms"], row["told_text"], row["meter_wh"]),
        row["reason"],
    )


def first_told(rows: Sequence[Row], name: str) -> Any:
    """The first value of a column that is not null."""
    return next((row[name] for row in rows if row[name] is not None), None)
