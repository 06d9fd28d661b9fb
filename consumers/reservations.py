"""The reservations of all stations: one row each, from ReserveNow to whatever became of it."""

from consumers.facts import Fact
from consumers.projection import Consumer, Key, Projection, Rows
from consumers.reservation_facts import RESERVATION_FACTS, remember, reservation_of
from consumers.reservation_rows import RESERVATIONS, reservations


def group(fact: Fact) -> Key | None:
    """Station and reservation id, to which all rows of that id belong: usually one."""
    reservation = reservation_of(fact)
    return None if reservation is None else (fact.at.station, reservation)


def evolve(rows: Rows, fact: Fact) -> Rows:
    """The rows of a group after one more of its facts; the very same ones where nothing changes."""
    after = remember(rows, fact)
    if after is rows:
        return rows
    return {**after, RESERVATIONS.name: reservations(after[RESERVATION_FACTS.name])}


PROJECTION = Projection(
    topics=("reservation", "transactions"),
    tables=(RESERVATIONS, RESERVATION_FACTS),
    group=group,
    evolve=evolve,
    joins=True,
    published=frozenset({RESERVATIONS.name}),
)
CONSUMER = Consumer("reservations", (PROJECTION,))
