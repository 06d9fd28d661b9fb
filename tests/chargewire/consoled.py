"""Records of the log as the console reads them, short to write."""

from typing import Any

from chargewire.console.config import Config
from chargewire.console.model import Model
from chargewire.log.summary import Entry
from consumers.tables.schemas import key_text
from programs.registry import builtin_ids
from schemas.catalogue import ACTIONS, frame_field
from schemas.codec import Codec
from schemas.derive import shape

CODEC = Codec(builtin_ids())
NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
_PARTS = {"call": "request", "result": "response"}
_KEYS = {
    "tables.stations": ("station",),
    "tables.connectors": ("station", "evse", "connector"),
    "tables.transactions": ("station", "transaction_id", "ordinal"),
    "tables.commands": ("station", "command_id"),
}


def entry(topic: str, record: dict[str, Any], *, offset: int = 0, at_ms: int = NOON) -> Entry:
    """A record as it comes back from Kafka, with every field."""
    _, whole = CODEC.decode(CODEC.encode(topic, record))
    key = key_of(topic, record)
    return Entry(topic, 0, offset, at_ms, key.encode(), whole)


def key_of(topic: str, record: dict[str, Any]) -> str:
    """The key of the Kafka record."""
    if topic not in _KEYS:
        return str(record["station"])
    return key_text(tuple(record[name] for name in _KEYS[topic]))


def removed(topic: str, **key: Any) -> Entry:
    """A record that takes its key away."""
    return Entry(topic, 0, 0, NOON, key_of(topic, key).encode(), None, "deleted")


def row(topic: str, generation: int = 1, revision: int = 1, **columns: Any) -> Entry:
    """A row of a table."""
    return entry(topic, columns | {"generation": generation, "revision": revision})


def frame_record(
    action: str,
    payload: dict[str, Any] | None = None,
    *,
    station: str = "CS-1",
    version: str = "1.6",
    kind: str = "call",
    to_station: bool = False,
    epoch: int = 1,
    sequence: int = 1,
    **more: Any,
) -> tuple[str, dict[str, Any]]:
    """Topic and record of a frame that is seen a second after noon for each of its sequence."""
    part = _PARTS[kind]
    record = {
        "event_id": f"{epoch}.{sequence}.{station}",
        "station": station,
        "connection_id": "c",
        "epoch": epoch,
        "sequence": sequence,
        "gateway": "g",
        "ocpp_version": version,
        "direction": "to_station" if to_station else "from_station",
        "kind": kind,
        "action": action,
        "message_id": f"m{sequence}",
        "observed_at": NOON + 1000 * sequence,
        frame_field(version, action, part): shape(version, action, part).to_avro(payload or {})[0],
    }
    return ACTIONS[version, action].block, record | more


def frame(action: str, payload: dict[str, Any] | None = None, **more: Any) -> Entry:
    """The same as it comes back from Kafka."""
    topic, record = frame_record(action, payload, **more)
    return entry(topic, record, at_ms=record["observed_at"])


def connected(station: str = "CS-1", *, epoch: int = 1, at_ms: int = NOON, **more: Any) -> Entry:
    """The beginning of a connection."""
    record = connection(station, type="connected", at=at_ms, sequence=0) | more
    return entry("connections", record, offset=epoch, at_ms=at_ms)


def disconnected(station: str = "CS-1", *, epoch: int = 1, at_ms: int = NOON) -> Entry:
    """Its end."""
    record = connection(station, type="disconnected", at=at_ms, sequence=99, epoch=epoch)
    return entry("connections", record | {"reason": "gone"}, offset=epoch + 1, at_ms=at_ms)


def connection(station: str, **more: Any) -> dict[str, Any]:
    """A record of the connection log."""
    usual = {"connection_id": "c", "gateway": "g", "ocpp_version": "1.6"}
    return {"event_id": f"{station} {more}", "station": station} | usual | more


def letter_record(station: str = "CS-1", *, sequence: int = 5, **more: Any) -> dict[str, Any]:
    """A dead letter."""
    return {
        "event_id": f"1.{sequence}.{station}",
        "station": station,
        "connection_id": "c",
        "epoch": 1,
        "sequence": sequence,
        "gateway": "g",
        "ocpp_version": "1.6",
        "direction": "from_station",
        "observed_at": NOON + 1000 * sequence,
        "rule": "not_json",
        "text": "[2,",
        "size": 3,
        **more,
    }


def status(connector: int, word: str, **more: Any) -> Entry:
    """A StatusNotification of 1.6."""
    said = {"connectorId": connector, "errorCode": more.pop("code", "NoError"), "status": word}
    return frame("StatusNotification", said, **more)


def model(*entries: Entry, settled: bool = True, **limits: Any) -> Model:
    """A model that has read these."""
    made = Model(Config(**limits), first=100)
    if settled:
        made.settled()
    for one in entries:
        made.take(one)
    made.changes()
    return made
