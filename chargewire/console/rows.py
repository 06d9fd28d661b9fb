"""The newest version of each row of a consumer's table, as its topic tells it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chargewire.log.summary import Entry
from consumers.tables.schemas import GENERATION, REVISION, key_from

Row = Mapping[str, Any]
Key = tuple[Any, ...]
_SLACK = 1.1  # rows are dropped by the tenth, so that each costs little


class Newest:
    """Of each key the row with the highest (generation, revision), of at most `size` keys.

    Beyond it those with the smallest `age` are dropped. None: all are kept.
    """

    def __init__(self, size: int | None = None, age: Callable[[Row], Any] = lambda _: 0) -> None:
        self._size, self._age = size, age
        self._rows: dict[Key, Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def of(self, *key: Any) -> Row | None:
        """The row with this primary key."""
        return self._rows.get(key)

    def take(self, entry: Entry) -> tuple[Key, Row | None, Row | None] | None:
        """The key that a record is about, its row before and after; None: it changes nothing."""
        if entry.key is None:
            return None
        try:
            key = key_from(entry.key.decode())
        except ValueError:  # no key of ours: somebody else has written it
            return None
        before, row = self._rows.get(key), entry.record
        if row is None:
            # A record that nobody here can read takes nothing away.
            if before is None or entry.problem != "deleted":
                return None
            del self._rows[key]
            return key, before, None
        if before is not None and _version(row) <= _version(before):
            return None
        self._rows[key] = row
        return key, before, row

    def dropped(self) -> list[Row]:
        """Drop what is beyond the size, and tell which rows that were."""
        if self._size is None or len(self._rows) <= self._size * _SLACK:
            return []
        kept = sorted(self._rows.items(), key=lambda item: self._age(item[1]))
        gone = kept[: -self._size]
        for key, _ in gone:
            del self._rows[key]
        return [row for _, row in gone]


def _version(row: Row) -> tuple[int, int]:
    return row[GENERATION], row[REVISION]


def shown(row: Row) -> dict[str, Any]:
    """The row without the numbers of its version."""
    return {name: value for name, value in row.items() if name not in (GENERATION, REVISION)}
