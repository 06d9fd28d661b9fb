"""The newest transactions."""

from chargewire.console.transactions import Transactions, cursor
from tests.chargewire.consoled import NOON, removed, row


def taken(*entries, size=100):
    """Transactions that have taken these, and what moved."""
    kept, moved = Transactions(size), []
    for one in entries:
        kept.take(one, lambda station, key, is_open: moved.append((station, key[1], is_open)))
    return kept, moved


def transaction(number, state="ended", station="CS-1", **columns):
    usual = {"id": f"id-{number}", "token": f"T-{number}", "begin_observed_ms": NOON + number}
    names = {"station": station, "transaction_id": str(number), "ordinal": 1, "state": state}
    return row("tables.transactions", **(names | usual | columns))


def ids(found):
    return [one["id"] for one in found[1]]


def test_the_newest_come_first_by_state_station_and_text() -> None:
    """The total counts those that are meant; a cursor leads on."""
    every = [transaction(1), transaction(3, "open"), transaction(2, station="CS-2")]
    kept, _ = taken(*every)
    assert ids(kept.newest()) == ["id-3", "id-2", "id-1"]
    assert ids(kept.newest(state="open")) == ["id-3"]
    assert ids(kept.newest(station="CS-2")) == ["id-2"]
    assert ids(kept.newest(text="t-1")) == ["id-1"]
    total, rows = kept.newest(after=cursor(kept.newest()[1][0]))
    assert (total, [one["id"] for one in rows]) == (3, ["id-2", "id-1"])


def test_a_transaction_is_found_by_its_id_without_the_numbers_of_its_version() -> None:
    """As on the topic: decimals are text."""
    kept, _ = taken(transaction(1, energy_wh="12.50"))
    assert kept.of("id-1")["energy_wh"] == "12.50"
    assert "revision" not in kept.of("id-1")
    assert kept.of("id-2") is None


def test_it_tells_which_are_open() -> None:
    """Until they end, are taken away, or are forgotten."""
    gone = removed("tables.transactions", station="CS-1", transaction_id="1", ordinal=1)
    kept, moved = taken(
        transaction(1, "open"), gone, transaction(2, "open"), transaction(2, revision=2)
    )
    assert moved == [
        ("CS-1", "1", True),
        ("CS-1", "1", False),
        ("CS-1", "2", True),
        ("CS-1", "2", False),
    ]
    assert kept.of("id-1") is None


def test_beyond_the_size_the_oldest_are_forgotten() -> None:
    """Memory is bounded."""
    kept, moved = taken(*(transaction(n, "open") for n in range(30)), size=10)
    assert kept.of("id-0") is None
    assert ("CS-1", "0", False) in moved
    assert kept.of("id-29") is not None
