"""What is remembered of the facts of a reservation id: enough to say what became of each use of it.

The rows of reservations are computed from these, always from all of a group. So they come from
what was told, and not from the order in which it was read.
"""

from sqlalchemy import MetaData, Table

from consumers.meaning.facts import (
    CancellationAnswered,
    Fact,
    ReservationAnswered,
    ReservationAsked,
    ReservationUpdated,
    TransactionAnswered,
    TransactionStarted,
    TransactionStopped,
    TransactionUpdated,
)
from consumers.tables.columns import key, station, time, whole, words
from consumers.tables.projections import Row, Rows, put

METADATA = MetaData()
RESERVATION_FACTS = Table(
    "reservation_facts",
    METADATA,
    station(),
    key("reservation_id"),
    key("epoch"),
    key("sequence"),
    words("kind", "asked, answered, cancelled, updated, used or judged"),
    time("observed_ms", "when the gateway saw it"),
    whole("call_sequence", "of an answer: the sequence of its ReserveNow"),
    words("status", "of an answer or update: as told; null: an error"),
    words("transaction_id", "the transaction that names the reservation"),
    whole("evse", "that is reserved (2.x)"),
    whole("connector", "that is reserved (1.6); 0: any"),
    words("connector_type", "that is reserved (2.x)"),
    words("token", "for which it is reserved, as sent"),
    words("token_type", "from 2.x on"),
    words("token_group", "parent of the token"),
    time("expires_ms", "until when it is reserved"),
    words("command_id", "the command that asked"),
    comment="What was told of each reservation: calls, answers, updates, transactions",
)
ASKED, ANSWERED, CANCELLED, UPDATED = "asked", "answered", "cancelled", "updated"
USED, JUDGED = "used", "judged"
"""The values of `kind`.

There is one row for each ReserveNow and its answer, each answer to a CancelReservation and each
ReservationStatusUpdate. Of a transaction, whose frames may all name the reservation, there are two:
the first frame that does so, and what the station was told of the token.
"""
ACCEPTED = "Accepted"

_KINDS: dict[type[Fact], str] = {
    ReservationAsked: ASKED,
    ReservationAnswered: ANSWERED,
    CancellationAnswered: CANCELLED,
    ReservationUpdated: UPDATED,
    TransactionStarted: USED,
    TransactionUpdated: USED,
    TransactionStopped: USED,
    TransactionAnswered: JUDGED,
}
_RESERVED = ("evse", "connector", "connector_type", "token", "token_type", "expires_ms")


def reservation_of(fact: Fact) -> int | None:
    """The id of the reservation that a fact tells of; 0 means none (1.6; steve#1414)."""
    if type(fact) not in _KINDS:
        return None
    named: int | None = getattr(fact, "reservation", None)
    return named or None


def remember(rows: Rows, fact: Fact) -> Rows:
    """The rows of a group with what a fact adds; the very same ones where it adds nothing.

    Facts may come in any order and any number of times.
    """
    new = _row(fact)
    kind, named = new["kind"], new["transaction_id"]
    for row in rows.get(RESERVATION_FACTS.name, ()) if named is not None else ():
        if row["transaction_id"] == named and row["kind"] == kind:
            if _rank(row) <= _rank(new):
                return rows
            kept = tuple(one for one in rows[RESERVATION_FACTS.name] if one is not row)
            rows = {**rows, RESERVATION_FACTS.name: kept}
    return put(rows, RESERVATION_FACTS, new)


def _row(fact: Fact) -> Row:
    row: Row = dict.fromkeys(RESERVATION_FACTS.columns.keys())
    kind, at = _KINDS[type(fact)], fact.at
    row |= {"station": at.station, "reservation_id": reservation_of(fact), "kind": kind}
    row |= {"epoch": at.epoch, "sequence": at.sequence, "observed_ms": at.observed_ms}
    for name in ("call_sequence", "status"):
        row[name] = getattr(fact, name, None)
    row["transaction_id"] = getattr(fact, "transaction", None)
    if isinstance(fact, ReservationAsked):
        row |= {name: getattr(fact, name) for name in _RESERVED}
        row |= {"token_group": fact.group, "command_id": fact.command}
    return row


def _rank(row: Row) -> tuple[bool, int, int]:
    """Which of two counts: the first; but once accepted, a transaction has used what it named."""
    refused = row["kind"] == JUDGED and row["status"] != ACCEPTED
    return refused, row["epoch"], row["sequence"]
