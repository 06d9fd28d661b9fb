"""Reservations, until they are whatever they become."""

import pytest

from chargewire.flows.reservations import Cancel, Reserve
from chargewire.flows.steps import Within
from chargewire.flows.wording import WORDS, Token
from consumers.meaning import facts
from tests.chargewire.flowing import answered, asked, event, over
from tests.consumers import telling

UNTIL = "2026-11-21T12:30:00.000Z"


def reserving(*, follow):
    flow = Reserve(
        WORDS["2.0.1"],
        *(9, Token("A", "Central"), 1),
        now_ms=telling.NOON,
        for_s=1800,
        follow=follow,
    )
    payload = {"id": 9, "expiryDateTime": UNTIL, "evseId": 1}
    said = asked(flow.begin())
    assert said == ("ReserveNow", payload | {"idToken": {"idToken": "A", "type": "Central"}})
    return flow


def test_a_reservation_is_made_or_refused() -> None:
    """Whoever does not follow it knows enough."""
    end = over(reserving(follow=False).answered(answered()))
    assert end == (True, f"reserved until {UNTIL}, as reservation 9")
    end = over(reserving(follow=False).answered(answered("Occupied")))
    assert end == (False, "the station refuses: Occupied")


USED = telling.started(5, transaction="T", reservation=9)
CANCELLED = facts.CancellationAnswered(telling.at(5), reservation=9, status="Accepted")
GONE = facts.ReservationUpdated(telling.at(5), reservation=9, status="Removed")


@pytest.mark.parametrize(
    ("fact", "end"),
    [
        (USED, (True, "reservation 9: used by transaction T")),
        (CANCELLED, (False, "reservation 9: cancelled")),
        (GONE, (False, "reservation 9: removed")),
    ],
)
@pytest.mark.parametrize("answer_first", [True, False])
def test_a_reservation_is_followed(fact, end, answer_first: bool) -> None:
    """Used is what it is for; all else is an end, too. The answer may be read later."""
    flow = reserving(follow=True)
    made = facts.ReservationAsked(telling.at(1), reservation=9, token="A")
    taken = facts.ReservationAnswered(
        telling.at(2), reservation=9, call_sequence=1, status="Accepted"
    )
    other = facts.ReservationUpdated(telling.at(3), reservation=8, status="Removed")
    for sequence, one in enumerate((made, taken, other), 1):
        assert over(flow.told(event(sequence, one))) is None
    if answer_first:
        steps = [*flow.answered(answered())]
        assert Within(1800) in steps
        assert over(steps) is None
        assert over(flow.told(event(5, fact))) == end
    else:
        assert over(flow.told(event(5, fact))) is None
        assert over(flow.answered(answered())) == end


def test_time_ends_a_reservation() -> None:
    """Also when nobody says so."""
    flow = reserving(follow=True)
    flow.answered(answered())
    assert over(flow.late()) == (False, "reservation 9: expired")


def test_a_reservation_is_given_up_where_the_station_agrees() -> None:
    """It knows it, or not."""
    flow = Cancel(WORDS["1.6"], 9)
    assert asked(flow.begin()) == ("CancelReservation", {"reservationId": 9})
    assert over(flow.answered(answered())) == (True, "reservation 9: cancelled")
    assert over(flow.answered(answered("Rejected")))[0] is False
