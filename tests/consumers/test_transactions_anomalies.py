"""What is odd has a name, and nothing is left out for it."""

import pytest

from consumers.transactions.anomalies import ANOMALIES
from tests.consumers.telling import (
    MINUTE,
    NOON,
    ended,
    flags,
    metered,
    rows,
    start,
    started,
    stop,
    updated,
)

SAME = {"told_ms": NOON}
CASES = {
    "nothing": ([start(1), stop(3)], ""),
    "a case of letters": ([start(1, token="aB"), stop(3, token="Ab")], ""),
    "no token at the stop": ([start(1), stop(3, token=None)], ""),
    "an empty token": ([start(1, token=""), stop(3, token="B")], ""),
    "sent again": ([start(1, **SAME), start(2, **SAME), stop(3, **SAME), stop(4, **SAME)], ""),
    "reading before the stop": ([start(1), metered(2), stop(3)], ""),
    "no stop yet": ([start(1)], ""),
    "four minutes late": ([start(1, told_ms=NOON - 4 * MINUTE)], ""),
    "four minutes ahead": ([start(1, told_ms=NOON + 4 * MINUTE)], ""),
    "stop alone": ([stop(3)], "stop_without_start"),
    "update alone": ([updated(3)], "no_start"),
    "end alone": ([ended(3)], "stop_without_start"),
    "stop first": ([ended(1, told_ms=NOON), started(3, 3, **SAME)], "stop_before_start"),
    "second stop": ([start(1), stop(3), stop(5, meter_wh=901)], "second_stop"),
    "other token": ([start(1), stop(3, token="B")], "other_stop_token"),
    "no meter": ([start(1, meter_wh=None), stop(3)], "meter_begin_missing"),
    "no meter at the end": ([start(1), stop(3, meter_wh=None)], "meter_end_missing"),
    "meter backwards": ([start(1), stop(3, meter_wh=99)], "meter_backwards"),
    "backwards so far": ([start(1), metered(2, 99)], "meter_backwards"),
    "clock of 1970": ([start(1, told_ms=5), stop(3)], "clock_1970"),
    "clock before 1970": ([start(1, told_ms=-5), stop(3)], "clock_1970"),
    "clock ahead": ([start(1), stop(3, told_ms=NOON + 6 * MINUTE)], "clock_future"),
    "no time": ([start(1, told_ms=None, told_text="now"), stop(3)], "clock_unreadable"),
    "end first": (
        [start(1, told_ms=NOON), stop(3, told_ms=NOON - 1)],
        "clock_backwards",
    ),
    "late": ([start(1, told_ms=NOON - 6 * MINUTE), stop(3)], "delivered_late"),
    "gap": ([started(1), ended(3, 2)], "seq_gap"),
    "repeat": ([started(1), updated(3, 1), updated(4, 1), ended(5, 2)], "seq_repeated"),
    "disorder": ([started(1), updated(3, 2), updated(4, 1), ended(5, 3)], "seq_disordered"),
    "update afterwards": ([started(1), ended(3, 1), updated(5, 2)], "update_after_stop"),
    "update later by its number": (
        [started(1), updated(3, 3), ended(5, 2), updated(7, 1)],
        "seq_disordered update_after_stop",
    ),
    "update late": ([started(1), ended(3, 2), updated(5, 1)], "seq_disordered"),
    "update after without a number": (
        [started(1), ended(3, 1), updated(5, None)],
        "update_after_stop",
    ),
    "reading afterwards": ([start(1), stop(3), metered(5)], "reading_after_stop"),
    "0": ([stop(1, transaction="0")], "stop_without_start id_zero"),
    "-1": ([stop(1, transaction="-1")], "stop_without_start id_minus_one"),
    "2^63-1": ([stop(1, transaction="9223372036854775807")], "stop_without_start id_max"),
    "null": ([stop(1, transaction=None)], "stop_without_start id_missing"),
    "empty": ([stop(1, transaction="")], "stop_without_start id_missing"),
    "no id in 2.x": (
        [started(1, transaction=None), ended(3, 1, transaction=None, evse=1)],
        "id_missing",
    ),
    "0 in 2.x": ([started(1, transaction="0"), ended(3, 1, transaction="0")], ""),
    "much at once": (
        [stop(3, told_ms=None, meter_wh=None), stop(5, told_ms=1), metered(9)],
        "stop_without_start second_stop meter_end_missing clock_unreadable reading_after_stop",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_oddity_is_flagged_and_no_other(case):
    """In the order of the table; facts that come again flag nothing more."""
    facts, expected = CASES[case]
    assert flags(*facts) == expected.split()
    assert flags(*facts, *facts) == expected.split()
    assert set(expected.split()) <= set(ANOMALIES)


def test_every_name_is_told_by_some_case():
    """A second row of an id has a test of its own below."""
    told = {name for _, expected in CASES.values() for name in expected.split()}
    assert set(ANOMALIES) - told == {"another_start"}


def test_the_second_row_of_an_id_is_flagged():
    """The first one stays as it was."""
    first = [start(1, told_ms=0), stop(3, told_ms=9)]
    found = rows(*first, start(5, told_ms=0))
    assert found[0] == rows(*first)[0]
    assert found[1]["anomalies"].split() == ["another_start", "clock_1970"]
