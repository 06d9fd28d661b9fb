"""Facts of reservations, short to write, and what comes of them."""

from consumers.meaning.facts import (
    CancellationAnswered,
    ReservationAnswered,
    ReservationAsked,
    ReservationUpdated,
    TransactionAnswered,
    TransactionStarted,
    TransactionUpdated,
)
from consumers.reservations.projection import PROJECTION
from consumers.tables.projections import NO_ROWS, fold
from tests.consumers.telling import NOON, at

HOUR = 3_600_000


def asked(sequence, epoch=1, **said):
    """ReserveNow, for an hour from noon."""
    usual = {"reservation": 5, "connector": 1, "token": "Ab", "expires_ms": NOON + HOUR}
    return ReservationAsked(at(sequence, epoch), **usual | said)


def answered(sequence, status="Accepted", epoch=1, **said):
    """The answer to the ReserveNow that is the frame before it."""
    usual = {"reservation": 5, "call_sequence": sequence - 1}
    return ReservationAnswered(at(sequence, epoch), status=status, **usual | said)


def cancelled(sequence, status="Accepted", epoch=1, **said):
    """The answer to a CancelReservation."""
    return CancellationAnswered(at(sequence, epoch), **{"reservation": 5, "status": status} | said)


def updated(sequence, status="Expired", epoch=1, **said):
    """ReservationStatusUpdate."""
    return ReservationUpdated(at(sequence, epoch), **{"reservation": 5, "status": status} | said)


def begun(sequence, epoch=1, **said):
    """A transaction that names the reservation as it begins."""
    usual = {"reservation": 5, "transaction": "17"}
    return TransactionStarted(at(sequence, epoch), **usual | said)


def went_on(sequence, epoch=1, **said):
    """A transaction that names the reservation later."""
    usual = {"reservation": 5, "transaction": "17"}
    return TransactionUpdated(at(sequence, epoch), **usual | said)


def judged(sequence, status="Accepted", epoch=1, **said):
    """What a transaction that names the reservation is told of its token."""
    usual = {"reservation": 5, "transaction": "17"}
    return TransactionAnswered(at(sequence, epoch), status=status, **usual | said)


def groups(*facts):
    """The groups that come of facts, read one after the other in one batch."""
    return fold(PROJECTION, {}, facts)


def tables(*facts):
    """The rows of the one group that facts belong to, by table."""
    found = groups(*facts)
    assert len(found) <= 1
    return next(iter(found.values()), NO_ROWS)


def rows(*facts):
    """The reservations that come of facts."""
    return list(tables(*facts).get("reservations", ()))


def row(*facts):
    """The one reservation that comes of facts."""
    (found,) = rows(*facts)
    return found


def states(*facts):
    """The states of the reservations that come of facts."""
    return [one["state"] for one in rows(*facts)]
