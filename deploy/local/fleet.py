"""The simulated stations of this machine, whose registers outlive a run in a file."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import SystemRandom

from deploy.local.station import SPEED, Station, World

NONE_S = 10.0  # all of a few may restart at a time
FAREWELL_S = 3.0
"""Real seconds in which open sessions are ended when the fleet is told to stop."""


class Fleet:
    """`count` stations against the gateway at `url`; `file` keeps their registers."""

    def __init__(self, url: str, count: int, file: Path) -> None:
        """The registers are in Wh, by "<station>/<connector>"."""
        self._url, self._count, self._file = url, count, file
        self._stop = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._stations: list[Station] = []
        self._meters: dict[str, int] = {}
        self._some, self._none = asyncio.Event(), asyncio.Event()  # of them are connected
        with suppress(OSError, ValueError):  # the first time, or damaged: registers begin anew
            self._meters.update(json.loads(file.read_text()))

    def start(self, *, seed: int | None = None, speed: float = SPEED) -> None:
        """Let them live in the background; `seed` None means new days every time."""
        chosen = SystemRandom().getrandbits(32) if seed is None else seed
        world = World(self._url, chosen, speed, meters=self._meters)
        self._stations = [Station(number, world) for number in range(1, self._count + 1)]
        for station in self._stations:
            station.line.changed = self._look
        self._look()
        self._life = asyncio.create_task(_accompany(self._stations, self._stop))

    def _look(self) -> None:
        is_any = any(station.line.connected for station in self._stations)
        now, before = (self._some, self._none) if is_any else (self._none, self._some)
        now.set()
        before.clear()

    @property
    def ended(self) -> bool:
        """Whether they have ended; raises what ended them before their time, which is a bug."""
        assert self._life is not None
        if not self._life.done():
            return False
        self._life.result()
        return True

    async def tell(self, say: Callable[[str], None]) -> None:
        """Say for ever when none of them is connected any more, and why, and when some are."""
        told_some = False
        while True:
            try:
                async with asyncio.timeout(NONE_S):
                    await self._some.wait()
            except TimeoutError:
                said = (one.line.trouble for one in self._stations if one.line.trouble)
                say(f"No station is connected: {next(said, 'no answer yet')}")
                told_some = False
                await self._some.wait()
            if not told_some:
                say("Stations are connected.")
                told_some = True
            await self._none.wait()

    async def over(self) -> None:
        """Wait until they have ended; raises what ended them before their time, which is a bug."""
        assert self._life is not None
        await asyncio.wait({self._life})
        self._life.result()

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
