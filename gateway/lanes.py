"""Records on their way to the log: one batch at a time for each partition, the rest waiting."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog

Done = Callable[[int | None], None]
Headers = Sequence[tuple[str, bytes]]

log = structlog.get_logger(__name__)


class RecordSizeError(ValueError):
    """A record that Kafka would refuse, and the whole batch around it too."""


class Append(Protocol):
    """How a batch takes a record: None when it is full, the time in epoch milliseconds."""

    def __call__(
        self,
        *,
        key: bytes,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
        timestamp: int,
    ) -> object: ...


class Record(msgspec.Struct, frozen=True):
    """One record: full topic name, epoch milliseconds, and what to do with its offset.

    `handed_at` is on the producer's clock, in seconds; one that may `wait` outlives an outage.
    A struct, not a dataclass: it is made for every frame.
    """

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers
    timestamp_ms: int
    done: Done
    handed_at: float
    wait: bool

    def handed(self, at_s: float) -> "Record":
        """The same record, handed over at another time."""
        return msgspec.structs.replace(self, handed_at=at_s)

    def tell(self, offset: int | None) -> None:
        """Say what became of it; None is unknown."""
        try:
            self.done(offset)
        except Exception:
            # The records after it have their own stations, which must not suffer for this one.
            log.exception("a record's callback failed", topic=self.topic)


class Lane:
    """The records of one partition: `flight` is on its way, `waiting` goes as the next batch."""

    __slots__ = ("flight", "partition", "topic", "waiting")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.flight: list[Record] = []
        self.waiting: list[Record] = []

    def load(self, append: Append) -> None:
        """Put what waits into a batch, up to where `append` answers None: the batch is full."""
        assert not self.flight, "a partition has one batch on its way"
        count = 0
        for record in self.waiting:
            added = append(
                key=record.key,
                value=record.value,
                headers=[*record.headers],
                timestamp=record.timestamp_ms,
            )
            if added is None:
                break
            count += 1
        self.flight, self.waiting = self.waiting[:count], self.waiting[count:]

    def landed(self) -> None:
        """The batch on its way is acknowledged."""
        self.flight = []


class Lanes:
    """All lanes of a producer; `in_flight` counts the records in them."""

    __slots__ = ("_lanes", "in_flight")

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, int], Lane] = {}
        self.in_flight = 0

    def add(self, record: Record) -> Lane | None:
        """Take a record in; the lane when a batch of it is due now, that is, it was empty."""
        place = record.topic, record.partition
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = Lane(*place)
        self.in_flight += 1
        lane.waiting.append(record)
        return lane if not lane.flight and len(lane.waiting) == 1 else None

    def oldest_s(self) -> float | None:
        """When the oldest record was handed in, in seconds of its clock."""
        firsts = ((lane.flight or lane.waiting)[:1] for lane in self._lanes.values())
        return min((first[0].handed_at for first in firsts if first), default=None)

    def clear(self) -> tuple[list[Record], list[Record]]:
        """Empty all lanes: the records with an unknown outcome, and those that can still wait.

        What never left may wait, where it is allowed to; what is on its way may land or not.
        """
        doomed: list[Record] = []
        waiting: list[Record] = []
        for lane in self._lanes.values():
            doomed += lane.flight
            for record in lane.waiting:
                (waiting if record.wait else doomed).append(record)
            lane.flight, lane.waiting = [], []
        self._lanes = {}
        self.in_flight = 0
        return doomed, waiting
