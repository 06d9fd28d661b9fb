"""Facts about records on their way to the log."""

import pytest

from gateway.lanes import Done, Lane, Lanes, Record


def record(number: int, *, partition: int = 0, at_s: float = 0, wait: bool = False) -> Record:
    done: Done = lambda _: None  # noqa: E731 - a record that nobody waits for
    return Record("t", partition, b"k", b"%d" % number, (), 0, done, at_s, wait)


class Batch:
    """Room for so many records."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.values: list[bytes | None] = []

    def append(self, *, value: bytes | None, **_: object) -> object:
        if len(self.values) == self.room:
            return None
        self.values.append(value)
        return True


def test_a_lane_is_due_once() -> None:
    """The first record of an idle partition makes a batch due, those after it join."""
    lanes = Lanes()
    due = lanes.add(record(1))
    assert due is not None
    assert lanes.add(record(2)) is None
    assert lanes.add(record(3, partition=1)) is not None
    assert lanes.in_flight == 3


def test_nothing_is_due_while_a_batch_is_on_its_way() -> None:
    """A partition has one batch on its way; what comes meanwhile waits for the next."""
    lanes = Lanes()
    lane = lanes.add(record(1))
    assert lane is not None
    lane.load(Batch(9).append)
    assert lanes.add(record(2)) is None
    assert [r.value for r in lane.flight] == [b"1"]
    lane.landed()
    assert [r.value for r in lane.waiting] == [b"2"]


def test_a_full_batch_leaves_the_rest_in_order() -> None:
    """What a batch has no room for is the next batch."""
    lane = Lane("t", 0)
    lane.waiting = [record(n) for n in range(5)]
    batch = Batch(room=3)
    lane.load(batch.append)
    assert batch.values == [b"0", b"1", b"2"]
    assert [r.value for r in lane.waiting] == [b"3", b"4"]
    lane.landed()
    rest = Batch(room=3)
    lane.load(rest.append)
    assert rest.values == [b"3", b"4"]


def test_a_batch_never_overtakes() -> None:
    """Loading while a batch is on its way is a bug."""
    lane = Lane("t", 0)
    lane.waiting = [record(1)]
    lane.load(Batch(1).append)
    with pytest.raises(AssertionError):
        lane.load(Batch(1).append)


def test_the_oldest_is_found_on_its_way_or_waiting() -> None:
    """The oldest record of all partitions decides about the clock."""
    lanes = Lanes()
    assert lanes.oldest_s() is None
    first = lanes.add(record(1, at_s=5))
    assert first is not None
    first.load(Batch(1).append)
    lanes.add(record(2, at_s=7))
    lanes.add(record(3, partition=1, at_s=6))
    assert lanes.oldest_s() == 5
    first.landed()
    assert lanes.oldest_s() == 6


def test_only_what_never_left_can_wait() -> None:
    """A record on its way may land, so it is given up even where it was allowed to wait."""
    lanes = Lanes()
    lane = lanes.add(record(1, wait=True))
    assert lane is not None
    lane.load(Batch(1).append)
    lanes.add(record(2))
    lanes.add(record(3, wait=True))
    doomed, waiting = lanes.clear()
    assert [r.value for r in doomed] == [b"1", b"2"]
    assert [r.value for r in waiting] == [b"3"]
    assert lanes.in_flight == 0
    assert lane.flight == []
    assert lanes.oldest_s() is None
