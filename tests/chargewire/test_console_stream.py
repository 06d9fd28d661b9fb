"""A stream to one browser, which may be slow or go away."""

import asyncio
from typing import Any

from chargewire.console import stream
from chargewire.console.feed import QUEUE_MAX, Feed, Filter
from chargewire.console.model import Change
from chargewire.console.rings import Recent
from chargewire.console.stream import EventStream


class Browser:
    """Takes what is sent to it only while it `reads`."""

    def __init__(self, feed: Feed, recent: Recent) -> None:
        self.reads, self.gone = asyncio.Event(), asyncio.Event()
        self.reads.set()
        self.got = b""
        self.came = asyncio.Condition()
        made = EventStream(feed, recent, Filter(), hello={"name": "chargewire"}, after=None)
        scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
        self.task = asyncio.create_task(made(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, sent: Any) -> None:
        await self.reads.wait()
        async with self.came:
            self.got += sent.get("body", b"")
            self.came.notify_all()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(30), self.came:
            await self.came.wait_for(lambda: text in self.got)


def change(number: int) -> Change:
    return Change("station", "CS-1", {"number": number})


async def test_who_reads_too_slowly_loses_what_is_old_and_is_told_so() -> None:
    """What waits for it is bounded, and the others do not wait."""
    recent = Recent(9, 0)
    feed = Feed(recent)
    slow, quick = Browser(feed, recent), Browser(feed, recent)
    for browser in (slow, quick):
        await browser.until(b"event: hello")
    slow.reads.clear()
    feed.tell([change(0)])
    await quick.until(b'{"number":0}')  # and the slow one is in the middle of it
    half = QUEUE_MAX // 2
    feed.tell(change(number) for number in range(1, half))
    await quick.until(b'{"number":%d}' % (half - 1))
    feed.tell(change(number) for number in range(half, QUEUE_MAX + 8))
    await quick.until(b'{"number":%d}' % (QUEUE_MAX + 7))
    assert b"lost" not in quick.got
    slow.reads.set()
    await slow.until(b'{"number":%d}' % (QUEUE_MAX + 7))
    assert b'event: lost\nid: 0\ndata: {"count":7}\n\n' in slow.got
    assert b'{"number":7}' not in slow.got
    assert b'{"number":8}' in slow.got
    feed.close()
    await asyncio.gather(slow.task, quick.task)


async def test_who_has_gone_is_no_watcher_any_more() -> None:
    """Its place is free for another one."""
    recent = Recent(9, 0)
    feed = Feed(recent, watchers_max=1)
    browser = Browser(feed, recent)
    await browser.until(b"event: hello")
    assert feed.is_full
    browser.gone.set()
    await asyncio.wait_for(browser.task, 30)
    assert not feed.is_full


async def test_it_shows_that_it_is_alive(monkeypatch) -> None:
    """By a comment, also when nothing happens."""
    monkeypatch.setattr(stream, "ALIVE_S", 0.01)
    recent = Recent(9, 0)
    feed = Feed(recent)
    browser = Browser(feed, recent)
    await browser.until(b": still here\n\n")
    assert browser.got.startswith(b"retry: 2000\n\nevent: hello\nid: 0\ndata: {")
    feed.close()
    await browser.task
