"""Facts of an id that is used again belong to the reservation that they tell of."""

import pytest

from consumers.reservations.facts import RESERVATION_FACTS
from consumers.reservations.runs import runs
from tests.consumers.reserving import (
    answered,
    asked,
    begun,
    cancelled,
    judged,
    states,
    tables,
    updated,
)

FIRST = [asked(1), answered(2)]
SECOND = [asked(11), answered(12)]


def found(*facts):
    return runs(tables(*facts)[RESERVATION_FACTS.name])


def uses(*facts):
    return [[row["sequence"] for row in run.uses] for run in found(*facts)]


def test_an_accepted_one_takes_the_place_of_an_earlier_one_with_its_id():
    """In both versions."""
    first, second = found(*FIRST, *SECOND)
    assert (first.replaced, second.replaced) == (second.answered, None)


def test_a_refused_one_leaves_the_earlier_one_standing():
    """And what comes then is told of that."""
    facts = [*FIRST, asked(11), answered(12, "Occupied")]
    assert states(*facts) == ["accepted", "refused"]
    assert uses(*facts, begun(13)) == [[13], []]
    assert states(*facts, cancelled(13)) == ["cancelled", "refused"]


@pytest.mark.parametrize(
    ("at", "expected"),
    [(5, [[5], []]), (13, [[], [13]])],
)
def test_a_use_is_one_of_the_reservation_that_stands(at, expected):
    """By its place in the log, not by when it is read."""
    assert uses(begun(at), *FIRST, *SECOND) == expected


def test_a_use_between_a_call_and_its_answer():
    """Is one of that which stood before; of the new one if none did."""
    assert uses(*FIRST, asked(11), answered(13, call_sequence=11), begun(12)) == [[12], []]
    assert uses(asked(11), answered(13, call_sequence=11), begun(12)) == [[12]]
    facts = [*FIRST, cancelled(8), asked(11), answered(13, call_sequence=11), begun(12)]
    assert uses(*facts) == [[], [12]]


def test_an_answer_belongs_to_its_call():
    """Of two that were sent one after the other."""
    first, second = found(
        asked(1), asked(2), answered(3, "Rejected", call_sequence=1), answered(4, call_sequence=2)
    )
    assert (first.answered["status"], second.answered["status"]) == ("Rejected", "Accepted")


def test_what_is_used_although_its_end_was_told():
    """A late delivery: it is no other reservation."""
    assert uses(*FIRST, updated(4), begun(5)) == [[5]]
    refused = [asked(5), answered(6, "Occupied")]
    assert uses(*FIRST, cancelled(4), *refused, begun(7)) == [[7], []]
    assert uses(asked(1), answered(2, "Occupied"), begun(5)) == [[5]]


def test_what_names_a_reservation_that_nobody_asked_for():
    """The log may begin after its ReserveNow."""
    assert uses(begun(5)) == [[5]]
    assert uses(begun(5), asked(11)) == [[5], []]
    assert len(found(cancelled(5))) == 1


def test_what_tells_of_no_reservation():
    """A cancellation that was refused, an answer about a token."""
    assert found(cancelled(5, "Rejected"), cancelled(6, None), judged(7)) == []
