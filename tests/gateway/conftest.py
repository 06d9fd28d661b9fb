"""What all tests of the gateway's parts have."""

import pytest

from gateway import link
from tests.station import PATIENCE_S


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A station has all the time that it needs to end the closing handshake."""
    monkeypatch.setattr(link, "CLOSE_TIME_S", PATIENCE_S)
