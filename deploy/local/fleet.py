"""The simulated stations of this machine, whose registers outlive a run in a file."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from random import SystemRandom

from deploy.local.station import SPEED, Station, World

FAREWELL_S = 3.0
"""Real seconds in which open sessions are ended when the fleet is told to stop."""


class Fleet:
    """`count` stations against the gateway at `url`; `file` keeps their registers."""

    def __init__(self, url: str, count: int, file: Path) -> None:
        """The registers are in Wh, by "<station>/<connector>"."""
        self._url, self._count, self._file = url, count, file
        self._stop = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._meters: dict[str, int] = {}
        with suppress(OSError, ValueError):  # the first time, or damaged: registers begin anew
            self._meters.update(json.loads(file.read_text()))

    def start(self, *, seed: int | None = None, speed: float = SPEED) -> None:
        """Let them live in the background; `seed` None means new days every time."""
        chosen = SystemRandom().getrandbits(32) if seed is None else seed
        world = World(self._url, chosen, speed, meters=self._meters)
        stations = [Station(number, world) for number in range(1, self._count + 1)]
        self._life = asyncio.create_task(_accompany(stations, self._stop))

    @property
    def ended(self) -> bool:
        """Whether they have ended; raises what ended them before their time, which is a bug."""
        assert self._life is not None
        if not self._life.done():
            return False
        self._life.result()
        return True

    async def farewell(self) -> None:
        """Have them end their sessions and close their connections, within FAREWELL_S or so."""
        assert self._life is not None
        self._stop.set()
        await asyncio.wait({self._life})

    async def end(self) -> None:
        """Whatever is left of them ends now; their registers are kept."""
        assert self._life is not None
        self._life.cancel()
        await asyncio.wait({self._life})
        self._file.write_text(json.dumps(self._meters, indent=1, sort_keys=True))


async def _accompany(stations: list[Station], stop: asyncio.Event) -> None:
    """Let stations live until `stop` is set. Raises what ended one before its time: a bug."""
    lives = [asyncio.create_task(station.live()) for station in stations]
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({stopping, *lives}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await asyncio.gather(*(station.farewell() for station in stations))
    finally:
        for task in (stopping, *lives):
            task.cancel()
        outcomes = await asyncio.gather(*lives, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
