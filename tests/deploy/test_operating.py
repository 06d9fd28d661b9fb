"""How a simulated station is worked from afar."""

from datetime import timedelta

import pytest

from deploy.local import operating
from deploy.local.effects import Operate, Restart, Start, Stop
from deploy.local.memory import Reservation
from tests.deploy.memories import NOW, station

REJECTED = ({"status": "Rejected"}, ())


def test_a_remote_start_takes_a_free_connector_or_is_rejected() -> None:
    """The one asked for, else the first that is free; one reserved for the token comes first."""
    assert operating.start(station(busy=True), None, "T")[1] == (Start(2, "T"),)
    assert operating.start(station(busy=True), 1, "T") == REJECTED
    memory = station()
    memory.plugs[2].reservation = Reservation(1, "T", None, NOW + timedelta(hours=1))
    assert operating.start(memory, None, "T", 5)[1] == (Start(2, "T", 5),)
    assert operating.start(memory, 2, "other") == REJECTED


def test_a_remote_stop_needs_a_session_of_that_id() -> None:
    """Another id is rejected and stops nothing."""
    assert operating.stop(station(busy=True), 7)[1] == (Stop(1, "Remote"),)
    assert operating.stop(station(busy=True), 8) == REJECTED


def test_unlocking_ends_a_session_in_1_6_and_is_refused_in_2_x() -> None:
    """And needs a connector that is there."""
    memory = station(busy=True)
    assert operating.unlock_16(memory, 1) == ({"status": "Unlocked"}, (Stop(1, "UnlockCommand"),))
    assert operating.unlock_16(memory, 3) == ({"status": "NotSupported"}, ())
    words = [operating.unlock_2(memory, *where)[0]["status"] for where in ((1, 1), (2, 1), (2, 2))]
    assert words == ["OngoingAuthorizedTransaction", "Unlocked", "UnknownConnector"]


def test_availability_is_scheduled_while_charging() -> None:
    """No connector means all of them."""
    memory = station(busy=True)
    scheduled = operating.availability(memory, None, 1, "Inoperative")
    assert scheduled == ({"status": "Scheduled"}, (Operate((1, 2), operative=False),))
    assert operating.availability(memory, 2, 1, "Inoperative")[0] == {"status": "Accepted"}
    assert operating.availability(memory, 3, 1, "Operative") == REJECTED


@pytest.mark.parametrize(
    ("busy", "manner", "word", "reason"),
    [
        (True, "OnIdle", "Scheduled", "ScheduledReset"),
        (False, "OnIdle", "Accepted", "RemoteReset"),
        (True, "Hard", "Accepted", "RemoteReset"),
    ],
)
def test_a_reset_waits_only_where_it_is_told_to(
    busy: bool, manner: str, word: str, reason: str
) -> None:
    """The reason is what the next boot gives."""
    told = operating.reset(station(busy=busy), manner)
    assert told == ({"status": word}, (Restart(manner, reason),))


def test_a_reset_of_an_evse_ends_its_session_only() -> None:
    """And it has to be there."""
    assert operating.reset(station(), "Hard", 1)[1] == (Stop(1, "HardReset"),)
    assert operating.reset(station(), "Hard", 4) == REJECTED
