"""Tells whether a schema may follow the versions that were published before it.

The rules are Avro's schema resolution (specification 1.12, "Schema Resolution") both ways between
the new version and every older one, which registries call FULL_TRANSITIVE; and one of our own: a
field that was published stays. Avro would let a nullable field go, or be renamed, in silence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import fastavro

Schema = Mapping[str, Any]

# A value of the writer's type (first) may be read as each of these.
_PROMOTIONS: Mapping[str, frozenset[str]] = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}


def violations(new: Schema, published: Sequence[Schema]) -> list[str]:
    """Why `new` must not follow the published versions (oldest first); empty if it may."""
    found: list[str] = []
    for number, old in enumerate(published, 1):
        found += [f"version {number} cannot be read: {text}" for text in unreadable(new, old)]
        found += [f"a reader of version {number} fails: {text}" for text in unreadable(old, new)]
        found += [f"published in version {number}, now gone: {path}" for path in _lost(new, old)]
    return found


def unreadable(reader: Schema, writer: Schema) -> list[str]:
    """Why data of one schema cannot be read with another, by path; empty if it can."""
    read, written = fastavro.parse_schema(dict(reader)), fastavro.parse_schema(dict(writer))
    resolution = _Resolution(dict(_records(read)), dict(_records(written)))
    return list(resolution.problems(read, written, path=""))


class _Resolution:
    """One comparison; it looks at each pair of records once."""

    def __init__(self, of_reader: Mapping[str, Schema], of_writer: Mapping[str, Schema]) -> None:
        self._of_reader = of_reader
        self._of_writer = of_writer
        self._seen: set[tuple[str, str]] = set()

    def problems(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        reader = self._of_reader.get(reader, reader) if isinstance(reader, str) else reader
        writer = self._of_writer.get(writer, writer) if isinstance(writer, str) else writer
        if isinstance(writer, list):
            for branch in writer:
                yield from self.problems(reader, branch, path)
        elif isinstance(reader, list):
            attempts = [list(self.problems(branch, writer, path)) for branch in reader]
            if all(attempts):  # told by the last branch: ours are of null and one other type
                yield from attempts[-1]
        elif _kind(reader) == _kind(writer) == "array":
            yield from self.problems(reader["items"], writer["items"], f"{path}[]")
        elif _kind(reader) == _kind(writer) == "record":
            yield from self._record(reader, writer, path)
        elif not _fits(reader, writer):
            yield f"{path}: {_kind(writer)} is no {_kind(reader)}"

    def _record(self, reader: Schema, writer: Schema, path: str) -> Iterator[str]:
        pair = (reader["name"], writer["name"])
        if pair in self._seen:
            return
        self._seen.add(pair)
        if reader["name"] != writer["name"]:
            yield f"{path}: record {writer['name']} is no {reader['name']}"
            return
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            name = f"{path}.{field['name']}".lstrip(".")
            if field["name"] in written:
                yield from self.problems(field["type"], written[field["name"]]["type"], name)
            elif "default" not in field:
                yield f"{name}: not written, and without default"


def _kind(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return str(schema)
    return str(schema.get("logicalType") or schema["type"])


def _fits(reader: Any, writer: Any) -> bool:
    # A logical type is compared like a type: a time that becomes a bare number is a change.
    return _kind(reader) == _kind(writer) or _kind(reader) in _PROMOTIONS.get(
        _kind(writer), frozenset()
    )


def _records(schema: Any) -> Iterator[tuple[str, Schema]]:
    """Every record in a schema by its full name."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _records(branch)
    elif isinstance(schema, Mapping) and schema["type"] == "record":
        yield schema["name"], schema
        for field in schema["fields"]:
            yield from _records(field["type"])
    elif isinstance(schema, Mapping) and schema["type"] == "array":
        yield from _records(schema["items"])


def _lost(new: Schema, old: Schema) -> Iterable[str]:
    """The fields of an older version that a newer one has no more."""
    kept = dict(_records(fastavro.parse_schema(dict(new))))
    for name, record in _records(fastavro.parse_schema(dict(old))):
        if name not in kept:
            continue  # then the field that held it is gone, or has another type
        left = {field["name"] for field in kept[name]["fields"]}
        yield from (f"{name}.{f['name']}" for f in record["fields"] if f["name"] not in left)
