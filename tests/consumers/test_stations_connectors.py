"""consumers.stations.connectors: how each connector is, and was."""

import pytest

from consumers.meaning.facts import At, AvailabilityAnswered, StatusTold
from consumers.stations.connectors import (
    CONNECTORS,
    STATUS_HISTORY,
    availability_answered,
    status_told,
)
from consumers.tables.projections import NO_ROWS


def at(sequence, epoch=1):
    return At("CS-1", epoch, sequence, 1000 * sequence, f"{epoch}.{sequence}.CS-1")


def told(*facts):
    rows = NO_ROWS
    for fact in facts:
        rows = status_told(rows, fact)
    return rows


def connector(rows):
    (row,) = rows[CONNECTORS.name]
    return row


def test_a_status_says_all_of_a_connector():
    """And once more in its history."""
    fact = StatusTold(
        at(4), 2, 3, "Faulted", "OtherError", "info", "vendor", "E7", 900, "0.9", index=1
    )
    rows = told(fact)
    common = {
        "station": "CS-1", "evse": 2, "connector": 3, "status": "Faulted", "operative": False,
        "told_ms": 900, "told_text": "0.9", "observed_ms": 4000, "error_code": "OtherError",
        "info": "info", "vendor_id": "vendor", "vendor_error": "E7",
    }  # fmt: skip
    last = {"status_epoch": 1, "status_sequence": 4, "status_no": 1}
    assert connector(rows) == dict.fromkeys(CONNECTORS.columns.keys()) | common | last
    history = {"epoch": 1, "sequence": 4, "status_no": 1}
    assert rows[STATUS_HISTORY.name] == (common | history,)


def test_the_last_status_counts():
    """By the order of the log, whatever the clocks say; the history has them all."""
    new = StatusTold(at(1, epoch=2), None, 1, "Available", told_ms=5)
    old = StatusTold(at(9), None, 1, "Charging", told_ms=9999)
    for rows in (told(new, old), told(old, new), told(old, new, old)):
        assert connector(rows)["status"] == "Available"
        assert [row["status"] for row in rows[STATUS_HISTORY.name]] == ["Charging", "Available"]


def test_one_frame_may_tell_of_a_connector_twice():
    """Then the later one counts, also when the frame comes again."""
    first = StatusTold(at(1), 1, 1, "Occupied", index=0)
    second = StatusTold(at(1), 1, 1, "Available", index=1)
    for rows in (told(first, second), told(second, first), told(first, second, first)):
        assert connector(rows)["status"] == "Available"
        assert len(rows[STATUS_HISTORY.name]) == 2


def test_stations_without_evses_have_connectors_all_the_same():
    """1.6: EVSE 0, and connector 0 is the whole station."""
    rows = told(StatusTold(at(1), None, 0, "Available"), StatusTold(at(2), None, 1, "Preparing"))
    places = [(row["evse"], row["connector"], row["status"]) for row in rows[CONNECTORS.name]]
    assert places == [(0, 0, "Available"), (0, 1, "Preparing")]


@pytest.mark.parametrize(
    ("status", "operative"),
    [("Available", True), ("SuspendedEV", True), ("Unavailable", False), ("Faulted", False),
     ("Occupied", True), (None, None)],
)  # fmt: skip
def test_whether_a_connector_can_be_used(status, operative):
    """As far as its status tells."""
    assert connector(told(StatusTold(at(1), None, 1, status)))["operative"] is operative


@pytest.mark.parametrize(("evse", "number"), [(-1, 1), (1, 10**6), (2**62, 0)])
def test_absurd_numbers_make_no_connectors(evse, number):
    """A row for each would grow without end; the history keeps them."""
    fact = StatusTold(at(1), evse, number, "Available")
    rows = availability_answered(told(fact), AvailabilityAnswered(at(2), evse, number))
    assert CONNECTORS.name not in rows
    assert len(rows[STATUS_HISTORY.name]) == 1


def test_availability_is_what_was_asked_and_answered():
    """Beside the status, which follows later or never."""
    old = AvailabilityAnswered(at(2), None, 1, "Inoperative", "Scheduled")
    new = AvailabilityAnswered(at(3), None, 1, "Operative", "Accepted")
    status = StatusTold(at(9), None, 1, "Available")
    for facts in ((old, new), (new, old)):
        rows = told(status)
        for fact in facts:
            rows = availability_answered(rows, fact)
        row = connector(rows)
        assert (row["availability_asked"], row["availability_answer"]) == ("Operative", "Accepted")
        assert (row["availability_ms"], row["status"]) == (3000, "Available")
    assert status_told(availability_answered(NO_ROWS, old), status).keys() == rows.keys()
