"""The simulated stations as a program of their own, as a container runs them."""

import json
import signal
import sys
from pathlib import Path

from deploy.local.process import Process
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
