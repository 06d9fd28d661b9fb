"""What the log tells a gateway: commands, decisions and connections as they come, all stations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from gateway.stations import UNCLEAR, Station, station_of
from schemas.codec import UnknownSchemaId

Decoded = Mapping[str, Any]

STATIONS = "stations"
TAILED = ("commands", "decisions", "connections", STATIONS)

log = structlog.get_logger(__name__)


class Record(Protocol):
    """A record as a Kafka consumer gives it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: int


class Dispatch:
    """Hands records to whom they concern, and counts those that make no sense.

    `decode` turns bytes into (topic without prefix, record) or raises UnknownSchemaId; `holds`
    tells by record key whether a station is connected here, `partition_of` where a key belongs.
    `on_connection` is called with key, position (the epoch, for `connected`) and record,
    `on_decision` with key and record, `on_command` with key, headers, time of writing (epoch
    milliseconds) and record, `on_station` with the key of a row that has changed in `stations`,
    the live table by key.
    """

    def __init__(  # noqa: PLR0913 - everything outside arrives as an argument
        self,
        *,
        decode: Callable[[bytes], tuple[str, Decoded]],
        holds: Callable[[bytes], bool],
        partition_of: Callable[[bytes], int],
        on_connection: Callable[[bytes, int, Decoded], None],
        on_decision: Callable[[bytes, Decoded], None],
        on_command: Callable[[bytes, Sequence[tuple[str, bytes]], int, Decoded], None],
        on_station: Callable[[bytes], None],
    ) -> None:
        self._decode = decode
        self._holds = holds
        self._partition_of = partition_of
        self._delivery: Mapping[str, Callable[[bytes, Record, Decoded], None]] = {
            "commands": lambda key, at, told: on_command(key, at.headers, at.timestamp, told),
            "decisions": lambda key, _, told: on_decision(key, told),
            "connections": lambda key, at, told: on_connection(key, at.offset, told),
        }
        self._on_station = on_station
        self.stations: dict[bytes, Station] = {}
        self.broken = 0  # records that could not be understood, or whose receiver failed
        self.misrouted = 0  # records in the wrong partition, or under another key than their own

    def take(self, name: str, records: Sequence[Record]) -> list[tuple[int, Record]]:
        """Hand out what concerns us; returns what could not be read for its schema's id."""
        holds, unknown = self._holds, []
        for record in records:
            try:
                if name == STATIONS:
                    self._note_station(record)
                # Nearly all concern a station held elsewhere: this is the cost of a broadcast.
                elif record.key is not None and holds(record.key):
                    self._deliver(name, record.key, record)
            except UnknownSchemaId as error:
                unknown.append((error.schema_id, record))
        return unknown

    def _deliver(self, name: str, key: bytes, record: Record) -> None:
        decoded = self._decoded(name, record)
        if decoded is not None:
            self._hand(record, self._delivery[name], key, record, decoded)

    def _hand(self, record: Record, receive: Callable[..., None], *read: object) -> None:
        try:
            receive(*read)
        except Exception:
            self.broken += 1
            log.exception("a record's receiver failed", **_place(record))

    def _note_station(self, record: Record) -> None:
        key = record.key
        if key is not None and record.value is None:
            if self._in_place(record):
                self.stations.pop(key, None)
                self._changed(key, record)
            return
        decoded = self._decoded(STATIONS, record)
        if decoded is None or key is None:
            return
        try:
            self.stations[key] = station_of(decoded)
        except ValueError as error:
            self.broken += 1
            log.error("station record makes no sense", error=str(error), **_place(record))
            if key in self.stations:
                return
            self.stations[key] = UNCLEAR  # what it asks for may be more than of one that is unknown
        self._changed(key, record)

    def _changed(self, key: bytes, record: Record) -> None:
        if self._holds(key):
            self._hand(record, self._on_station, key)

    def _decoded(self, name: str, record: Record) -> Decoded | None:
        """The record, or None (counted and logged) where it is broken or out of place."""
        if not self._in_place(record):
            return None
        try:
            topic, decoded = self._decode(record.value or b"")
            if topic != name:
                raise ValueError(f"a record of {topic}")
        except UnknownSchemaId:
            raise
        except Exception as error:
            self.broken += 1
            log.error("record cannot be read", error=repr(error), **_place(record))
            return None
        # Another writer's schema may have no station, or may let it be null.
        if str(decoded.get("station")).encode() != record.key:
            self.misrouted += 1
            log.error("record under a key that is not its station", **_place(record))
            return None
        return decoded

    def _in_place(self, record: Record) -> bool:
        if record.key is not None and self._partition_of(record.key) == record.partition:
            return True
        self.misrouted += 1
        log.error("record in the wrong partition; writers must use murmur2", **_place(record))
        return False

    def give_up(self, schema_id: int, record: Record) -> None:
        """Nobody knows the schema of this record."""
        self.broken += 1
        log.error("record with an unknown schema", schema_id=schema_id, **_place(record))


def _place(record: Record) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
