"""`chargewire reservations`, as an operator runs it."""

import json
import time

import pytest

from chargewire.reservations import reservations, table
from consumers.reservations.projection import CONSUMER
from tests.chargewire.listed import runner
from tests.consumers.reserving import HOUR, answered, asked, begun, judged, row, rows
from tests.consumers.telling import NOON

NOW = time.time_ns() // 1_000_000


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command on a store with one that stands, one that time has ended, one refused."""
    facts = [
        *(asked(1, reservation=1, expires_ms=NOW + HOUR), answered(2, reservation=1)),
        *(asked(3, reservation=2, expires_ms=NOW - 2000), answered(4, reservation=2)),
        asked(60, reservation=3, expires_ms=NOW + HOUR),
        answered(61, "Occupied", reservation=3),
    ]
    return runner(reservations, CONSUMER, facts, monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {1: "accepted", 2: "expired", 3: "refused"}),
        (["--active"], {1: "accepted"}),
        (["--station", "CS-1", "--since", "2026-11-21T12:01"], {3: "refused"}),
        (["--station", "cs-1"], {}),
    ],
)
def test_what_is_chosen(run, arguments, expected):
    """Of the states as they are now, although nobody has written that one has expired."""
    found = [json.loads(line) for line in run("--json", *arguments).stdout.splitlines()]
    assert {one["reservation_id"]: one["state"] for one in found} == expected


def test_a_table_by_default(run):
    """The oldest first."""
    heading, *lines = run().stdout.splitlines()
    assert heading.split()[:3] == ["STATION", "RESERVATION", "AT"]
    assert [line.split()[1] for line in lines] == ["1", "2", "3"]


def line(row):
    return table([row], 0)[1]


def test_a_reservation_is_a_line():
    """Where, for whom, from when until when, and what became of it."""
    made = [asked(1, expires_ms=NOON + HOUR), answered(2)]
    assert line(row(*made)) == [
        *("CS-1", "5", "1", "Ab", "2026-11-21 12:00", "2026-11-21 13:00", "accepted", ""),
    ]
    assert line(row(*made, begun(3)))[6:] == ["used", "17"]
    assert line(row(*made, begun(3), judged(4, "Invalid")))[6:] == ["accepted", "17 (refused)"]
    assert len(table([], 0)[0]) == len(line(row(*made)))


def test_why_one_was_refused():
    """In the station's word; an error has none."""
    assert line(row(asked(1), answered(2, "Faulted")))[6] == "refused: Faulted"
    assert line(row(asked(1), answered(2, None)))[6] == "refused: error"


def test_what_is_reserved():
    """A connector, an EVSE, any with such a connector, or any at all."""
    where = {"connector": None, "evse": None}
    assert line(row(asked(1, **where | {"evse": 2})))[2] == "2"
    assert line(row(asked(1, **where, connector_type="cCCS2")))[2] == "cCCS2"
    assert line(row(asked(1, **where)))[2] == ""


def test_an_id_that_was_used_again_shows_its_number():
    """And what is not known is empty."""
    assert line(rows(begun(1), asked(3))[1])[1] == "5 #2"
    assert line(row(begun(1)))[2:6] == ["", "", "", ""]
