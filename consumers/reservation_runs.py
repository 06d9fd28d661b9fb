"""Which facts of a reservation id belong together: an id may be used again and again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from consumers.projection import Row
from consumers.reservation_facts import ACCEPTED, ANSWERED, ASKED, CANCELLED, JUDGED, USED

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
        """All that was told of it."""
        rows = [self.asked, self.answered, *self.uses, *self.refused, *self.ends, self.replaced]
        return sorted((row for row in rows if row is not None), key=place)

    @property
    def is_accepted(self) -> bool:
        """Whether the station has agreed to it."""
        return self.answered is not None and self.answered["status"] == ACCEPTED

    @property
    def is_refused(self) -> bool:
        """Whether the station has not agreed to it."""
        return self.answered is not None and not self.is_accepted

    def stands(self, at: Place) -> bool:
        """Whether it was accepted before this place, and not ended."""
        accepted = self.is_accepted and _before(self.answered, at)
        return accepted and not any(_before(row, at) for row in self.uses + self.ends)


def place(row: Row) -> Place:
    """Where a remembered fact stands."""
    return row["epoch"], row["sequence"]


def runs(facts: Sequence[Row]) -> list[Run]:
    """The reservations among the remembered facts of a group, both in the station's order.

    Each ReserveNow begins one. Once it is accepted it takes the place of an earlier one with its id
    (OCPP 1.6, 5.13; 2.0.1, H01.FR.02); if it is refused, the earlier one stands.
    """
    found = [Run(asked=row) for row in facts if row["kind"] == ASKED]
    for row in facts:
        if row["kind"] == ANSWERED:
            _answered(found, row).answered = row
    judged = {row["transaction_id"]: row["status"] for row in facts if row["kind"] == JUDGED}
    for row in facts:
        if _is_end(row) or row["kind"] == USED:
            _add(_run(found, row), row, judged)
    found.sort(key=lambda run: place(run.told[0]))
    for number, run in enumerate(found):
        later = (one.answered for one in found[number + 1 :] if one.is_accepted)
        run.replaced = None if run.is_refused else next(later, None)
    return found


def _is_end(row: Row) -> bool:
    """Whether this ends a reservation: a refused cancellation does not, an update does."""
    if row["kind"] == CANCELLED:
        return bool(row["status"] == ACCEPTED)
    return row["kind"] not in (ASKED, ANSWERED, USED, JUDGED)


def _answered(found: list[Run], row: Row) -> Run:
    """The reservation that an answer belongs to: that of its call."""
    call = row["epoch"], row["call_sequence"]
    for run in found:
        if run.asked is not None and place(run.asked) == call:
            return run
    return _added(found)


def _run(found: list[Run], row: Row) -> Run:
    """The reservation that a use or an end belongs to.

    That which stands; else the last one that was asked for and not refused; else the last one.
    """
    at = place(row)
    earlier = [run for run in found if run.told and _before(run.told[0], at)]
    for chosen in (
        [run for run in earlier if run.stands(at)],
        [run for run in earlier if not run.is_refused],
        earlier,
    ):
        if chosen:
            return max(chosen, key=lambda run: place(run.told[0]))
    return _added(found)


def _added(found: list[Run]) -> Run:
    found.append(Run())
    return found[-1]


def _add(run: Run, row: Row, judged: Mapping[str, str | None]) -> None:
    if row["kind"] != USED:
        run.ends.append(row)
    elif judged.get(row["transaction_id"], ACCEPTED) == ACCEPTED:
        run.uses.append(row)
    else:
        run.refused.append(row)


def _before(row: Row | None, at: Place) -> bool:
    return row is not None and place(row) < at
