"""What the person at the terminal asks for by signals: to stop, then to hurry."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

_T = TypeVar("_T")


class StoppedError(Exception):
    """Somebody wants it to end."""


@dataclass(slots=True)
class Wishes:
    """What signals ask for: the first to stop, any further one to hurry."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def signalled(self) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()

    async def unless_stopped(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The result of `work`; raises StoppedError, with `work` cancelled, when it is to stop."""
        return await _race(work, self.stop)

    async def unless_hurried(self, work: Coroutine[Any, Any, object], time_s: float) -> bool:
        """Whether `work` came to its end in time, before somebody asked to hurry."""
        with suppress(StoppedError, TimeoutError):
            async with asyncio.timeout(time_s):
                await _race(work, self.hurry)
            return True
        return False


async def _race(work: Coroutine[Any, Any, _T], event: asyncio.Event) -> _T:
    doing, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise StoppedError
        return doing.result()
    finally:
        waiting.cancel()
        doing.cancel()
        await asyncio.wait({doing})
