"""What `chargewire up` shows while it starts and ends: one line for each part, alive meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TextIO

_TICK_S = 0.2
_WIDTH = 18


@dataclass(slots=True)
class Display:
    """Lines on `stream`; rewritten in place on a terminal, each only once elsewhere."""

    stream: TextIO
    _current: str = ""
    _detail: str = ""

    @property
    def live(self) -> bool:
        return self.stream.isatty()

    def say(self, text: str = "") -> None:
        """A line of its own, above what is under way."""
        if self._current and self.live:
            self.stream.write("\r\x1b[K")
        self.stream.write(text + "\n")
        self.stream.flush()

    def detail(self, text: str) -> None:
        """More about what is under way, such as a download; callable from any thread."""
        if self._current and self.live:
            self._detail = text
        else:
            self.say(f"  {text}")

    @asynccontextmanager
    async def during(self, name: str, done: str) -> AsyncIterator[None]:
        """Show that `name` is under way, then `done` and the seconds it took."""
        began = time.monotonic()
        self._current, self._detail = name, ""
        ticking = asyncio.create_task(self._tick(began)) if self.live else None
        finished = False
        try:
            yield
            finished = True
        finally:
            if ticking is not None:
                ticking.cancel()
                self.stream.write("\r\x1b[K")
            self._current = ""
            if finished:
                self.say(f"  {name:<{_WIDTH}}{done}  ({time.monotonic() - began:.1f} s)")

    async def _tick(self, began: float) -> None:
        while True:
            elapsed = f"{time.monotonic() - began:.0f} s"
            self.stream.write(
                f"\r\x1b[K  {self._current:<{_WIDTH}}… {elapsed}  {self._detail}"[:118]
            )
            self.stream.flush()
            await asyncio.sleep(_TICK_S)
