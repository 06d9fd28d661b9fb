"""The SQL that differs between SQLite and PostgreSQL, or is made once for each table."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Delete,
    FromClause,
    Select,
    Table,
    and_,
    bindparam,
    column,
    delete,
    func,
    null,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from consumers.stores.bookkeeping import GENERATIONS, OUTBOX, PUBLISHED

POSTGRESQL = "postgresql"
_INSERT: Mapping[str, Any] = {POSTGRESQL: postgresql.insert, "sqlite": sqlite.insert}
_WANTED = "wanted"


def keys_of(table: Table) -> list[Column[Any]]:
    """The columns of the primary key, in its order."""
    return list(table.primary_key.columns)


@cache
def upsert(dialect: str, table: Table, *, keep: bool = False) -> Any:
    """INSERT that replaces a row with the same primary key, or else is content to `keep` it.

    Takes a list of parameter sets, each with all columns by name.
    """
    statement = _INSERT[dialect](table)
    keys = keys_of(table)
    others = {
        name: statement.excluded[name]
        for name, found in table.columns.items()
        if not found.primary_key
    }
    if keep or not others:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


@cache
def emptying(dialect: str, table: Table) -> Any:
    """What takes all rows of a table away, at once where that can be done."""
    if dialect == POSTGRESQL:
        return text(f"TRUNCATE {table.name}")
    return delete(table)


def unknown(dialect: str) -> Any:
    """INSERT that notes what waits to be published as being on its topic in an unknown state.

    Its parameter is `of`, the consumer.
    """
    places = [column.name for column in keys_of(PUBLISHED)]
    waiting = select(*(OUTBOX.c[name] for name in places), null())
    found = _INSERT[dialect](PUBLISHED).from_select(
        [*places, "digest"], waiting.where(OUTBOX.c.consumer == bindparam("of"))
    )
    return found.on_conflict_do_update(index_elements=keys_of(PUBLISHED), set_={"digest": null()})


@cache
def revising(dialect: str) -> Any:
    """UPDATE that raises the revision of partition numbers, and tells it of those that are held.

    The keys, as of `groups`, are (consumer, partition, generation). Rows are locked in one order:
    two of us do not wait for each other in a ring.
    """
    of = GENERATIONS.c
    held = matching(dialect, GENERATIONS, [of.consumer, of.partition, of.generation])
    mine = held.with_only_columns(of.consumer, of.partition).with_for_update(of=GENERATIONS)
    raised = update(GENERATIONS).where(tuple_(of.consumer, of.partition).in_(mine))
    return raised.values(revision=of.revision + 1).returning(of.partition, of.revision)


@cache
def removal(table: Table) -> Delete:
    """DELETE of one row; its parameters are `k_` and the name of each primary key column."""
    return delete(table).where(
        and_(*(found == bindparam(f"k_{found.name}", type_=found.type) for found in keys_of(table)))
    )


def removal_parameters(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of `removal` for a row."""
    return {f"k_{found.name}": row[found.name] for found in keys_of(table)}


@cache
def groups(dialect: str, table: Table, width: int) -> Select[Any]:
    """SELECT of all rows whose first `width` primary key columns are one of many keys.

    One text for any number of keys, so that it is prepared once; see `groups_parameters`.
    """
    return matching(dialect, table, keys_of(table)[:width])


def matching(dialect: str, table: FromClause, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """As `groups`, with any columns of a table or alias in the place of its first keys."""
    if dialect == POSTGRESQL:
        arrays = [
            bindparam(f"k{number}", type_=ARRAY(found.type)) for number, found in enumerate(columns)
        ]
        named = [column(f"k{number}", found.type) for number, found in enumerate(columns)]
        wanted: Any = func.unnest(*arrays).table_valued(*named, name=_WANTED).render_derived()
        matches = [found == wanted.c[f"k{number}"] for number, found in enumerate(columns)]
    else:
        wanted = func.json_each(bindparam("keys")).table_valued("value", name=_WANTED)
        matches = [
            found == func.json_extract(wanted.c.value, f"$[{number}]", type_=found.type)
            for number, found in enumerate(columns)
        ]
    found = select(table).select_from(wanted.join(table, and_(*matches)))
    return found.order_by(*table.primary_key)


def groups_parameters(dialect: str, keys: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """The parameters of `groups`; at least one key."""
    rows = [tuple(key) for key in keys]
    if dialect == POSTGRESQL:
        return {f"k{number}": list(values) for number, values in enumerate(zip(*rows, strict=True))}
    return {"keys": msgspec.json.encode(rows).decode()}
