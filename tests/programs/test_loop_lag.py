"""How late a loop is."""

import asyncio
import time

from programs import loop_lag


async def test_who_keeps_the_loop_busy_is_seen():
    """A loop that something blocks is late by as much."""
    seen, enough = [], asyncio.Event()

    def observe(lag_s):
        seen.append(lag_s)
        enough.set()

    measuring = asyncio.create_task(loop_lag.measure(observe, every_s=0.01))
    await asyncio.sleep(0)  # it sleeps now
    time.sleep(0.2)  # noqa: ASYNC251 - what should not happen
    await asyncio.wait_for(enough.wait(), 30)
    measuring.cancel()
    assert max(seen) >= 0.1
    assert min(seen) >= 0
