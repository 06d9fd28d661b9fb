"""Computes the rows of reservations from what was told of them."""

from collections.abc import Sequence

from sqlalchemy import Index, Table

from consumers.reservations.facts import CANCELLED, METADATA, UPDATED
from consumers.reservations.runs import Run, place, runs
from consumers.tables.columns import key, station, time, whole, words
from consumers.tables.projections import Row
from schemas.identity import folded_token

RESERVATIONS = Table(
    "reservations",
    METADATA,
    station(),
    key("reservation_id", doc="as it was asked for: unique for a station, but for later use"),
    key("ordinal", doc="from 1; an id may be used again"),
    words("state", "requested, accepted, refused, used, cancelled, expired, removed ..."),
    whole("evse", "that is reserved (2.x); null: any"),
    whole("connector", "that is reserved (1.6); 0: any"),
    words("connector_type", "that is reserved (2.x)"),
    words("token", "for which it is reserved, as sent"),
    words("token_folded", "the same as it is compared"),
    words("token_type", "from 2.x on"),
    words("token_group", "parent of the token: others of the group may use it too"),
    time("expires_ms", "until when it is reserved: afterwards it is over, whatever the state"),
    words("command_id", "the command that asked"),
    time("asked_ms", "when ReserveNow was sent; null: that is not in the log"),
    whole("asked_epoch", "where that stands in the log"),
    whole("asked_sequence", "where that stands in its connection"),
    words("answer", "to the ReserveNow: Accepted, Occupied ...; null: none yet, or an error"),
    time("answered_ms", "when it was answered"),
    whole("answered_epoch", "where that stands in the log"),
    whole("answered_sequence", "where that stands in its connection"),
    words("transaction_id", "the transaction that used it"),
    time("used_ms", "when that named it first"),
    whole("used_epoch", "where that stands in the log"),
    whole("used_sequence", "where that stands in its connection"),
    words("refused_transaction_id", "the last one that named it and was refused: no use"),
    time("cancelled_ms", "when the station agreed to a CancelReservation"),
    whole("cancelled_epoch", "where that stands in the log"),
    whole("cancelled_sequence", "where that stands in its connection"),
    words("update_status", "ReservationStatusUpdate (2.x): Expired, Removed, NoTransaction"),
    time("updated_ms", "when that was told"),
    whole("updated_epoch", "where that stands in the log"),
    whole("updated_sequence", "where that stands in its connection"),
    time("ended_ms", "when it was told that it is over; null where only time ends it"),
    time("last_observed_ms", "when the gateway saw the last that was told of it"),
    Index("reservations_by_expiry", "expires_ms"),
    comment="One row for each reservation of any OCPP version; the view reservations_now knows "
    "what has expired by now",
)
REQUESTED, ACCEPTED, REFUSED, USED = "requested", "accepted", "refused", "used"
_CANCELLED, REPLACED, EXPIRED = "cancelled", "replaced", "expired"
"""The values of `state`; what a ReservationStatusUpdate says may be another.

`replaced`: another ReserveNow with the same id was accepted.
"""
_UPDATES = {
    "Expired": EXPIRED,
    "Removed": "removed",
    "NoTransaction": "no_transaction",
}
NOW = "reservations_now"
"""A view with the columns of `reservations`; its `state` is that of now: time ends them, too."""

_RESERVED = (
    *("evse", "connector", "connector_type", "token", "token_type", "token_group"),
    *("expires_ms", "command_id"),
)


def reservations(facts: Sequence[Row]) -> tuple[Row, ...]:
    """The rows of a group, from all that is remembered of it, in the order of their beginning."""
    return tuple(_row(facts[0], run, ordinal) for ordinal, run in enumerate(runs(facts), start=1))


def _row(group: Row, run: Run, ordinal: int) -> Row:
    asked = run.asked or {}
    answered, use = run.answered, run.uses[0] if run.uses else None
    state, end = _state(run)
    cancelled, updated = (_first(run.ends, kind) for kind in (CANCELLED, UPDATED))
    token = asked.get("token")
    return {
        "station": group["station"],
        "reservation_id": group["reservation_id"],
        "ordinal": ordinal,
        "state": state,
        **{name: asked.get(name) for name in _RESERVED},
        "token_folded": None if token is None else folded_token(token),
        "answer": answered and answered["status"],
        "transaction_id": use and use["transaction_id"],
        "refused_transaction_id": run.refused[-1]["transaction_id"] if run.refused else None,
        "update_status": updated and updated["status"],
        "ended_ms": end and end["observed_ms"],
        "last_observed_ms": max(row["observed_ms"] for row in run.told),
        **_placed("asked", run.asked),
        **_placed("answered", answered),
        **_placed("used", use),
        **_placed("cancelled", cancelled),
        **_placed("updated", updated),
    }


def _state(run: Run) -> tuple[str, Row | None]:
    """What became of a reservation, and the fact that ended it.

    A transaction that used it says more than whatever else was told: energy has flowed. Otherwise
    the first end counts.
    """
    if run.uses:
        return USED, run.uses[0]
    if run.ends or run.replaced:
        end = min((row for row in (*run.ends, run.replaced) if row is not None), key=place)
        if end is run.replaced:
            return REPLACED, end
        return _CANCELLED if end["kind"] == CANCELLED else _word(end["status"]), end
    if run.answered is None:
        return REQUESTED, None
    return (ACCEPTED, None) if run.is_accepted else (REFUSED, run.answered)


def _word(status: str | None) -> str:
    """The state after an update; of a word that OCPP does not know, that it is gone."""
    return _UPDATES.get(status or "", _UPDATES["Removed"])


def _first(rows: Sequence[Row], kind: str) -> Row | None:
    return next((row for row in rows if row["kind"] == kind), None)


def _placed(name: str, row: Row | None) -> Row:
    row = row or {}
    return {
        f"{name}_ms": row.get("observed_ms"),
        f"{name}_epoch": row.get("epoch"),
        f"{name}_sequence": row.get("sequence"),
    }
