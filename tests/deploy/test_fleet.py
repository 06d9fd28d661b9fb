"""The fleet of this machine and the file with its registers, over real sockets."""

import asyncio
import json
from pathlib import Path

from deploy.local.fleet import NONE_S, Fleet
from tests.deploy.central import central


async def test_a_fleet_lives_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """All three versions connect; at the end every session has an end and every socket a close."""
    async with central() as system:
        fleet = Fleet(system.url, 6, tmp_path / "stations.json")
        fleet.start(seed=3, speed=2000)
        await system.until(lambda: len(system.of("MeterValues")) > 3)
        await system.until(lambda: len(system.of("TransactionEvent")) > 9)
        assert {p.rsplit("/", 1)[1] for p in system.handshakes} == {
            f"CW-{n:04d}" for n in range(1, 7)
        }
        async with asyncio.timeout(30):
            await fleet.farewell()
        assert fleet.ended
        await system.until(lambda: not system.sockets)
    events = system.of("TransactionEvent")
    begun = {e["transactionInfo"]["transactionId"] for e in events if e["eventType"] == "Started"}
    ended = {e["transactionInfo"]["transactionId"] for e in events if e["eventType"] == "Ended"}
    assert begun == ended
    starts = {str(payload) for payload in system.of("StartTransaction")}
    stops = {str(payload) for payload in system.of("StopTransaction")}  # some are said twice
    assert len(starts) == len(stops) > 0


async def test_a_fleet_without_a_gateway_ends_at_once(tmp_path: Path) -> None:
    """Nothing to say farewell to, nothing to wait for."""
    fleet = Fleet("ws://127.0.0.1:9/ocpp", 3, tmp_path / "stations.json")
    fleet.start(seed=1, speed=2000)
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await fleet.farewell()


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
            assert json.loads(file.read_text())["CW-0001/1"] > before


async def test_a_damaged_file_is_as_none(tmp_path: Path) -> None:
    """Registers begin anew, and the file is whole again."""
    file = tmp_path / "stations.json"
    file.write_text("{")
    fleet = Fleet("ws://127.0.0.1:9/ocpp", 0, file)
    fleet.start()
    await fleet.farewell()
    await fleet.end()
    assert json.loads(file.read_text()) == {}


async def test_a_fleet_tells_when_none_of_it_is_connected(tmp_path: Path) -> None:
    """And why, and when some are again; a moment without any, as all restart, is no news."""
    said: asyncio.Queue[str] = asyncio.Queue()
    async with central() as system:
        system.refuse += [(503, {})] * 40
        fleet = Fleet(system.url, 2, tmp_path / "stations.json")
        fleet.start(seed=1)
        telling = asyncio.create_task(fleet.tell(said.put_nowait))
        assert "HTTP 503" in await said.get()
        assert await said.get() == "Stations are connected."
        await system.until(lambda: len(system.of("BootNotification")) == 2)
        before = len(system.handshakes)
        for socket in [*system.sockets]:
            await socket.close()
        await system.until(lambda: len(system.handshakes) > before)
        await asyncio.sleep(NONE_S * 2)
        assert said.empty()
    assert (await said.get()).startswith("No station is connected: ")
    telling.cancel()
    await fleet.end()
