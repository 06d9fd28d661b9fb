"""The row of a transaction says when, where, by whom, how much and why."""

import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.consumers.telling import (
    MINUTE,
    NOON,
    answered,
    ended,
    metered,
    row,
    rows,
    start,
    started,
    stop,
    updated,
)

LATER = NOON + 30 * MINUTE


def picked(row, *names):
    return tuple(row[name] for name in names)


def test_a_transaction_of_16():
    """Begin and end, meter, energy, duration, reason, tokens and where it stands in the log."""
    found = row(
        start(1, reservation=5, meter_wh="100"),
        answered(2, "Accepted", group="fleet"),
        metered(9, "512.5"),
        stop(
            20,
            token="a",
            observed_ms=LATER,
            told_ms=LATER,
            meter_wh="900.25",
            reason="EVDisconnected",
        ),
    )
    uuid.UUID(found.pop("id"))
    assert found == {
        **{"station": "CS-1", "transaction_id": "17", "ordinal": 1, "own": False},
        **{"state": "ended", "evse": None, "connector": 1},
        **{"token": "A", "token_type": None, "token_group": "fleet", "status": "Accepted"},
        **{"stop_token": "a", "reason": "EVDisconnected", "charging_state": None},
        **{"begin_ms": NOON + 1000, "begin_text": None, "begin_observed_ms": NOON + 2000},
        **{"end_ms": LATER, "end_text": None, "end_observed_ms": LATER},
        **{"duration_ms": 30 * MINUTE - 1000, "offline": False},
        **{
            "meter_begin_wh": 100,
            "meter_end_wh": Decimal("900.25"),
            "energy_wh": Decimal("800.25"),
        },
        **{"meter_last_wh": Decimal("512.5"), "meter_last_ms": NOON + 9000},
        **{"reservation": 5, "remote_start": None, "start_repeats": 0, "stop_repeats": 0},
        **{"updates": 0, "seq_first": None, "seq_last": None, "seq_missing": None},
        **{"seq_repeated": None, "seq_disordered": None, "anomalies": ""},
        **{"first_epoch": 1, "first_sequence": 1, "last_epoch": 1, "last_sequence": 20},
        **{"last_observed_ms": LATER},
    }


def test_a_transaction_of_2x():
    """Token and meter may be told after the start; the sequence numbers are looked after."""
    found = row(
        started(1, 0, token=None, meter_wh=None, charging_state="EVConnected", remote_start=7),
        updated(3, 1, token="B", token_type="Central", charging_state="Charging", meter_wh=200),
        answered(4, "Accepted"),
        updated(5, 2, meter_wh=400),
        ended(7, 3, token="C", reservation=9),
        answered(8, "Invalid"),
    )
    assert picked(found, "own", "state", "evse", "connector", "reservation", "remote_start") == (
        *(True, "ended", 1, 1, 9, 7),
    )
    assert picked(found, "token", "token_type", "stop_token", "status") == (
        *("B", "Central", "C", "Accepted"),
    )
    assert picked(found, "charging_state", "updates", "meter_last_wh") == ("Charging", 2, 400)
    assert picked(found, "meter_begin_wh", "meter_end_wh", "energy_wh") == (200, 900, 700)
    assert picked(found, "seq_first", "seq_last", "seq_missing", "seq_repeated") == (0, 3, 0, 0)
    assert found["anomalies"] == "other_stop_token meter_begin_missing"


def test_an_open_transaction_has_no_energy_for_the_bill():
    """But the last reading is there."""
    found = row(start(1), metered(5, 300))
    assert picked(found, "state", "energy_wh", "duration_ms", "meter_end_wh", "meter_last_wh") == (
        *("open", None, None, None, 300),
    )


@pytest.mark.parametrize(
    ("begin", "end", "energy"),
    [(100, 900, 800), (100, 100, 0), (900, 100, None), (100, None, None), (None, 900, None)],
)
def test_energy_is_never_negative_nor_guessed(begin, end, energy):
    """Null where nobody knows it: a sum leaves it out, and a person finds it by its flag."""
    assert row(start(1, meter_wh=begin), stop(3, meter_wh=end))["energy_wh"] == energy


def test_a_stop_without_reading_ends_at_the_last_one():
    """Rather too little on the bill than too much."""
    found = row(start(1), metered(5, 300), metered(7, 400), stop(9, meter_wh=None))
    assert picked(found, "meter_end_wh", "energy_wh", "anomalies") == (
        400,
        300,
        "meter_end_missing",
    )


def test_energy_is_exact():
    """No binary fraction comes near it."""
    found = row(started(1, meter_wh="0.1"), ended(3, 1, meter_wh="0.3"))
    assert found["energy_wh"] == Decimal("0.2")


@pytest.mark.parametrize(
    ("begin", "end", "duration"),
    [
        (0, 60_000, 60_000),
        (0, NOON, None),
        (NOON, NOON - 1, None),
        (None, NOON, None),
        (NOON - 9000, NOON, 9000),
        (NOON + 600_000, NOON + 660_000, 60_000),
        (NOON, NOON + 600_000, None),
    ],
)
def test_duration_needs_one_clock(begin, end, duration):
    """A clock that was set in between measures nothing; one that was wrong throughout does."""
    assert row(start(1, told_ms=begin), stop(3, told_ms=end))["duration_ms"] == duration


def test_repeats_are_counted_and_not_added_up():
    """A start and a stop that came three times each."""
    said = {"told_ms": NOON}
    facts = [start(n, **said) for n in (1, 3, 5)] + [stop(n, **said) for n in (7, 9, 11)]
    found = row(*facts, *facts)
    assert picked(found, "start_repeats", "stop_repeats", "energy_wh") == (2, 2, 800)
    assert picked(found, "anomalies", "begin_observed_ms") == ("", NOON + 2000)


def test_the_last_answer_before_the_stop_is_the_status():
    """A retried start is answered again, and what a stop is told is another matter."""
    said = {"told_ms": NOON}
    facts = [start(1, **said), answered(2, "ConcurrentTx"), start(3, **said), answered(4)]
    assert row(*facts)["status"] == "Accepted"
    assert row(*facts, stop(5), answered(6, "Expired"))["status"] == "Accepted"
    assert row(stop(5), answered(6, "Expired"))["status"] == "Expired"


def test_a_transaction_has_one_id_whatever_comes_later():
    """Of 1.6 it is that of what the start says, of 2.x that of the station's own id."""
    facts = start(1, told_ms=NOON), metered(3), stop(5), start(7, epoch=2, told_ms=0)
    assert rows(*facts)[0]["id"] == row(facts[0])["id"]
    others = ({"token": "B"}, {"connector": 2}, {"meter_wh": 1}, {"told_ms": 1}, {})
    assert len({row(start(1, **other))["id"] for other in others}) == 5
    assert row(ended(5))["id"] == row(started(1, told_ms=1))["id"] == row(updated(2))["id"]
    assert row(started(1, transaction="18"))["id"] != row(started(1))["id"]


def test_an_id_does_not_change_with_the_program():
    """It is in other people's books."""
    assert row(start(1, told_ms=NOON))["id"] == "74efd0b6-f5ca-5989-aac7-0f1984564cfe"
    assert row(started(1))["id"] == "89fd5eff-b2e0-582b-bfc9-f87beb9473cc"


def test_each_row_of_an_id_has_an_id_of_its_own():
    """Also where the starts are alike."""
    facts = [start(1, told_ms=0), stop(2), start(3, told_ms=0), stop(4), start(5, told_ms=0)]
    found = rows(*facts)
    assert [one["ordinal"] for one in found] == [1, 2, 3]
    assert [one["state"] for one in found] == ["ended", "ended", "open"]
    assert len({one["id"] for one in found}) == 3


def test_sequence_numbers_are_counted_over_connections():
    """Missing, repeated and disordered ones, wherever they came."""
    found = row(
        started(1, 0),
        *(updated(n, n) for n in (2, 3, 7)),
        *(updated(n, seq, epoch=2) for n, seq in ((1, 7), (2, 5), (3, 8))),
        ended(4, 10, epoch=2),
    )
    assert picked(found, "seq_first", "seq_last", "seq_missing") == (0, 10, 4)  # 1 4 6 9
    assert picked(found, "seq_repeated", "seq_disordered", "updates") == (1, True, 6)


def test_a_late_update_is_not_the_last_one():
    """It came after a higher number, and tells what was before that."""
    told = [
        started(1, 0, meter_wh=10_000, charging_state="EVConnected"),
        updated(3, 2, meter_wh=14_000, charging_state="SuspendedEV", told_ms=NOON + 20),
        updated(5, 1, meter_wh=12_000, charging_state="Charging", told_ms=NOON + 10),
    ]
    found = row(*told)
    assert picked(found, "meter_last_wh", "meter_last_ms", "charging_state") == (
        *(14_000, NOON + 20, "SuspendedEV"),
    )
    found = row(*told, ended(7, 3, meter_wh=None))
    assert picked(found, "meter_end_wh", "energy_wh", "seq_disordered") == (14_000, 4_000, True)


_UPDATES = st.lists(
    st.fixed_dictionaries(
        {
            "meter_wh": st.sampled_from([None, *range(200, 900, 100)]),
            "charging_state": st.sampled_from([None, "Charging", "SuspendedEV"]),
            "token": st.sampled_from([None, "", "B", "C"]),
        }
    ),
    max_size=5,
)


@pytest.mark.parametrize("is_numbered", [True, False])
@given(_UPDATES, st.data())
def test_what_updates_tell_does_not_depend_on_when_they_come(is_numbered, said, data):
    """First and last are so by the sequence number, or by the station's clock where none is."""
    told = [
        one | {"seq_no": number if is_numbered else None, "told_ms": NOON + number}
        for number, one in enumerate(said, start=1)
    ]
    order = data.draw(st.permutations(told))
    breaks = data.draw(st.sets(st.integers(1, 5)))
    came = [
        updated(3 + place, epoch=1 + sum(one <= place for one in breaks), **one)
        for place, one in enumerate(order)
    ]
    begun = started(1, 0, meter_wh=None, token=None)
    found = row(begun, *came, ended(2, 9, epoch=9, meter_wh=None, told_ms=NOON + 9))
    of = {name: [one[name] for one in said if one[name]] for name in ("meter_wh", "token")}
    meters, states = of["meter_wh"], [one["charging_state"] for one in said]
    assert picked(found, "meter_begin_wh", "meter_end_wh", "meter_last_wh") == (
        *((meters[0], meters[-1], meters[-1]) if meters else (None,) * 3),
    )
    assert found["token"] == (of["token"] or [None])[0]
    assert found["charging_state"] == ([one for one in states if one] or [None])[-1]


def test_the_last_reading_is_the_one_told_last():
    """Also on another connection; a clock that was never set says nothing of when that was."""
    said = {"told_ms": NOON + MINUTE, "observed_ms": NOON + 5 * MINUTE}
    late = {"told_ms": NOON, "observed_ms": NOON + 6 * MINUTE}
    found = row(start(1), metered(3, 400, **said), metered(5, 300, **late))
    assert picked(found, "meter_last_wh", "meter_last_ms", "last_sequence") == (
        *(400, NOON + MINUTE, 5),
    )
    found = row(start(1), metered(3, 400, **said), metered(1, 300, epoch=2, **late))
    assert picked(found, "meter_last_wh", "last_epoch") == (400, 2)
    unset = {"told_ms": 5, "observed_ms": NOON + 6 * MINUTE}
    assert row(start(1), metered(3, 400, **said), metered(5, 500, **unset))["meter_last_wh"] == 500
