"""Reservations of a simulated station."""

from datetime import timedelta

import pytest

from deploy.local.days import Status
from deploy.local.effects import Expire, Rest
from deploy.local.memory import Memory, Reservation
from deploy.local.reserving import cancel, reserve
from tests.deploy.memories import NOW, station


def wanted(number: int = 1, hours: float = 1) -> Reservation:
    return Reservation(number, "T", None, NOW + timedelta(hours=hours))


def word(memory: Memory, connector: int, number: int = 1, hours: float = 1) -> str:
    return str(reserve(memory, connector, wanted(number, hours))[0]["status"])


def test_a_connector_is_kept_until_it_is_given_back() -> None:
    """Its state and its end follow the answer."""
    memory = station()
    assert reserve(memory, 2, wanted()) == (
        {"status": "Accepted"},
        (Rest(2), Expire(2, wanted())),
    )
    assert memory.plugs[2].reservation == wanted()
    assert cancel(memory, 2) == ({"status": "Rejected"}, ())
    assert cancel(memory, 1) == ({"status": "Accepted"}, (Rest(2),))
    assert memory.plugs[2].reservation is None


@pytest.mark.parametrize("state", ["Faulted", "Unavailable", "Preparing"])
def test_what_is_not_free_is_not_kept(state: str) -> None:
    """The answer says what it is."""
    memory = station(busy=True)
    assert word(memory, 1) == "Occupied"
    memory.plugs[2].status = Status(state)
    assert word(memory, 2) == ("Occupied" if state == "Preparing" else state)
    assert (word(memory, 9), word(memory, 2, hours=-1)) == ("Rejected", "Rejected")


def test_any_connector_is_the_first_that_is_free() -> None:
    """And when all are taken, that is the answer."""
    memory = station(busy=True)
    assert word(memory, 0, 1) == "Accepted"
    assert memory.plugs[2].reservation is not None
    assert word(memory, 0, 2) == "Occupied"


def test_the_same_id_is_the_same_reservation() -> None:
    """It moves, and when it cannot, stays where it was."""
    memory = station()
    assert word(memory, 1) == "Accepted"
    _, effects = reserve(memory, 2, wanted(hours=2))
    assert effects == (Rest(1), Rest(2), Expire(2, wanted(hours=2)))
    memory.plugs[1].status = Status("Faulted")
    assert word(memory, 1) == "Faulted"
    assert memory.plugs[2].reservation == wanted(hours=2)
