"""Measures how late the event loop wakes who sleeps: how long others keep it busy."""

import asyncio
from collections.abc import Callable

EVERY_S = 0.5


async def measure(observe: Callable[[float], None], every_s: float = EVERY_S) -> None:
    """Tell `observe` the seconds of each delay, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + every_s
        await asyncio.sleep(every_s)
        observe(max(0.0, loop.time() - due_s))
