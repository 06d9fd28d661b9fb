"""Transactions read well."""

from chargewire.transactions.table import table
from tests.consumers.telling import NOON, ended, metered, row, rows, start, started, stop, updated

DONE = row(
    start(1, told_ms=NOON),
    stop(3, observed_ms=NOON + 3_600_000, told_ms=NOON + 3_600_000, meter_wh="12345.6", token="B"),
)


def line(row, now_ms=NOON + 120_000):
    return table([row], now_ms)[1]


def test_a_transaction_is_a_line():
    """Where, by whom, when, how long, how much, whether it ended and why, and what is odd."""
    assert line(DONE) == [
        *("CS-1", "17", "1", "A", "2026-11-21 12:00", "1h", "12.246"),
        *("ended", "", "Local", "other_stop_token"),
    ]
    assert len(table([], 0)[0]) == len(line(DONE))


def test_what_goes_on_shows_how_far_it_is():
    """Followed by an ellipsis, so that nobody takes it for the end."""
    assert line(row(start(1), metered(2, 1600)))[5:10] == ["1m 58s …", "1.500 …", "open", "", ""]
    charging = started(1, charging_state="EVConnected"), updated(2, charging_state="Charging")
    assert line(row(*charging))[2:10] == [
        *("1.1", "A", "2026-11-21 12:00", "1m 58s …", "", "open", "Charging", ""),
    ]
    assert line(row(updated(2)))[4:8] == ["", "", "", "open"]


def test_states_and_reasons_are_words_of_the_table():
    """Nobody has to know which of them a column has: it is called as in JSON and CSV."""
    (heading, *_) = table([], 0)
    facts = started(1, charging_state="Charging"), ended(2, charging_state="EVConnected")
    over = row(*facts)
    shown = dict(zip(heading, line(over), strict=True))
    assert (shown["STATE"], shown["REASON"]) == (over["state"], over["reason"])
    assert (over["charging_state"], shown["CHARGING"]) == ("EVConnected", "")


def test_what_nobody_knows_is_empty():
    """No energy of a meter that ran backwards, no beginning of a stop alone."""
    assert line(row(start(1), stop(3, meter_wh=99)))[6] == ""
    assert line(row(stop(3)))[3:7] == ["", "", "", ""]


def test_the_second_row_of_an_id_shows_its_number():
    """And the first does not."""
    found = rows(start(1, told_ms=0), stop(2), start(3, told_ms=0))
    assert [line(one)[1] for one in found] == ["17", "17 #2"]
