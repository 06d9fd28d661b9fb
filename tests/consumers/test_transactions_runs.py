"""Facts under one transaction id are one transaction, unless a start says otherwise."""

import pytest

from consumers.tables.projections import NO_ROWS
from consumers.transactions.facts import TRANSACTION_FACTS, remember
from consumers.transactions.runs import is_unusable, runs
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


def found(*facts, name="17"):
    rows = NO_ROWS
    for fact in facts:
        rows = remember(rows, name, fact)
    return runs(rows.get(TRANSACTION_FACTS.name, ()))


def shape(*facts, **more):
    return [
        "".join(row["kind"][:3] + str(row["sequence"]) + " " for row in run.told).strip()
        for run in found(*facts, **more)
    ]


AGAIN = {"told_ms": NOON}
"""What a start says when it is sent again: the same time."""


def test_a_start_that_comes_again_is_the_same_transaction():
    """With whatever message id, on whatever connection."""
    facts = start(1, **AGAIN), start(3, **AGAIN), start(1, epoch=2, **AGAIN), stop(5, epoch=2)
    assert shape(*facts) == ["sta1 sta3 sta1 sto5"]


def test_a_start_that_says_something_else_is_another_one():
    """Two starts of one id: a hash that collides, or a station that counts from 1 after a reset."""
    assert shape(start(1, meter_wh=1), start(3, meter_wh=2), stop(5)) == ["sta1", "sta3 sto5"]
    assert shape(started(1, told_ms=1), started(3, told_ms=2), ended(5)) == ["sta1", "sta3 sto5"]


def test_the_same_start_after_the_stop_is_another_one():
    """A clock of 1970 and a meter that says 0 make all starts alike."""
    facts = start(1, told_ms=0), stop(3), start(5, told_ms=0), stop(7, told_ms=9)
    assert shape(*facts) == ["sta1 sto3", "sta5 sto7"]
    assert [run.another for run in found(*facts)] == [False, True]


def test_the_order_of_starts_is_that_of_the_log_and_not_of_reading():
    """A record of an old connection may land after those of the new one."""
    first, second = start(1, told_ms=0), start(1, epoch=2, told_ms=0)
    facts = [stop(3), stop(3, epoch=2), second, first]
    assert shape(*facts) == ["sta1 sto3", "sta1 sto3"]
    assert [run.start["epoch"] for run in found(*facts)] == [1, 2]


def test_a_stop_goes_to_the_last_one_started():
    """So do updates, answers and readings."""
    facts = [
        *(started(1, told_ms=1), updated(2), ended(3), started(5, told_ms=2)),
        *(updated(6), answered(7), metered(8), ended(9)),
    ]
    assert shape(*facts) == ["sta1 upd2 sto3", "sta5 upd6 sto9"]
    last = found(*facts)[-1]
    assert (len(last.answers), len(last.readings)) == (1, 1)


def test_what_comes_before_the_start_belongs_to_it():
    """2.x events may come in any order. What was told as earlier is the end of an earlier one."""
    assert shape(updated(1), ended(3), started(5, told_ms=NOON)) == ["upd1 sto3 sta5"]
    assert shape(ended(3, told_ms=NOON - 1), started(5, told_ms=NOON)) == ["sto3", "sta5"]


def test_the_first_stop_after_the_start_counts():
    """One before it only if there is no other."""
    (run,) = found(ended(1), started(3, told_ms=NOON), ended(5, reason="Remote"), ended(7))
    assert run.stop["sequence"] == 5
    (run,) = found(ended(1), started(3, told_ms=NOON))
    assert run.stop["sequence"] == 1


def test_answers_and_readings_alone_are_no_transaction():
    """MeterValues never open one: not before the start, and not after the stop."""
    assert found(metered(1), answered(2)) == []


@pytest.mark.parametrize("name", ["0", "-1", "9223372036854775807", "?", "?2"])
def test_stops_that_name_no_transaction_have_nothing_to_do_with_each_other(name):
    """Each is one of its own, unless it is another one sent again."""
    assert is_unusable(name)
    facts = [stop(n, transaction=name, told_ms=n, meter_wh=n) for n in (1, 3)]
    again = stop(5, transaction=name, told_ms=1, meter_wh=1)
    assert shape(*facts, again, name=name) == ["sto1 sto5", "sto3"]


def test_a_station_of_2x_may_call_a_transaction_zero():
    """There the id is the station's own, whatever it is."""
    assert shape(started(1), updated(2), ended(3), name="0") == ["sta1 upd2 sto3"]
