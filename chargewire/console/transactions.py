"""The newest transactions, out of the table of their consumer."""

from collections.abc import Callable
from typing import Any

from chargewire.console.rows import Key, Newest, Row, shown
from chargewire.log.summary import Entry
from consumers.transactions.rows import OPEN

STATES = (OPEN, "ended")
Cursor = tuple[int, str]
"""When a transaction began, and its id."""


class Transactions:
    """Rows by their key, and by the id that is unique in the fleet."""

    def __init__(self, size: int) -> None:
        self._rows = Newest(size, cursor)
        self._keys: dict[str, Key] = {}

    def take(self, entry: Entry, moved: Callable[[str, Key, bool], None]) -> dict[str, Any] | None:
        """Take a record of the table's topic; the row as it is shown, where there is one.

        `moved` hears of each transaction that is open now, and of each that is not any more.
        """
        taken = self._rows.take(entry)
        if taken is None:
            return None
        key, before, row = taken
        if row is None:
            assert before is not None, "only what was there is taken away"
            self._gone(before, moved)
            return None
        self._keys[row["id"]] = key
        moved(row["station"], key, row["state"] == OPEN)
        for gone in self._rows.dropped():
            self._gone(gone, moved)
        return shown(row)

    def _gone(self, row: Row, moved: Callable[[str, Key, bool], None]) -> None:
        key = self._keys.pop(row["id"], None)
        if key is not None:
            moved(row["station"], key, False)

    def of(self, fleet_wide: str) -> dict[str, Any] | None:
        """The transaction of this id."""
        row = self._rows.of(*self._keys[fleet_wide]) if fleet_wide in self._keys else None
        return None if row is None else shown(row)

    def newest(
        self,
        *,
        state: str | None = None,
        station: str | None = None,
        text: str = "",
        after: Cursor | None = None,
    ) -> tuple[int, list[Row]]:
        """How many are meant, and those that began before `after`, the newest first."""
        meant = [
            row
            for row in self._rows
            if state in (None, row["state"])
            and station in (None, row["station"])
            and (not text or _has(row, text))
        ]
        meant.sort(key=cursor, reverse=True)
        return len(meant), [row for row in meant if after is None or cursor(row) < after]


def cursor(row: Row) -> Cursor:
    """Where a row stands among all: it began, or was first seen, then."""
    return row["begin_observed_ms"] or row["last_observed_ms"] or 0, row["id"]


def _has(row: Row, text: str) -> bool:
    text = text.casefold()
    words = (row["station"], row["transaction_id"], row["id"], row["token"], row["stop_token"])
    return any(text in word.casefold() for word in words if word)
