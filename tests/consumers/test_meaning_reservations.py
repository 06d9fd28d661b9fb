"""consumers.meaning.reservations: what is asked, answered and told of reservations."""

import pytest

from consumers.meaning.facts import (
    At,
    CancellationAnswered,
    ReservationAnswered,
    ReservationAsked,
    ReservationUpdated,
    Seen,
)
from consumers.meaning.facts_table import facts_of
from tests.consumers.hearing import commanded, exchange, told
from tests.gateway.conversation import NOON

CALL = At("CS-1", 77, 1, NOON, "77.1.CS-1")
ANSWER = At("CS-1", 77, 2, NOON, "77.2.CS-1")
UNTIL = "2026-11-21T13:00:00Z"
V2 = ("2.0.1", "2.1")
RESERVE = {"connectorId": 1, "expiryDate": UNTIL, "idTag": "A", "reservationId": 9}
RESERVE_2 = {"id": 9, "expiryDateTime": UNTIL, "idToken": {"idToken": "A", "type": "Central"}}
both = pytest.mark.parametrize("version", V2)


def test_reserve_now_of_1_6():
    """What was asked, and what the station said to it."""
    found = commanded("1.6", "ReserveNow", RESERVE | {"parentIdTag": "G"}, {"status": "Occupied"})
    assert found == [
        ReservationAsked(
            CALL, 9, None, 1, token="A", group="G", expires_ms=NOON + 3_600_000
        ),
        ReservationAnswered(ANSWER, 9, 1, "Occupied"),
    ]  # fmt: skip


@both
def test_reserve_now_of_2_x(version):
    """Of an EVSE, or of any with such a connector."""
    more = {
        "evseId": 2, "connectorType": "cCCS2", "groupIdToken": {"idToken": "G", "type": "Central"},
    }  # fmt: skip
    found = commanded(version, "ReserveNow", RESERVE_2 | more, {"status": "Accepted"})
    assert found == [
        ReservationAsked(
            CALL, 9, 2, None, "cCCS2", "A", "Central", "G", expires_ms=NOON + 3_600_000
        ),
        ReservationAnswered(ANSWER, 9, 1, "Accepted"),
    ]


@pytest.mark.parametrize(("version", "call"), [("1.6", RESERVE), ("2.1", RESERVE_2)])
def test_an_error_is_an_answer_without_a_status(version, call):
    """A station that knows no reservations says NotImplemented or NotSupported."""
    _, answered = commanded(version, "ReserveNow", call)
    assert answered == ReservationAnswered(ANSWER, 9, 1, None)


@pytest.mark.parametrize(("version", "call"), [("1.6", RESERVE), ("2.0.1", RESERVE_2)])
def test_a_reservation_tells_the_command_that_asked_for_it(version, call):
    """The event of the CALL has it."""
    topic, record = exchange(version, "ReserveNow", call, {"status": "Accepted"})[0]
    (asked,) = facts_of(topic, record | {"command_id": "c-1"}, 0, None)
    assert asked.command == "c-1"


@pytest.mark.parametrize("version", ["1.6", *V2])
@pytest.mark.parametrize(
    ("response", "status"), [({"status": "Accepted"}, "Accepted"), (None, None)]
)
def test_cancellation(version, response, status):
    """The answer does not say which one it is of: its CALL does."""
    found = commanded(version, "CancelReservation", {"reservationId": 9}, response)
    assert found == [CancellationAnswered(ANSWER, 9, status)]


@pytest.mark.parametrize("action", ["ReserveNow", "CancelReservation"])
def test_answers_whose_call_is_lost_are_none(action):
    """Nobody knows which reservation they are of."""
    call = RESERVE if action == "ReserveNow" else {"reservationId": 9}
    topic, record = exchange("1.6", action, call, {"status": "Accepted"})[1]
    assert facts_of(topic, record, 0, None) == [Seen(ANSWER)]


@both
@pytest.mark.parametrize("status", ["Expired", "Removed", "NoTransaction"])
def test_a_station_tells_that_a_reservation_is_over(version, status):
    """NoTransaction is a word of 2.1, and is read wherever it stands."""
    call = {"reservationId": 9, "reservationUpdateStatus": status}
    assert told(version, "ReservationStatusUpdate", call) == [ReservationUpdated(CALL, 9, status)]


def test_id_0_means_none():
    """Stations write it where there is no reservation."""
    call = {"reservationId": 0, "reservationUpdateStatus": "Removed"}
    (updated,) = told("2.0.1", "ReservationStatusUpdate", call)
    assert updated.reservation is None
