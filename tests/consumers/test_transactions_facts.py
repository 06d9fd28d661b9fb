"""What is remembered of a transaction is enough, and stays small."""

from consumers.tables.projections import NO_ROWS
from consumers.transactions.facts import KINDS, TRANSACTION_FACTS, remember
from tests.consumers.telling import (
    NOON,
    answered,
    ended,
    metered,
    start,
    started,
    stop,
    updated,
)


def remembered(*facts):
    found = NO_ROWS
    for fact in facts:
        found = remember(found, "17", fact)
    return found.get(TRANSACTION_FACTS.name, ())


def test_each_start_stop_and_answer_has_a_row():
    """By its place in the log, so that it is there once however often it is read."""
    facts = start(1), answered(2), stop(5), answered(6)
    found = remembered(*facts)
    assert [(one["kind"], one["sequence"]) for one in found] == [
        ("start", 1),
        ("answer", 2),
        ("stop", 5),
        ("answer", 6),
    ]
    assert remembered(*facts, *facts, *reversed(facts)) == found
    assert {one["kind"] for one in found} <= set(KINDS)


def test_thousands_of_updates_are_one_row():
    """As long as they come on one connection."""
    found = remembered(started(1), *(updated(2 * n, n) for n in range(1, 3000)))
    assert [one["kind"] for one in found] == ["start", "update"]
    assert (found[1]["frames"], found[1]["seq_nos"]) == (2999, "1..2999")


def test_updates_of_another_connection_or_behind_a_stop_are_another_row():
    """So that it can still be told to which transaction they belong."""
    found = remembered(started(1), updated(2, 1), ended(4, 2), started(6, 0), updated(8, 1))
    assert [one["kind"] for one in found] == ["start", "update", "stop", "start", "update"]
    found = remembered(updated(2, 1), updated(4, 2), updated(1, 3, epoch=2))
    assert [(one["epoch"], one["frames"]) for one in found] == [(1, 2), (2, 1)]


def test_an_update_that_is_read_again_adds_nothing():
    """The very same rows come back, so nothing is written."""
    rows = NO_ROWS
    facts = [updated(2, 1), updated(4, 2), updated(6, 3)]
    for fact in facts:
        rows = remember(rows, "17", fact)
    for fact in facts:
        assert remember(rows, "17", fact) is rows


def test_updates_tell_their_first_token_and_their_last_state():
    """Of what is told once, the first; of what changes, the last."""
    (found,) = remembered(
        updated(2, 1, charging_state="EVConnected", meter_wh=150, evse=2),
        updated(4, 2, token="B", token_type="Central", charging_state="Charging"),
        updated(6, 3, token="C", meter_wh=300, evse=3),
        updated(8, 4, token=""),
    )
    assert (found["token"], found["token_type"], found["evse"]) == ("B", "Central", 2)
    assert (found["charging_state"], found["meter_wh"], found["last_meter_wh"]) == (
        "Charging",
        150,
        300,
    )


def test_of_readings_the_last_of_each_connection_is_kept():
    """By the station's time and not by when it is read; of one time the highest."""
    found = remembered(metered(9, 900), metered(3, 300), metered(2, 200, epoch=2))
    assert [(one["epoch"], one["last_meter_wh"]) for one in found] == [(1, 900), (2, 200)]
    later, earlier = metered(8, 910, told_ms=NOON), metered(9, 900, told_ms=NOON - 1)
    (found,) = remembered(earlier, later, metered(7, 905, told_ms=NOON))
    assert remembered(later, earlier, metered(7, 905, told_ms=NOON)) == (found,)
    assert (found["last_meter_wh"], found["last_sequence"]) == (910, 9)


def test_reservation_zero_is_none():
    """Some stations send 0 for no reservation."""
    assert remembered(start(1, reservation=0))[0]["reservation"] is None
    assert remembered(start(1, reservation=5))[0]["reservation"] == 5
