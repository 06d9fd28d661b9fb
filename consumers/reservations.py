"""The reservations of all stations: one row each, from ReserveNow to whatever became of it."""

from consumers.facts import Fact
from consumers.projection import Consumer, Key, Projection, Rows
from consumers.reservation_facts import RESERVATION_FACTS, remember, reservation_of
from consumers.reservation_rows import RESERVATIONS, reservations


def group(fact: Fact) -> Key | None:
    """Station and reservation id, to which all rows of that id belong: usually one."""
    reservation = reservation_of(fact)
    return None if reservation is None else (fact.at.station, reservation)


def derive(rows: Rows) -> Rows:
    """The rows of a group with its reservations, from all that is remembered of them."""
    return {**rows, RESERVATIONS.name: reservations(rows[RESERVATION_FACTS.name])}


PROJECTION = Projection(
    topics=("reservation", "transactions"),
    tables=(RESERVATIONS, RESERVATION_FACTS),
    group=group,
    evolve=remember,
    derive=derive,
    joins=True,
    published=frozenset({RESERVATIONS.name}),
)
CONSUMER = Consumer("reservations", (PROJECTION,))
