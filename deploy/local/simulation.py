"""Runs the simulated stations alone, against a gateway that may be anywhere."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.fleet import FAREWELL_S, Fleet
from programs.settings import KafkaSettings, setting

_END_TIME_S = FAREWELL_S + 2  # in all less than the ten seconds that container engines grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation(KafkaSettings):
    """Who is simulated; the log is wanted for the tokens of the stations alone."""

    stations: int = setting(4, "simulated stations", unit="stations", low=1, high=10_000)
    data: str = setting("data", "folder where the registers of their meters are kept")


async def simulate(settings: Simulation, url: str, say: Callable[[str], None]) -> None:
    """Let stations charge at a gateway until SIGTERM or SIGINT; `url` is its own with its path.

    `say` is told when none is connected, and when some are. Raises OSError when the folder of the
    data cannot be written, and what ends a station before its time or comes of `say`; registers
    are kept all the same.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    fleet = Fleet(url, settings.stations, _made(settings.data) / "stations.json")
    fleet.start()
    waiting = [asyncio.create_task(work) for work in (stop.wait(), fleet.over(), fleet.tell(say))]
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        for task in done:
            task.result()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_TIME_S):
                await fleet.farewell()
    finally:
        await fleet.end()


def _made(folder: str) -> Path:
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path
