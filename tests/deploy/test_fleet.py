"""The fleet of this machine and the file with its registers."""

import json
from pathlib import Path

from deploy.local.fleet import Fleet
from tests.deploy.central import central


async def test_registers_outlive_a_run(tmp_path: Path) -> None:
    """The second run's first transaction starts where the meter of the first was left."""
    file = tmp_path / "stations.json"
    for _ in range(2):
        before = json.loads(file.read_text())["CW-0001/1"] if file.exists() else None
        async with central() as system:
            fleet = Fleet(system.url, 1, file)
            fleet.start(seed=3, speed=5000)
            await system.until(lambda s=system: s.of("MeterValues"))
            assert not fleet.ended
            await fleet.farewell()
            await fleet.end()
            assert fleet.ended
        if before is not None:
            assert system.of("StartTransaction")[0]["meterStart"] == before


async def test_a_damaged_file_is_as_none(tmp_path: Path) -> None:
    """Registers begin anew, and the file is whole again."""
    file = tmp_path / "stations.json"
    file.write_text("{")
    fleet = Fleet("ws://127.0.0.1:9/ocpp", 0, file)
    fleet.start(seed=1, speed=1)
    await fleet.farewell()
    await fleet.end()
    assert json.loads(file.read_text()) == {}
