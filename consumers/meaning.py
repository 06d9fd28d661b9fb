"""What a record of the log says, as version-neutral facts: one table for all OCPP versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from consumers import (
    list_frames,
    reservation_frames,
    station_frames,
    token_frames,
    transaction_frames,
)
from consumers.bus_records import RECORDS, removed
from consumers.facts import At, Fact, Seen
from consumers.frames import Frame, Read
from consumers.payloads import NOTHING, PART, Json, payload_of
from schemas.catalogue import frame_field

__all__ = ["call_payload", "facts_of", "keeps_call", "removed", "wants_call"]


def facts_of(
    topic: str, record: Json, position: int, call: Json | None, written_ms: int = 0
) -> list[Fact]:
    """What one record says; nothing where it is of no concern here.

    A frame of a station says at least that the station was there: Seen.

    `record` is as schemas.codec decodes it, `topic` (without prefix) is where it stood at the
    offset `position`, since `written_ms` (epoch milliseconds, of Kafka's record): the time of
    facts whose record has none. `call` is the payload of the CALL that this answers, for those
    records that `wants_call` names; None where the reader does not have it, which may cost a fact.
    Never raises for a record that a gateway has written, nor for a platform's.
    """
    if (read := RECORDS.get(topic)) is not None:
        return read(record, position, written_ms)
    if not _is_frame(record):
        return []
    at = At(
        record["station"],
        record["epoch"],
        record["sequence"],
        record["observed_at"],
        record["event_id"],
    )
    facts: list[Fact] = []
    row = _ROWS.get((record["ocpp_version"], record["action"], record["kind"]))
    if row is not None and record.get(row.field) is not None:
        said = NOTHING if row.field == _ERROR else payload_of(record, row.field)
        facts = list(row.read(Frame(at, said, call, record)))
    return facts if facts or record["direction"] == "to_station" else [Seen(at)]


def wants_call(record: Json) -> bool:
    """Whether this is an answer to, or an error about, a CALL that `keeps_call` named.

    That CALL, which `call_sequence` points to, is wanted now, and never again.
    """
    return record.get("kind") in ("result", _ERROR) and _asks(record)


def keeps_call(record: Json) -> bool:
    """Whether this is a CALL whose answer will need it; `call_payload` is what to keep."""
    return record.get("kind") == "call" and _asks(record)


def call_payload(record: Json) -> Json:
    """The payload of a CALL, as `facts_of` takes it."""
    return payload_of(record, frame_field(record["ocpp_version"], record["action"], "request"))


def _asks(record: Json) -> bool:
    """Whether it is a frame of an action whose answers say too little alone."""
    kind = record.get("ocpp_version"), record.get("action")
    return kind in _NEED_CALL and _is_frame(record)


def _is_frame(record: Json) -> bool:
    """A dead letter has the envelope too, but nothing in it is certain."""
    return "call_sequence" in record and "rule" not in record


_ERROR = "error"  # both the kind of the frame and its field in the record

_BOTH: Mapping[tuple[str, str], Read] = {
    ("BootNotification", "result"): station_frames.boot_answer,
    ("CancelReservation", "error"): reservation_frames.cancelled,
    ("CancelReservation", "result"): reservation_frames.cancelled,
    ("ChangeAvailability", "result"): station_frames.availability,
    ("GetLocalListVersion", "result"): list_frames.list_version,
    ("MeterValues", "call"): transaction_frames.meter_values,
    ("ReserveNow", "error"): reservation_frames.reserved,
    ("ReserveNow", "result"): reservation_frames.reserved,
    ("SendLocalList", "error"): list_frames.list_answer,
    ("SendLocalList", "result"): list_frames.list_answer,
}
_V16: Mapping[tuple[str, str], Read] = {
    **_BOTH,
    ("Authorize", "call"): token_frames.authorize,
    ("Authorize", "error"): token_frames.authorized,
    ("Authorize", "result"): token_frames.authorized,
    ("BootNotification", "call"): station_frames.boot,
    ("GetConfiguration", "result"): list_frames.configuration,
    ("RemoteStartTransaction", "error"): transaction_frames.remote_start,
    ("RemoteStartTransaction", "result"): transaction_frames.remote_start,
    ("ReserveNow", "call"): reservation_frames.reserve,
    ("StartTransaction", "call"): transaction_frames.start,
    ("StartTransaction", "result"): transaction_frames.start_answer,
    ("StatusNotification", "call"): station_frames.status,
    ("StopTransaction", "call"): transaction_frames.stop,
    ("StopTransaction", "result"): transaction_frames.stop_answer,
}
_V2: Mapping[tuple[str, str], Read] = {
    **_BOTH,
    ("Authorize", "call"): token_frames.authorize_2,
    ("Authorize", "error"): token_frames.authorized_2,
    ("Authorize", "result"): token_frames.authorized_2,
    ("BootNotification", "call"): station_frames.boot_2,
    ("GetVariables", "result"): list_frames.variables,
    ("NotifyEvent", "call"): station_frames.notified_status,
    ("NotifyReport", "call"): list_frames.report,
    ("RequestStartTransaction", "error"): transaction_frames.remote_start_2,
    ("RequestStartTransaction", "result"): transaction_frames.remote_start_2,
    ("ReservationStatusUpdate", "call"): reservation_frames.reservation_status,
    ("ReserveNow", "call"): reservation_frames.reserve_2,
    ("StatusNotification", "call"): station_frames.status_2,
    ("TransactionEvent", "call"): transaction_frames.event,
    ("TransactionEvent", "result"): transaction_frames.event_answer,
}
# The actions whose answers say too little alone.
_JOINED_BOTH = ("Authorize", "CancelReservation", "ChangeAvailability", "ReserveNow")
_JOINED_16 = (
    *(*_JOINED_BOTH, "RemoteStartTransaction", "SendLocalList", "StartTransaction"),
    "StopTransaction",
)
_JOINED_2 = (*_JOINED_BOTH, "RequestStartTransaction", "SendLocalList", "TransactionEvent")

_VERSIONS = (("1.6", _V16, _JOINED_16), ("2.0.1", _V2, _JOINED_2), ("2.1", _V2, _JOINED_2))


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table: the frame field of the record, and what reads its payload."""

    field: str
    read: Read


def _field(version: str, action: str, kind: str) -> str:
    return _ERROR if kind == _ERROR else frame_field(version, action, PART[kind])


_ROWS: Mapping[tuple[Any, Any, Any], _Row] = MappingProxyType(
    {
        (version, action, kind): _Row(_field(version, action, kind), read)
        for version, table, _ in _VERSIONS
        for (action, kind), read in table.items()
    }
)
_NEED_CALL = frozenset((version, action) for version, _, joined in _VERSIONS for action in joined)
