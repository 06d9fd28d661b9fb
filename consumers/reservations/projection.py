"""The reservations of all stations: one row each, from ReserveNow to whatever became of it."""

from consumers.meaning.facts import Fact
from consumers.reservations.facts import RESERVATION_FACTS, remember, reservation_of
from consumers.reservations.rows import RESERVATIONS, reservations
from consumers.tables.projections import Consumer, Key, Projection, Rows


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
