"""Waits for a broker that starts: long while it lives and says something, and never for ever."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from deploy.local.process import POLL_S, Process

SILENCE_S = 180.0
"""Without a line in its log; some seconds are enough, unless the machine is very busy."""
LONGEST_S = 900.0
TELL_S = 60.0
_READY = "Kafka Server started"  # the broker is unfenced and takes requests
_SHOWN = 2000


async def trouble(process: Process, data: Path, progress: Callable[[str], None]) -> str:
    """Why it did not start, and what to do; empty: it takes requests.

    `progress` is told every minute that it is still under way.
    """
    clock = asyncio.get_running_loop().time
    begun_s = told_s = wrote_s = clock()
    written = 0
    while process.exit_code is None:
        output, now_s = process.output(), clock()
        if _READY in output:
            return ""
        if len(output) > written:
            written, wrote_s = len(output), now_s
        if now_s - wrote_s > SILENCE_S or now_s - begun_s > LONGEST_S:
            return (
                f"Kafka has not started in {now_s - begun_s:.0f} s, although it runs; the machine"
                f" may be too busy for it. {_end(process)}\n"
                "Try again: the next start goes on where this one stopped."
            )
        if now_s - told_s >= TELL_S:
            told_s = now_s
            progress(f"Kafka has been starting for {now_s - begun_s:.0f} s, and still writes")
        await asyncio.sleep(POLL_S)
    return (
        f"Kafka did not start: it has ended by itself. {_end(process)}\n"
        f"If its data is damaged or of a newer Kafka, move {data} away and start again."
    )


def _end(process: Process) -> str:
    return f"Its log is {process.log} and ends with:\n{process.output()[-_SHOWN:].rstrip()}"
