"""The simulated stations as a program of their own, as a container runs them."""

import json
import signal
import sys
from pathlib import Path

import pytest

from deploy.local import fleet
from deploy.local.process import Process
from deploy.local.simulation import Simulation, simulate
from deploy.local.station import Station
from tests.deploy.central import central


async def test_stations_charge_until_they_are_told_to_stop(tmp_path: Path) -> None:
    """SIGTERM ends their sockets in order, and the registers of their meters are kept."""
    async with central() as system:
        words = [system.url, "--stations", "2", "--no-tokens", "--data", str(tmp_path / "data")]
        command = [sys.executable, "-m", "chargewire", "simulate", *words]
        running = Process(command, log=tmp_path / "log")
        try:
            await system.until(lambda: len(system.of("BootNotification")) == 2)
            first, second, *_ = running.output().splitlines()
            assert first == f"2 simulated stations for {system.url}"
            assert second == "Stations are connected."
            running.signal(signal.SIGTERM)
            assert await running.ended(120) == 0, running.output()
        finally:
            running.kill()
        await system.until(lambda: not system.sockets)
    assert isinstance(json.loads((tmp_path / "data/stations.json").read_text()), dict)


async def test_what_ends_a_station_ends_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of one is raised, not taken for a good end; registers are kept."""

    async def live(station: Station) -> None:
        del station
        raise LookupError("a bug")

    monkeypatch.setattr(Station, "live", live)
    with pytest.raises(LookupError, match="a bug"):
        await simulate(
            Simulation(stations=2, data=str(tmp_path)), "ws://127.0.0.1:9/ocpp", lambda _: None
        )
    assert (tmp_path / "stations.json").exists()


async def test_registers_are_kept_where_nothing_can_be_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was told is gone: that ends the program, in order."""

    def say(text: str) -> None:
        raise BrokenPipeError(text)

    monkeypatch.setattr(fleet, "NONE_S", 0)
    with pytest.raises(BrokenPipeError, match="No station is connected"):
        await simulate(Simulation(stations=2, data=str(tmp_path)), "ws://127.0.0.1:9/ocpp", say)
    assert (tmp_path / "stations.json").exists()
