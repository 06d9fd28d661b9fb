"""The newest events, and those of each station."""

from chargewire.console.rings import Conversations, Recent
from chargewire.console.told import told
from tests.chargewire.consoled import frame


def event(sequence: int, station: str = "CS-1", epoch: int = 1):
    return told(frame("Heartbeat", station=station, sequence=sequence, epoch=epoch))


def test_what_is_past_is_numbered_by_time_and_then_as_it_comes() -> None:
    """Topics are read one after the other, so the past comes in any order."""
    recent = Recent(3, first=100)
    for sequence in (9, 1, 5, 7, 3, 8, 2):
        recent.add(event(sequence))
    assert [*recent.before(None)] == []
    recent.settled()
    assert [(one.no, one.place[1]) for one in recent.before(None)] == [(103, 9), (102, 8), (101, 7)]
    recent.add(event(4))
    assert [(one.no, one.place[1]) for one in recent.before(104)] == [(103, 9), (102, 8)]
    assert [one.no for one in recent.after(102)] == [103, 104]
    assert recent.after(104) == []
    assert len(recent.after(0)) == 3


def test_it_knows_how_much_is_lost() -> None:
    """Of numbers that were never given out it knows nothing."""
    recent = Recent(2, first=100)
    recent.settled()
    assert (recent.lost(100), recent.lost(99)) == (0, None)
    for sequence in range(5):
        recent.add(event(sequence))
    assert [recent.lost(no) for no in (99, 100, 102, 103, 105, 106)] == [None, 3, 1, 0, 0, None]


def test_a_conversation_is_in_the_order_of_the_log() -> None:
    """Whichever topic is read first; the newest are kept."""
    kept = Conversations(each=3, total=100)
    for epoch, sequence in ((1, 5), (2, 1), (1, 4), (1, 6)):
        kept.add(event(sequence, epoch=epoch))
    assert [one.place for one in kept.of("CS-1", None, 9)] == [(2, 1), (1, 6), (1, 5)]
    assert [one.place for one in kept.of("CS-1", (1, 6), 9)] == [(1, 5)]
    assert [one.place for one in kept.of("CS-1", (2, 0), 1)] == [(1, 6)]
    assert kept.of("CS-2", None, 9) == []


def test_stations_that_are_silent_for_longest_lose_theirs_first() -> None:
    """Memory is bounded for all stations together."""
    kept = Conversations(each=3, total=5)
    for sequence, station in enumerate(("A", "A", "B", "A", "C", "C")):
        kept.add(event(sequence, station))
    assert {name: len(kept.of(name, None, 9)) for name in "ABC"} == {"A": 3, "B": 0, "C": 2}


def test_a_large_frame_counts_as_several() -> None:
    """So a station that sends the largest frames takes no more memory than others."""
    kept = Conversations(each=9, total=7)
    kept.add(event(1, "A"))
    large = {"vendorId": "V", "data": 20_000 * "x"}
    kept.add(told(frame("DataTransfer", large, station="B")))
    kept.add(event(2, "C"))
    assert [len(kept.of(name, None, 9)) for name in "ABC"] == [1, 1, 1]
    kept.add(event(3, "C"))
    assert [len(kept.of(name, None, 9)) for name in "ABC"] == [0, 1, 2]
