"""Asks Kafka again where it was too slow: a broker of a busy machine takes its time."""

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError

LIMIT_S = 300.0
PAUSE_S = 1.0


class TooSlowError(Exception):
    """Nothing came of it within the limit; the text says what was in the way at last."""


async def insist(work: Callable[[], Awaitable[object]], told: Callable[[str], None]) -> None:
    """Do work that may be done again, until it is done; `told` why not, when the reason is new.

    Raises TooSlowError after LIMIT_S, and at once what is neither a KafkaError nor an OSError.
    """
    reason, told_last = "no answer", ""
    try:
        async with asyncio.timeout(LIMIT_S):
            while True:
                try:
                    await work()
                except (KafkaError, OSError) as error:
                    reason = str(error) or type(error).__name__
                else:
                    return
                if reason != told_last:
                    told(reason)
                    told_last = reason
                await asyncio.sleep(PAUSE_S)
    except TimeoutError:
        raise TooSlowError(reason) from None
