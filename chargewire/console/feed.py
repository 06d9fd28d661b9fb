"""Hands changes to everyone who watches, who may be slow: then events are lost, and counted."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chargewire.console.model import Change
from chargewire.console.rings import Recent
from chargewire.console.told import Told

QUEUE_MAX = 1000
"""What waits for one who watches; more is lost."""
PAST_MAX = 1000
"""Changes other than events that are kept for those who come back."""

_encode = msgspec.json.Encoder(decimal_format="string").encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which changes are meant; None or empty: all.

    `only` are kinds of changes, and a station is meant in all kinds; the rest is about events.
    """

    station: str | None = None
    action: str | None = None
    topic: str | None = None
    direction: str | None = None
    text: str = ""
    only: frozenset[str] = frozenset()

    def wants(self, kind: str) -> bool:
        """Whether changes of a kind are meant."""
        return not self.only or kind in self.only

    def takes(self, one: Told) -> bool:
        """Whether an event is meant."""
        return (
            self.station in (None, one.station)
            and self.action in (None, one.action)
            and self.topic in (None, one.topic)
            and self.direction in (None, one.direction)
            and (not self.text or self._found(one))
        )

    def _found(self, one: Told) -> bool:
        text = self.text.casefold()
        words = (one.station, one.action, one.summary, one.event_id or "", one.message_id or "")
        return any(text in word.casefold() for word in words) or text in (
            bytes(one.payload).decode(errors="replace").casefold()
        )


@dataclass(slots=True)
class Watcher:
    """What waits for one who watches; `wake` is called when there is something."""

    filter: Filter
    wake: Callable[[], None] = lambda: None
    _waiting: deque[bytes] = field(default_factory=deque)
    _lost: int = 0

    def put(self, text: bytes) -> None:
        """Add an item; the oldest falls out where there are too many."""
        if len(self._waiting) >= QUEUE_MAX:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(text)
        self.wake()

    def taken(self, no: int) -> list[bytes]:
        """All that waits, after what tells how much was lost; `no` numbers that."""
        lost, self._lost = self._lost, 0
        found = [*self._waiting]
        self._waiting.clear()
        return [item("lost", no, {"count": lost}), *found] if lost else found


class Feed:
    """Everyone who watches, at most so many; and what they may have missed beside events."""

    def __init__(self, recent: Recent, watchers_max: int = 100) -> None:
        self._recent, self._max = recent, watchers_max
        self._watchers: list[Watcher] = []
        self._past: deque[tuple[int, Change]] = deque(maxlen=PAST_MAX)
        self.is_closed = False

    @property
    def is_full(self) -> bool:
        """Whether nobody else may watch."""
        return len(self._watchers) >= self._max

    def join(self, watcher: Watcher) -> None:
        """From now on changes are handed to it."""
        self._watchers.append(watcher)

    def leave(self, watcher: Watcher) -> None:
        """From now on they are not."""
        self._watchers.remove(watcher)

    def close(self) -> None:
        """Wake all who watch for the last time."""
        self.is_closed = True
        for watcher in self._watchers:
            watcher.wake()

    def tell(self, changes: Iterable[Change]) -> None:
        """Hand changes to whom they concern."""
        no = self._recent.last
        for change in changes:
            if change.event is None:
                self._past.append((no, change))
            text = b""
            for watcher in self._watchers:
                if _concerns(change, watcher.filter):
                    text = text or _text(change, no)
                    watcher.put(text)

    def renew(self) -> None:
        """Have everyone read all anew: more than can be told has become known."""
        for watcher in self._watchers:
            watcher.put(item("lost", self._recent.last, {"count": None}))

    def missed(self, no: int, wanted: Filter) -> list[bytes]:
        """What came after the item with this number, as far as it is kept, and how much is not."""
        last = self._recent.last
        lost = self._recent.lost(no)
        if not wanted.wants("event") and lost is not None:
            lost = 0
        if len(self._past) == PAST_MAX and self._past[0][0] > no:
            lost = None  # of what is no event, too, and nobody knows how much
        found = [] if lost == 0 else [item("lost", last, {"count": lost})]
        events = (Change("event", one.station, {}, one) for one in self._recent.after(no))
        found += [_text(change, last) for change in events if _concerns(change, wanted)]
        # Those with the very number may have come before or after it: twice is no harm.
        past = (change for at, change in self._past if at >= no and _concerns(change, wanted))
        return found + [_text(change, last) for change in past]


def _concerns(change: Change, wanted: Filter) -> bool:
    if not wanted.wants(change.kind):
        return False
    if change.event is not None:
        return wanted.takes(change.event)
    return wanted.station in (None, change.station)


def _text(change: Change, no: int) -> bytes:
    if change.event is not None:
        return item("event", change.event.no, change.event.event())
    return item(change.kind, no, change.data)


def item(kind: str, no: int, data: Any) -> bytes:
    """An item of a stream of server-sent events (HTML, 9.2): JSON has no line ends."""
    return b"event: %s\nid: %d\ndata: %s\n\n" % (kind.encode(), no, _encode(data))
