"""The simulated stations of this machine, whose registers outlive a run in a file."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

from deploy.local import stations


class Fleet:
    """`count` stations against the gateway at `url`; `file` keeps their registers."""

    def __init__(self, url: str, count: int, file: Path) -> None:
        self._url, self._count, self._file = url, count, file
        self._stop = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._meters: dict[str, int] = {}
        with suppress(OSError, ValueError):  # the first time, or damaged: registers begin anew
            self._meters.update(json.loads(file.read_text()))

    def start(self, *, seed: int | None, speed: float) -> None:
        """Let them live in the background."""
        self._life = asyncio.create_task(
            stations.run(
                self._url,
                self._count,
                seed=seed,
                speed=speed,
                stop=self._stop,
                meters=self._meters,
            )
        )

    @property
    def ended(self) -> bool:
        """Whether they have ended; raises what ended them before their time, which is a bug."""
        assert self._life is not None
        if not self._life.done():
            return False
        self._life.result()
        return True

    async def farewell(self) -> None:
        """Have them end their sessions and close their connections."""
        assert self._life is not None
        self._stop.set()
        await asyncio.wait({self._life})

    async def end(self) -> None:
        """Whatever is left of them ends now; their registers are kept."""
        assert self._life is not None
        self._life.cancel()
        await asyncio.wait({self._life})
        self._file.write_text(json.dumps(self._meters, indent=1, sort_keys=True))
