"""Writes records that follow from rows, and not again before they can have been read back."""

import asyncio
from collections.abc import Hashable, Sequence

from consumers.commands.arbiter_records import Outgoing
from consumers.sequels.producing import Producer

REPEAT_MS = 5_000


class Once:
    """Says each thing once in REPEAT_MS; what it has said before is forgotten with it."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._said: dict[Hashable, int] = {}  # what -> when it may be said again

    async def write(self, records: Sequence[Outgoing], now_ms: int) -> list[Outgoing]:
        """Write side by side those that were not written a moment ago; returns them.

        Where the outcome of one is not known it counts as written, and the first failure is raised
        when all have ended: what Producer.send raises.
        """
        self._said = {what: at_ms for what, at_ms in self._said.items() if at_ms > now_ms}
        new = [one for one in records if one.what not in self._said]
        self._said |= {one.what: now_ms + REPEAT_MS for one in new}
        failed = await asyncio.gather(*map(self._send, new), return_exceptions=True)
        if error := next(filter(None, failed), None):
            raise error
        return new

    async def _send(self, one: Outgoing) -> None:
        key = one.station.encode()
        await self._producer.send(one.topic, key, one.record, headers=one.headers)
