"""Which facts of a reservation id belong together: an id may be used again and again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from consumers.reservations.facts import ACCEPTED, ANSWERED, ASKED, CANCELLED, JUDGED, UPDATED, USED
from consumers.tables.projections import Row

Place = tuple[int, int]
"""Epoch and sequence: where a frame stands in a station's order."""


@dataclass(slots=True)
class Run:
    """The remembered facts of one reservation, each list in the station's order.

    `asked` is None of one whose ReserveNow is not in the log. `uses` are the transactions that name
    it and were not refused, `refused` those that were. `ends` are answers to a CancelReservation
    that accept it, and updates. `replaced` is the answer that accepted a later one with its id.
    """

    asked: Row | None = None
    answered: Row | None = None
    uses: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    ends: list[Row] = field(default_factory=list)
    replaced: Row | None = None

    @property
    def told(self) -> list[Row]:
        """All that was told of it, in no order."""
        rows = [self.asked, self.answered, *self.uses, *self.refused, *self.ends, self.replaced]
        return [row for row in rows if row is not None]

    @property
    def is_accepted(self) -> bool:
        """Whether the station has agreed to it."""
        return self.answered is not None and self.answered["status"] == ACCEPTED

    @property
    def is_refused(self) -> bool:
        """Whether the station has not agreed to it."""
        return self.answered is not None and not self.is_accepted


def place(row: Row) -> Place:
    """Where a remembered fact stands."""
    return row["epoch"], row["sequence"]


def runs(facts: Sequence[Row]) -> list[Run]:
    """The reservations among the remembered facts of a group, both in the station's order.

    Each ReserveNow begins one. Once it is accepted it takes the place of an earlier one with its id
    (OCPP 1.6, 5.13; 2.0.1, H01.FR.02); if it is refused, the earlier one stands. A use or an end is
    one of the reservation that stands; else of the last that was asked for and not refused; else of
    the last.
    """
    by_call = {place(row): Run(asked=row) for row in facts if row["kind"] == ASKED}
    by_answer = {}
    for row in facts:
        if row["kind"] == ANSWERED:
            run = by_call.get((row["epoch"], row["call_sequence"])) or Run()
            run.answered = row
            by_answer[place(row)] = run
    judged = {row["transaction_id"]: row["status"] for row in facts if row["kind"] == JUDGED}
    found: list[Run] = []
    standing = unrefused = None
    for row in facts:
        if row["kind"] in (ASKED, ANSWERED):
            run = (by_call if row["kind"] == ASKED else by_answer)[place(row)]
            if run.asked in (None, row):
                found.append(run)
                unrefused = unrefused if run.is_refused else run
            if run.answered is row and run.is_accepted:
                standing = run
        elif row["kind"] == USED or _is_end(row):
            if not found:
                found.append(Run())
                unrefused = found[0]
            run = standing or unrefused or found[-1]
            _add(run, row, judged)
            if run.uses or run.ends:
                standing = None
    _replace(found)
    return found


def _is_end(row: Row) -> bool:
    """Whether this ends a reservation: a refused cancellation does not, an update does."""
    kind, status = row["kind"], row["status"]
    return bool(kind == UPDATED or (kind == CANCELLED and status == ACCEPTED))


def _add(run: Run, row: Row, judged: Mapping[str, str | None]) -> None:
    if row["kind"] != USED:
        run.ends.append(row)
    elif judged.get(row["transaction_id"], ACCEPTED) == ACCEPTED:
        run.uses.append(row)
    else:
        run.refused.append(row)


def _replace(found: Sequence[Run]) -> None:
    accepted: Row | None = None
    for run in reversed(found):
        run.replaced = None if run.is_refused else accepted
        accepted = run.answered if run.is_accepted else accepted
