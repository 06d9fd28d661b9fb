"""A fleet of simulated charging stations that live their days against a gateway."""

import asyncio
from contextlib import suppress
from random import SystemRandom

from deploy.local.connector import Meters
from deploy.local.station import SPEED, Station, World

FAREWELL_S = 3.0
"""Real seconds in which open sessions are ended when the fleet is told to stop."""


async def run(  # noqa: PLR0913 - all that a fleet depends on, each by name
    url: str,
    count: int,
    *,
    seed: int | None,
    speed: float = SPEED,
    stop: asyncio.Event,
    meters: Meters | None = None,
) -> None:
    """Let `count` stations live against the gateway at `url` until `stop` is set.

    `seed` None means new days every time. `meters` holds the registers in Wh by
    "<station>/<connector>" and is kept up to date, so that a later run can go on from there.
    """
    chosen = SystemRandom().getrandbits(32) if seed is None else seed
    world = World(url, chosen, speed, meters={} if meters is None else meters)
    await accompany([Station(number, world) for number in range(1, count + 1)], stop)


async def accompany(fleet: list[Station], stop: asyncio.Event) -> None:
    """Let these stations live until `stop` is set, then end within FAREWELL_S and a little more.

    Raises what ended a station before its time: a bug.
    """
    lives = [asyncio.create_task(station.live()) for station in fleet]
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({stopping, *lives}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await asyncio.gather(*(station.farewell() for station in fleet))
    finally:
        for task in (stopping, *lives):
            task.cancel()
        outcomes = await asyncio.gather(*lives, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
