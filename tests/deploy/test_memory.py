"""What a simulated station knows of itself."""

from datetime import timedelta

from deploy.local.memory import Listed, Reservation
from tests.deploy.memories import NOW, station


def test_a_transaction_is_found_by_its_id() -> None:
    """No other, and none that is over."""
    memory = station(busy=True)
    assert memory.charging(7) is memory.plugs[1]
    assert memory.charging(8) is None
    memory.plugs[1].session = None
    assert memory.charging(7) is None


def test_a_reservation_is_for_its_token_and_its_group() -> None:
    """In any case of letters; a group is known from the local list only."""
    memory, plug = station(), station().plugs[1]
    assert memory.welcome(plug, "anybody")
    plug.reservation = Reservation(1, "Guest", "FLEET", NOW + timedelta(hours=1))
    assert memory.welcome(plug, "GUEST")
    assert not memory.welcome(plug, "Driver")
    memory.tokens["driver"] = Listed("Driver", "Accepted", "FLEET")
    assert memory.welcome(plug, "Driver")


def test_new_stations_have_the_firmware_of_their_model() -> None:
    """Until they install another."""
    assert station().firmware == station().model.firmware
