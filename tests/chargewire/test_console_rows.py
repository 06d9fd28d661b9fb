"""The newest version of each row of a table's topic."""

from chargewire.console.rows import Newest, shown
from tests.chargewire.consoled import NOON, removed, row

TOPIC = "tables.stations"


def station(name="CS-1", generation=1, revision=1, **columns):
    return row(TOPIC, generation, revision, station=name, **columns)


def test_the_highest_generation_and_revision_counts() -> None:
    """A topic may have rows of an owner that was too slow, and any row twice."""
    rows = Newest()
    assert rows.take(station(revision=2, vendor="b"))[2]["vendor"] == "b"
    assert rows.take(station(revision=2, vendor="again")) is None
    assert rows.take(station(revision=1, vendor="old")) is None
    assert rows.take(station(generation=2, vendor="c"))[1]["vendor"] == "b"
    assert rows.of("CS-1")["vendor"] == "c"
    assert "generation" not in shown(rows.of("CS-1"))


def test_a_row_without_value_is_gone() -> None:
    """One that cannot be read is not; one that was never there neither."""
    rows = Newest()
    rows.take(station())
    unread = removed(TOPIC, station="CS-1")._replace(problem="schema id 7 is not known here")
    assert rows.take(unread) is None
    key, before, after = rows.take(removed(TOPIC, station="CS-1"))
    assert (key, before["station"], after) == (("CS-1",), "CS-1", None)
    assert rows.take(removed(TOPIC, station="CS-1")) is None
    assert len(rows) == 0


def test_a_key_that_is_none_is_passed_over() -> None:
    """Somebody else has written it."""
    rows = Newest()
    assert rows.take(station()._replace(key=b"CS-1")) is None
    assert rows.take(station()._replace(key=None)) is None


def test_beyond_the_size_the_oldest_are_dropped() -> None:
    """Some at a time."""
    rows = Newest(10, age=lambda one: one["seen_ms"])
    dropped = []
    for number in range(20):
        rows.take(station(f"CS-{number}", seen_ms=NOON + number))
        dropped += rows.dropped()
    assert 10 <= len(rows) <= 11
    assert [one["station"] for one in dropped] == [f"CS-{n}" for n in range(20 - len(rows))]
    assert {one["station"] for one in rows} == {f"CS-{n}" for n in range(20 - len(rows), 20)}
