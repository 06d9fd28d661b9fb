"""authorizations.local_lists.due: who is due is found without looking at all who are not."""

from consumers.authorizations.local_lists import due as list_due
from consumers.authorizations.local_lists.due import Due


def test_the_longest_waiting_come_first():
    """And none before its time."""
    due = Due()
    for station, at_ms in (("late", 9), ("b", 3), ("a", 2), ("c", 5)):
        due[station] = at_ms
    assert due.soonest(1, 10) == []
    assert due.soonest(5, 10) == ["a", "b", "c"]
    assert due.soonest(5, 2) == ["a", "b"]


def test_they_are_due_until_told_otherwise():
    """Who takes them may be cancelled before anything is done."""
    due = Due()
    due["a"] = due["b"] = 1
    assert due.soonest(1, 10) == due.soonest(1, 10) == ["a", "b"]
    due["a"] = 7
    del due["b"]
    assert due.soonest(6, 10) == []
    assert due.soonest(7, 10) == [*due] == ["a"]


def test_the_last_word_counts():
    """Earlier, later or the same again: each station is found once."""
    due = Due()
    for at_ms in (5, 9, 5, 2, 5):
        due["a"] = at_ms
    due.setdefault("a", 1)
    due.setdefault("b", 6)
    assert due.soonest(4, 10) == []
    assert due.soonest(6, 10) == ["a", "b"]


def test_what_does_not_count_is_forgotten(monkeypatch):
    """A station whose time is set over and over takes no more and more room."""
    monkeypatch.setattr(list_due, "_STALE", 10)
    due = Due()
    for number in range(1000):
        due["a"], due["b"] = 10_000 + number, 1
    assert len(due._heap) <= 2 * 2 + 10
    assert due.soonest(20_000, 10) == ["b", "a"]


def test_only_the_due_are_looked_at(monkeypatch):
    """However many there are: of 100,000 that are due, no more than asked for are taken out."""
    due = Due()
    for number in range(100_000):
        due[f"S{number}"] = number
    taken = []
    heappop = list_due.heappop
    monkeypatch.setattr(list_due, "heappop", lambda heap: taken.append(1) or heappop(heap))
    assert len(due.soonest(1_000_000, 100)) == len(taken) == 100
