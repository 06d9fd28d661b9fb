"""Turns records into the bytes of the bus and back (Confluent's wire format around Avro).

Writing is done by the functions that `writers` generates; `fastavro` reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

import fastavro
from fastavro.validation import ValidationError, validate

from schemas import lock, records
from schemas.words import word_fields
from schemas.writers import Write, writer

_MAGIC = b"\x00"
# What fastavro raises in the middle of foreign bytes: a length, a branch, UTF-8, the end.
_BROKEN = (ArithmeticError, EOFError, LookupError, MemoryError, TypeError, ValueError)


class UnknownSchemaId(Exception):  # noqa: N818 - a fact that the reader waits on
    """Bytes that name a schema we have not learned: the reader is older than the writer."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"schema id {schema_id} is not known here")
        self.schema_id = schema_id


class CorruptRecord(Exception):  # noqa: N818 - names what was found
    """Bytes that are no record in Confluent's wire format, or do not fit their own schema."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Codec:
    """Encodes and decodes the records of all topics; `ids` leads from topic name to schema id.

    Topic names are without prefix. Every version in the lock can be read, whatever `ids` says.
    Timestamps are whole milliseconds since 1970 (UTC), as int, in both directions.
    """

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._headers = {topic: _MAGIC + number.to_bytes(4, "big") for topic, number in ids.items()}
        self._schemas: dict[int, tuple[str, Mapping[str, Any]]] = {}
        self._readers: dict[int, _Reader] = {}
        for topic, number in ids.items():
            self.learn(number, topic, records.schema(topic))

    def learn(self, schema_id: int, topic: str, schema: Mapping[str, Any]) -> None:
        """Make records readable that were written with another version of a topic's schema."""
        self._schemas[schema_id] = (topic, schema)
        self._readers.pop(schema_id, None)

    def prepare(self) -> None:
        """Make the writers of all topics now (0.3 s), rather than each at its first record."""
        for topic in self._headers:
            _writer(topic)

    def encode(self, topic: str, record: Mapping[str, object]) -> bytes:
        """The bytes of a record. Absent fields are null or their default; unknown ones are ignored.

        Of a block's frame fields (and `error`) exactly one must be set. KeyError: unknown topic.
        TypeError: a value does not fit its field, or a required one is missing (a bug of the
        caller). OverflowError (an ArithmeticError): an integer beyond 64 bits. UnicodeEncodeError
        (a ValueError): a lone surrogate. Those two can come from a station's own text.
        """
        parts = [self._headers[topic]]
        try:
            _writer(topic)(record, parts.extend)
        except (AttributeError, LookupError, TypeError) as error:
            raise TypeError(f"{topic}: {_complaint(topic, record) or error}") from error
        return b"".join(parts)

    def decode(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """(topic name, record) of the bytes; a record of another version is read into ours.

        So fields that its writer did not know are null, and fields that we do not know are left
        out. UnknownSchemaId: learn the schema and try again. CorruptRecord: it will never be read.
        """
        if len(data) < 5 or data[:1] != _MAGIC:
            raise CorruptRecord("no magic byte and schema id (Confluent wire format)")
        schema_id = int.from_bytes(data[1:5], "big")
        reader = self._readers.get(schema_id)
        if reader is None:
            reader = self._reader(schema_id)
        body = BytesIO(data)
        body.seek(5)
        try:
            record: Any = fastavro.schemaless_reader(body, reader.written, reader.wanted)
        except _BROKEN as error:
            raise CorruptRecord(f"{reader.topic}: {type(error).__name__}: {error}") from error
        if body.tell() != len(data):
            raise CorruptRecord(f"{reader.topic}: {len(data) - body.tell()} bytes left over")
        return reader.topic, record

    def _reader(self, schema_id: int) -> "_Reader":
        topic, schema = self._schemas.get(schema_id) or _published(schema_id)
        written, wanted = fastavro.parse_schema(_plain(schema)), _newest(topic)
        same = _plain(schema) == _plain(records.schema(topic))
        reader = _Reader(topic, wanted if same else written, None if same else wanted)
        self._readers[schema_id] = reader
        return reader


@dataclass(frozen=True, slots=True)
class _Reader:
    """What fastavro needs for one schema id; `wanted` is None where it is the schema written."""

    topic: str
    written: Any
    wanted: Any


def _published(schema_id: int) -> tuple[str, Mapping[str, Any]]:
    row = lock.by_id().get(schema_id)
    if row is None:
        raise UnknownSchemaId(schema_id)
    return row.topic, lock.schema(row)


@cache
def _writer(topic: str) -> Write:
    schema, one_of = records.schema(topic), records.frame_fields(topic)
    return writer(schema, one_of, words=word_fields(topic))


@cache
def _newest(topic: str) -> Any:
    return fastavro.parse_schema(_plain(records.schema(topic)))


def _plain(schema: Any) -> Any:
    """The schema without docs, and with logical types as what they are on the wire.

    fastavro would make a datetime of each timestamp; we want the integer, and the time it saves.
    """
    if isinstance(schema, list):
        return [_plain(branch) for branch in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "logicalType" in schema:
        return schema["type"]
    kept = {key: value for key, value in schema.items() if key != "doc"}
    if "fields" in kept:
        kept["fields"] = [_plain(field) for field in kept["fields"]]
    for key in ("type", "items"):
        if key in kept:
            kept[key] = _plain(kept[key])
    return kept


def _complaint(topic: str, record: Mapping[str, object]) -> str:
    """Which field does not fit, for the text of a TypeError; never the value, it may be private."""
    try:
        validate(record, fastavro.parse_schema(records.schema(topic)), raise_errors=True)
    except ValidationError as error:
        return "; ".join(
            f"{e.field}: {type(e.datum).__name__} where {e.schema} is expected"
            for e in error.errors
        )
    return ""
