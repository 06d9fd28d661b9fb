"""What is asked, answered and told of reservations, in frames of any version."""

from consumers.meaning.facts import (
    CancellationAnswered,
    ReservationAnswered,
    ReservationAsked,
    ReservationUpdated,
)
from consumers.meaning.frames import Facts, Frame
from consumers.meaning.payloads import identifier, integer, moment, reservation, text
from consumers.meaning.tokens import id_token


def reserve(frame: Frame) -> Facts:
    """ReserveNow of 1.6."""
    said = frame.said
    yield ReservationAsked(
        frame.at,
        reservation=reservation(said.get("reservationId")),
        connector=integer(said.get("connectorId")),
        token=text(said.get("idTag")),
        group=text(said.get("parentIdTag")),
        expires_ms=moment(said.get("expiryDate"))[0],
        command=identifier(frame.record["command_id"]),
    )


def reserve_2(frame: Frame) -> Facts:
    """ReserveNow of 2.x."""
    said = frame.said
    token, token_type = id_token(said.get("idToken"))
    group, _ = id_token(said.get("groupIdToken"))
    yield ReservationAsked(
        frame.at,
        reservation=reservation(said.get("id")),
        evse=integer(said.get("evseId")),
        connector_type=text(said.get("connectorType")),
        token=token,
        token_type=token_type,
        group=group,
        expires_ms=moment(said.get("expiryDateTime"))[0],
        command=identifier(frame.record["command_id"]),
    )


def reserved(frame: Frame) -> Facts:
    """The answer to a ReserveNow of any version, or an error in its place."""
    if frame.call is None:
        return
    yield ReservationAnswered(
        frame.at,
        reservation=reservation(frame.call.get("reservationId", frame.call.get("id"))),
        call_sequence=frame.record["call_sequence"],
        status=text(frame.said.get("status")),
    )


def cancelled(frame: Frame) -> Facts:
    """The answer to a CancelReservation, or an error in its place."""
    if frame.call is None:
        return
    yield CancellationAnswered(
        frame.at,
        reservation=reservation(frame.call.get("reservationId")),
        status=text(frame.said.get("status")),
    )


def reservation_status(frame: Frame) -> Facts:
    """ReservationStatusUpdate of 2.x."""
    yield ReservationUpdated(
        frame.at,
        reservation=reservation(frame.said.get("reservationId")),
        status=text(frame.said.get("reservationUpdateStatus")),
    )
