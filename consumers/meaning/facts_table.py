"""What a record of the log says, as version-neutral facts: one table for all OCPP versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from consumers.meaning import local_lists, reservations, stations, tokens, transactions
from consumers.meaning.bus_records import RECORDS, removed
from consumers.meaning.facts import At, Fact, Seen
from consumers.meaning.frames import Frame, Read
from consumers.meaning.payloads import NOTHING, PART, Json, payload_of
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
    ("BootNotification", "result"): stations.boot_answer,
    ("CancelReservation", "error"): reservations.cancelled,
    ("CancelReservation", "result"): reservations.cancelled,
    ("ChangeAvailability", "result"): stations.availability,
    ("GetLocalListVersion", "result"): local_lists.list_version,
    ("MeterValues", "call"): transactions.meter_values,
    ("ReserveNow", "error"): reservations.reserved,
    ("ReserveNow", "result"): reservations.reserved,
    ("SendLocalList", "error"): local_lists.list_answer,
    ("SendLocalList", "result"): local_lists.list_answer,
}
_V16: Mapping[tuple[str, str], Read] = {
    **_BOTH,
    ("Authorize", "call"): tokens.authorize,
    ("Authorize", "error"): tokens.authorized,
    ("Authorize", "result"): tokens.authorized,
    ("BootNotification", "call"): stations.boot,
    ("GetConfiguration", "result"): local_lists.configuration,
    ("RemoteStartTransaction", "error"): transactions.remote_start,
    ("RemoteStartTransaction", "result"): transactions.remote_start,
    ("ReserveNow", "call"): reservations.reserve,
    ("StartTransaction", "call"): transactions.start,
    ("StartTransaction", "result"): transactions.start_answer,
    ("StatusNotification", "call"): stations.status,
    ("StopTransaction", "call"): transactions.stop,
    ("StopTransaction", "result"): transactions.stop_answer,
}
_V2: Mapping[tuple[str, str], Read] = {
    **_BOTH,
    ("Authorize", "call"): tokens.authorize_2,
    ("Authorize", "error"): tokens.authorized_2,
    ("Authorize", "result"): tokens.authorized_2,
    ("BootNotification", "call"): stations.boot_2,
    ("GetVariables", "result"): local_lists.variables,
    ("NotifyEvent", "call"): stations.notified_status,
    ("NotifyReport", "call"): local_lists.report,
    ("RequestStartTransaction", "error"): transactions.remote_start_2,
    ("RequestStartTransaction", "result"): transactions.remote_start_2,
    ("ReservationStatusUpdate", "call"): reservations.reservation_status,
    ("ReserveNow", "call"): reservations.reserve_2,
    ("StatusNotification", "call"): stations.status_2,
    ("TransactionEvent", "call"): transactions.event,
    ("TransactionEvent", "result"): transactions.event_answer,
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
