"""Keeps the newest events, of all stations together and of each; what is older falls out."""

from bisect import bisect_left, insort
from collections import OrderedDict, deque
from collections.abc import Iterator
from itertools import islice

from chargewire.console.told import Told


class Recent:
    """The newest events of all stations, each with a number that rises by one; `first` is before.

    Until `settled` is called, what is past comes in any order; then it gets its numbers by time.
    """

    def __init__(self, size: int, first: int) -> None:
        self._size, self._first, self._last = size, first, first
        self._past: list[Told] | None = []
        self._ring: deque[Told] = deque(maxlen=size)

    @property
    def last(self) -> int:
        """The number of the newest event, of those before the first where there is none."""
        return self._last

    def add(self, one: Told) -> None:
        """Take one more event."""
        if self._past is not None:
            self._past.append(one)
            if len(self._past) > 2 * self._size:
                self._past = _newest(self._past, self._size)
            return
        self._last += 1
        one.no = self._last
        self._ring.append(one)

    def settled(self) -> None:
        """From now on events come as they happen."""
        past, self._past = self._past, None
        for one in _newest(past or [], self._size):
            self.add(one)

    def before(self, no: int | None) -> Iterator[Told]:
        """Those with a smaller number (all of them: None), the newest first."""
        for one in reversed(self._ring):
            if no is None or one.no < no:
                yield one

    def after(self, no: int) -> list[Told]:
        """Those with a larger number, the oldest first."""
        skipped = max(len(self._ring) - max(self._last - no, 0), 0)
        return [*islice(self._ring, skipped, None)]

    def lost(self, no: int) -> int | None:
        """How many with a larger number are not there any more; None: the number is not of ours."""
        if not self._first <= no <= self._last:
            return None
        return max(self._last - len(self._ring) - no, 0)


def _newest(events: list[Told], size: int) -> list[Told]:
    return sorted(events, key=lambda one: (one.at_ms, one.place))[-size:]


class Conversations:
    """The newest frames of each station, in the order of the log: epoch and sequence.

    So do the beginnings and ends of its connections, which stand among them. Of all stations there
    are at most `total`, where a large one counts as several: so they take a bounded room.
    """

    def __init__(self, each: int, total: int) -> None:
        self._each, self._total = each, total
        self._weight = 0
        self._stations: OrderedDict[str, list[Told]] = OrderedDict()

    def add(self, one: Told) -> None:
        """Take one more frame. The stations that are silent for longest lose theirs first."""
        frames = self._stations.setdefault(one.station, [])
        self._stations.move_to_end(one.station)
        if not frames or frames[-1].place < one.place:
            frames.append(one)
        else:
            insort(frames, one, key=_place)
        self._weight += one.weight
        if len(frames) > self._each:
            self._weight -= frames.pop(0).weight
        while self._weight > self._total and len(self._stations) > 1:
            _, gone = self._stations.popitem(last=False)
            self._weight -= sum(old.weight for old in gone)

    def of(self, station: str, before: tuple[int, int] | None, limit: int) -> list[Told]:
        """At most so many frames before a place (None: the end), the newest first."""
        frames = self._stations.get(station, [])
        end = len(frames) if before is None else bisect_left(frames, before, key=_place)
        return frames[max(end - limit, 0) : end][::-1]


def _place(one: Told) -> tuple[int, int]:
    return one.place
