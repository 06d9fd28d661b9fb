"""When to look at which station, the soonest first, however many there are."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

_STALE = 1000  # entries of the heap that no longer count, kept besides as many as those that do


class Due:
    """Stations by the time when to look at them: milliseconds since 1970 (UTC)."""

    def __init__(self) -> None:
        self._at_ms: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def __setitem__(self, station: str, at_ms: int) -> None:
        """Look at it then, and not when it was to be so far."""
        if self._at_ms.get(station) == at_ms:
            return
        self._at_ms[station] = at_ms
        heappush(self._heap, (at_ms, station))
        if len(self._heap) > 2 * len(self._at_ms) + _STALE:
            self._heap = [(at_ms, station) for station, at_ms in self._at_ms.items()]
            heapify(self._heap)

    def setdefault(self, station: str, at_ms: int) -> None:
        """Look at it then, unless another time is set."""
        if station not in self._at_ms:
            self[station] = at_ms

    def __delitem__(self, station: str) -> None:
        """Do not look at it; KeyError if that was not to be done."""
        del self._at_ms[station]

    def __iter__(self) -> Iterator[str]:
        """All of them, due or not."""
        return iter(self._at_ms)

    def soonest(self, now_ms: int, most: int) -> list[str]:
        """Those that are due, the longest waiting first; they are so until told otherwise."""
        found: dict[tuple[int, str], None] = {}
        while self._heap and self._heap[0][0] <= now_ms and len(found) < most:
            at_ms, station = heappop(self._heap)
            if self._at_ms.get(station) == at_ms:
                found[at_ms, station] = None
        for one in found:
            heappush(self._heap, one)
        return [station for _, station in found]
