"""A reservation's row says what became of it, when, and where that stands in the log."""

import pytest

from tests.consumers.reserving import (
    HOUR,
    answered,
    asked,
    begun,
    cancelled,
    judged,
    row,
    rows,
    states,
    updated,
    went_on,
)
from tests.consumers.telling import NOON

MADE = [asked(1), answered(2)]


@pytest.mark.parametrize(
    ("facts", "state", "ended_ms"),
    [
        ([asked(1)], "requested", None),
        (MADE, "accepted", None),
        ([asked(1), answered(2, "Occupied")], "refused", NOON + 3000),
        ([asked(1), answered(2, None)], "refused", NOON + 3000),
        ([*MADE, cancelled(3)], "cancelled", NOON + 4000),
        ([*MADE, cancelled(3, "Rejected")], "accepted", None),
        ([*MADE, cancelled(3, None)], "accepted", None),
        ([*MADE, updated(3)], "expired", NOON + 4000),
        ([*MADE, updated(3, "Removed")], "removed", NOON + 4000),
        ([*MADE, updated(3, "NoTransaction")], "no_transaction", NOON + 4000),
        ([*MADE, updated(3, "Gone")], "removed", NOON + 4000),
        ([*MADE, updated(3, None)], "removed", NOON + 4000),
        ([*MADE, cancelled(3), updated(4)], "cancelled", NOON + 4000),
        ([*MADE, begun(3)], "used", NOON + 4000),
        ([*MADE, begun(3), judged(4)], "used", NOON + 4000),
        ([*MADE, went_on(3), judged(4)], "used", NOON + 4000),
        ([*MADE, updated(3, "Removed"), begun(4)], "used", NOON + 5000),
    ],
)
def test_what_becomes_of_a_reservation(facts, state, ended_ms):
    """Whichever fact is read first."""
    for read in (facts, facts[::-1]):
        found = row(*read)
        assert (found["state"], found["ended_ms"]) == (state, ended_ms)


@pytest.mark.parametrize("status", ["Invalid", "ConcurrentTx", "Blocked", None])
def test_a_refused_start_does_not_use_it(status):
    """It can still be used, and is, by the one that is accepted (citrineos-core#588)."""
    refused = [*MADE, begun(3), judged(4, status)]
    found = row(*refused)
    assert (found["state"], found["transaction_id"]) == ("accepted", None)
    assert found["refused_transaction_id"] == "17"
    used = row(*refused, begun(5, transaction="18"), judged(6, transaction="18"))
    assert (used["state"], used["transaction_id"], used["used_sequence"]) == ("used", "18", 5)


def test_a_start_that_is_never_answered_uses_it():
    """The station says that the reservation ended with it, and nobody took that back."""
    assert states(*MADE, begun(3)) == ["used"]


def test_a_start_that_is_sent_again_and_accepted_then_uses_it():
    """Its first answer may have been that of a token not known yet."""
    facts = [*MADE, begun(3), judged(4, "Invalid"), begun(5), judged(6)]
    assert (row(*facts)["state"], row(*facts)["used_sequence"]) == ("used", 3)


def test_each_step_has_its_time_and_place():
    """For whoever wants to read the log there."""
    found = row(asked(1), answered(2), cancelled(3, epoch=4), updated(6, epoch=4), begun(7, 4))
    for name, epoch, sequence in (
        ("asked", 1, 1),
        ("answered", 1, 2),
        ("cancelled", 4, 3),
        ("updated", 4, 6),
        ("used", 4, 7),
    ):
        place = [found[f"{name}_{one}"] for one in ("ms", "epoch", "sequence")]
        assert place == [NOON + 1000 * (sequence + 1), epoch, sequence]
    assert found["last_observed_ms"] == NOON + 8000
    assert (found["answer"], found["update_status"]) == ("Accepted", "Expired")


def test_what_was_asked_for():
    """The token as it was sent, and as it is compared."""
    found = row(asked(1, group="G", command="c-1"))
    assert (found["token"], found["token_folded"], found["token_group"]) == ("Ab", "ab", "G")
    assert (found["connector"], found["evse"], found["expires_ms"]) == (1, None, NOON + HOUR)
    assert (found["command_id"], found["answer"]) == ("c-1", None)


def test_an_id_that_is_used_again_has_a_row_for_each():
    """In their order; one that was over already is not replaced."""
    twice = [*MADE, asked(5), answered(6), asked(8), answered(9, "Rejected")]
    assert states(*twice) == ["replaced", "accepted", "refused"]
    assert states(asked(1), answered(2, "Occupied"), asked(5), answered(6)) == [
        *("refused", "accepted"),
    ]
    assert rows(*twice)[0]["ended_ms"] == NOON + 7000
    over = [*MADE, begun(3), asked(5), answered(6), cancelled(7), asked(8), answered(9)]
    assert states(*over) == ["used", "cancelled", "accepted"]
    assert [one["ordinal"] for one in rows(*over)] == [1, 2, 3]


def test_a_reservation_that_nobody_asked_for_here():
    """What is known of it: that it was used."""
    found = row(begun(5))
    assert (found["state"], found["transaction_id"], found["token"]) == ("used", "17", None)
    assert found["asked_ms"] is None
