"""A fleet of simulated stations, against a small central system over real sockets."""

import asyncio

from deploy.local.stations import run
from tests.deploy.central import central


async def test_a_fleet_lives_until_it_is_told_to_stop() -> None:
    """All three versions connect; at the end every session has an end and every socket a close."""
    stop, meters = asyncio.Event(), dict[str, int]()
    async with central() as system:
        fleet = asyncio.create_task(
            run(system.url, 6, seed=3, speed=2000, stop=stop, meters=meters)
        )
        await system.until(lambda: len(system.of("MeterValues")) > 3)
        await system.until(lambda: len(system.of("TransactionEvent")) > 9)
        assert {p.rsplit("/", 1)[1] for p in system.handshakes} == {
            f"CW-{n:04d}" for n in range(1, 7)
        }
        stop.set()
        async with asyncio.timeout(5):
            await fleet
        assert not system.sockets
    events = system.of("TransactionEvent")
    begun = {e["transactionInfo"]["transactionId"] for e in events if e["eventType"] == "Started"}
    ended = {e["transactionInfo"]["transactionId"] for e in events if e["eventType"] == "Ended"}
    assert begun == ended
    starts = {str(payload) for payload in system.of("StartTransaction")}
    stops = {str(payload) for payload in system.of("StopTransaction")}  # some are said twice
    assert len(starts) == len(stops) > 0
    assert meters


async def test_a_fleet_without_a_gateway_ends_at_once() -> None:
    """Nothing to say farewell to, nothing to wait for."""
    stop = asyncio.Event()
    fleet = asyncio.create_task(run("ws://127.0.0.1:9/ocpp", 3, seed=1, speed=2000, stop=stop))
    await asyncio.sleep(0)
    stop.set()
    async with asyncio.timeout(2):
        await fleet


async def test_meters_go_on_from_where_they_were() -> None:
    """What an earlier run has left is where this one begins."""
    stop, meters = asyncio.Event(), {"CW-0001/1": 5_000_000}
    async with central() as system:
        fleet = asyncio.create_task(
            run(system.url, 1, seed=3, speed=5000, stop=stop, meters=meters)
        )
        await system.until(lambda: system.of("MeterValues"))
        stop.set()
        await fleet
    assert system.of("StartTransaction")[0]["meterStart"] == 5_000_000
    assert meters["CW-0001/1"] > 5_000_000
