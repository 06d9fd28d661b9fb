"""What a table's rows are on its topic: the Avro schema, the record of a row, and its key."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Table, Text

from consumers.tables.columns import TIME, Exact
from consumers.tables.projections import Key, Row, key_columns

NAMESPACE = "chargewire.tables"
GENERATION, REVISION = "generation", "revision"

_TIME = {"type": "long", "logicalType": "timestamp-millis"}
_ORDER = (
    (GENERATION, "who wrote it: rises with the clock whenever the partition gets another owner"),
    (REVISION, "rises with every commit; of a key the highest (generation, revision) counts"),
)


def topic(table: str) -> str:
    """The name, without prefix, of the topic that has the rows of a table of this name."""
    return f"tables.{table}"


def schema(table: Table, consumer: str) -> dict[str, Any]:
    """The Avro schema of a table's topic: a flat record, in which only keys are never null.

    So a column that is added is compatible in both directions. A number of any precision is text.
    ValueError: a column has no comment, is of a type that is not published, or called as one of
    the fields that every row has.
    """
    taken = {name for name, _ in _ORDER} & set(table.columns.keys())
    if taken or not table.comment:
        raise ValueError(f"{table.name}: {taken or 'no comment'}")
    return {
        "type": "record",
        "name": "".join(word.title() for word in table.name.split("_")) + "Row",
        "namespace": NAMESPACE,
        "doc": f"{table.comment.rstrip('.')}. A row of a table of the consumer {consumer}.",
        "fields": [
            *(_field(column) for column in table.primary_key.columns),
            *({"name": name, "type": "long", "doc": doc} for name, doc in _ORDER),
            *(_field(column) for column in table.columns if not column.primary_key),
        ],
    }


def _field(column: Column[Any]) -> dict[str, Any]:
    if not column.comment:
        raise ValueError(f"{column}: no comment")
    field = {"name": column.name, "type": _type(column), "doc": column.comment}
    if column.primary_key:
        return field
    return field | {"type": ["null", field["type"]], "default": None}


def _type(column: Column[Any]) -> Any:
    match column.type:
        case Exact() | Text():
            return "string"
        case Boolean():
            return "boolean"
        case BigInteger():
            return _TIME if column.info.get(TIME) else "long"
    raise ValueError(f"{column}: {column.type!r} is not published")


def record(row: Row, generation: int, revision: int) -> dict[str, Any]:
    """The record of a row as the codec takes it: decimal numbers as text with all their digits."""
    values = {
        name: format(value, "f") if isinstance(value, Decimal) else value
        for name, value in row.items()
    }
    return values | {GENERATION: generation, REVISION: revision}


def key_of(table: Table, row: Mapping[str, Any]) -> Key:
    """The values of the primary key, in its order."""
    return tuple(row[name] for name in key_columns(table))


def key_text(key: Key) -> str:
    """The key of the Kafka record: a JSON array of the primary key's values."""
    return msgspec.json.encode(key).decode()


def key_from(text: str) -> Key:
    """The primary key's values of such a text."""
    return tuple(msgspec.json.decode(text))
