"""A stream of server-sent events to one browser."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from chargewire.console.feed import Feed, Filter, Watcher, item
from chargewire.console.rings import Recent

ALIVE_S = 15.0
"""At most so long is nothing sent, so that nobody in between takes the stream for dead."""
_RETRY_MS = 2000


class EventStream(StreamingResponse):
    """What changes, until the browser goes; `after` is the number of the last item it has."""

    def __init__(
        self,
        feed: Feed,
        recent: Recent,
        wanted: Filter,
        *,
        hello: Mapping[str, Any],
        after: int | None,
    ) -> None:
        self._feed, self._recent, self._hello = feed, recent, hello
        self._awake = asyncio.Event()
        self._watcher = Watcher(wanted, self._awake.set)
        self._after = after
        # Proxies that gather what they pass on (nginx) are told not to.
        headers = {"x-accel-buffering": "no"}
        super().__init__(self._items(), media_type="text/event-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._feed.join(self._watcher)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._feed.leave(self._watcher)

    async def _items(self) -> AsyncIterator[bytes]:
        # What was missed is found before anything is waited for: so nothing comes in between.
        first = [b"retry: %d\n\n" % _RETRY_MS, item("hello", self._recent.last, self._hello)]
        if self._after is not None:
            first += self._feed.missed(self._after, self._watcher.filter)
        yield b"".join(first)
        while not self._feed.is_closed:
            try:
                async with asyncio.timeout(ALIVE_S):
                    await self._awake.wait()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            self._awake.clear()
            if waiting := self._watcher.taken(self._recent.last):
                yield b"".join(waiting)
