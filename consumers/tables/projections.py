"""What a projection is: tables, and how one fact changes the rows of a group; and the fold."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table

from consumers.meaning.facts import At, Fact

Key = tuple[Any, ...]
Row = dict[str, Any]
"""Column -> value, with every column of its table. Rows are never changed, only replaced."""
Rows = Mapping[str, tuple[Row, ...]]
"""Name of the table -> rows of one group in it, in the order of their keys."""

NO_ROWS: Rows = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Tables, and the functions that make their rows out of facts.

    A group is what is loaded and changed together: the rows of all tables whose first primary key
    columns equal a key. The first of them is the subject of the facts: `station`, or `token` (as
    folded) for those of id-tokens; so one partition writes a row. All keys have the same columns.
    `group` tells the key of the group that a fact belongs to, None where it is of no concern.
    `evolve` gives the rows of the group after a fact; it returns the very same rows where nothing
    changes. It has to come to the same rows whichever topic is read first, into whatever batches
    the log is cut, and however often facts come again: so a row keeps the order, (epoch,
    sequence), of the fact that it got its columns from, and what is appended is keyed by it.

    `derive` makes rows out of all that a group remembers: once for each group that changed, after
    the last of the facts that are folded together. Where one group has many facts, to make them
    after each would take time by the square of their number. It is for tables that are loaded.

    `appended` are the tables whose rows are only ever added: they are not loaded, and a row that
    is there already stays. Of those in `ages` old rows may be removed: the column that says when a
    row began, in milliseconds since 1970 (UTC). `joins` tells that answers are wanted together with
    their CALLs. The rows of the tables that `published` names are on topics, too.
    """

    topics: tuple[str, ...]
    tables: tuple[Table, ...]
    group: Callable[[Fact], Key | None]
    evolve: Callable[[Rows, Fact], Rows]
    derive: Callable[[Rows], Rows] = lambda rows: rows
    joins: bool = False
    appended: frozenset[str] = frozenset()
    published: frozenset[str] = frozenset()
    ages: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def append_only(self) -> bool:
        """Whether nothing has to be loaded to fold a fact."""
        return self.appended == {table.name for table in self.tables}


@dataclass(frozen=True, slots=True)
class Consumer:
    """Projections that are folded together, and committed with one place in the log.

    Each has groups with keys of its own shape; a fact may concern several of them.
    """

    name: str
    projections: tuple[Projection, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of all projections, each once."""
        return tuple(dict.fromkeys(name for one in self.projections for name in one.topics))

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables of all projections."""
        return tuple(table for one in self.projections for table in one.tables)

    @property
    def joins(self) -> bool:
        """Whether some projection wants answers together with their CALLs."""
        return any(one.joins for one in self.projections)

    @property
    def published(self) -> frozenset[str]:
        """The names of the tables whose rows are on topics, too."""
        return frozenset().union(*(one.published for one in self.projections))

    @property
    def ages(self) -> Mapping[str, str]:
        """Table -> the column of its rows' age, where old ones may be removed."""
        return {name: column for one in self.projections for name, column in one.ages.items()}


def fold(
    projection: Projection, groups: Mapping[Key, Rows], facts: Iterable[Fact]
) -> dict[Key, Rows]:
    """The groups that the facts change, as they are afterwards.

    `groups` has the rows of each group before, where there are any; those of tables that are only
    appended to may be left out.
    """
    if projection.append_only:
        return _append(projection, facts)
    after: dict[Key, Rows] = {}
    for fact in facts:
        key = projection.group(fact)
        if key is not None:
            before = after[key] if key in after else groups.get(key, NO_ROWS)
            after[key] = projection.evolve(before, fact)
    return {
        key: projection.derive(rows)
        for key, rows in after.items()
        if rows != groups.get(key, NO_ROWS)
    }


def _append(projection: Projection, facts: Iterable[Fact]) -> dict[Key, Rows]:
    """As `fold`, where each fact's rows stand alone: in time that is linear in their number."""
    keys = {table.name: by_key(table) for table in projection.tables}
    appended: dict[Key, dict[str, dict[Any, Row]]] = {}
    for fact in facts:
        group = projection.group(fact)
        if group is None:
            continue
        for name, rows in projection.evolve(NO_ROWS, fact).items():
            kept, key = appended.setdefault(group, {}).setdefault(name, {}), keys[name]
            for row in rows:
                kept[key(row)] = row
    return {
        group: {name: tuple(rows.values()) for name, rows in tables.items()}
        for group, tables in appended.items()
    }


def key_columns(table: Table) -> tuple[str, ...]:
    """The names of the primary key's columns."""
    return tuple(column.name for column in table.primary_key.columns)


@cache
def by_key(table: Table) -> Callable[[Row], Any]:
    """What rows of a table are told apart and sorted by."""
    return itemgetter(*key_columns(table))


def found(rows: Rows, table: Table, key: Key) -> Row:
    """The row of a table with this primary key; a new one, with nothing but the key, if none."""
    columns = key_columns(table)
    for row in rows.get(table.name, ()):
        if tuple(row[column] for column in columns) == key:
            return row
    return dict.fromkeys(table.columns.keys()) | dict(zip(columns, key, strict=True))


def put(rows: Rows, table: Table, row: Row) -> Rows:
    """The rows with this one in place of the one with its key, in the order of keys.

    The very same rows where it is there already.
    """
    key, there = by_key(table), rows.get(table.name, ())
    place = end = bisect_left(there, key(row), key=key)
    if place < len(there) and key(there[place]) == key(row):
        if there[place] == row:
            return rows
        end += 1
    return {**rows, table.name: (*there[:place], row, *there[end:])}


def newer(row: Row, at: At, prefix: str = "") -> bool:
    """Whether a fact comes after the one that these columns of the row are from.

    The row keeps that one's order in <prefix>epoch and <prefix>sequence; null: from none yet.
    """
    epoch = row[f"{prefix}epoch"]
    return epoch is None or (at.epoch, at.sequence) > (epoch, row[f"{prefix}sequence"])


def order(at: At, prefix: str = "") -> Row:
    """The columns that keep the order of a fact for `newer`."""
    return {f"{prefix}epoch": at.epoch, f"{prefix}sequence": at.sequence}
