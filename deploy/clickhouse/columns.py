"""Writes the columns of ClickHouse's Kafka tables out of the record schemas; `make dashboards`.

ClickHouse reads any choice of a record's fields, but what is a record itself has to be declared
whole, to the last field: so these are written by a program, and a test compares.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from schemas.records import schema

FILES = (Path(__file__).parent / "events.sql",)
_WIDTH = 96
_COLUMNS = re.compile(r"(    -- columns of (\S+): ([^\n]+)\n)(?:.*\n)*?(    -- end\n)")
_SCALARS: Mapping[str, str] = MappingProxyType(
    {
        "string": "String",
        "long": "Int64",
        "double": "Float64",
        "boolean": "Bool",
        "timestamp-millis": "DateTime64(3, 'UTC')",
    }
)


def written(script: str) -> str:
    """The script with its columns as they should be. KeyError: a field that the record has not."""
    return _COLUMNS.sub(lambda found: found[1] + _declared(found[2], found[3]) + found[4], script)


def column_type(avro: Any, known: Mapping[str, Any] = MappingProxyType({})) -> str:
    """ClickHouse's type for one of ours: what may be null is Nullable, but for records and lists.

    `known` are the records that are referred to by their full name.
    """
    if isinstance(avro, list):
        (inner,) = (one for one in avro if one != "null")
        found = column_type(inner, known)
        return found if found.startswith(("Tuple(", "Array(")) else f"Nullable({found})"
    avro = known.get(avro, avro) if isinstance(avro, str) else avro
    if isinstance(avro, str):
        return _SCALARS[avro]
    match avro["type"]:
        case "record":
            inside = (f"{one['name']} {column_type(one['type'], known)}" for one in avro["fields"])
            return f"Tuple({', '.join(inside)})"
        case "array":
            return f"Array({column_type(avro['items'], known)})"
    return _SCALARS[avro.get("logicalType", avro["type"])]


def _declared(topic: str, names: str) -> str:
    record = schema(topic)
    known = dict(_named(record))
    fields = {one["name"]: one["type"] for one in record["fields"]}
    columns = (f"{name} {column_type(fields[name], known)}" for name in names.split())
    return ",\n".join("\n".join(_folded(column)) for column in columns) + "\n"


def _named(avro: Any, space: str = "") -> Iterable[tuple[str, Any]]:
    """Every record in a schema, under its full name: one within another is in its namespace."""
    match avro:
        case {"type": "record", "name": name, "fields": fields}:
            space = avro.get("namespace", space)
            yield f"{space}.{name}", avro
            for one in fields:
                yield from _named(one["type"], space)
        case {"type": "array", "items": items}:
            yield from _named(items, space)
        case list():
            for one in avro:
                yield from _named(one, space)


def _folded(column: str) -> Iterable[str]:
    """A declaration in lines that fit on a page."""
    line = "   "
    for word in column.split(" "):
        if len(line) + 1 + len(word) > _WIDTH and line.strip():
            yield line
            line = "       "
        line += f" {word}"
    yield line


def main() -> None:
    """Write the columns of all files again."""
    for path in FILES:
        path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
