"""What a frame of any OCPP version says, as version-neutral facts: one table for all of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from consumers.facts import (
    At,
    AvailabilityAnswered,
    BootAnswered,
    Booted,
    Connected,
    Disconnected,
    Fact,
    Sampled,
    Seen,
    StatusTold,
    TransactionAnswered,
    TransactionStarted,
    TransactionStopped,
    TransactionUpdated,
)
from consumers.meter_samples import register_wh, samples
from consumers.payloads import (
    PART,
    Json,
    boolean,
    decimal,
    identifier,
    integer,
    items,
    members,
    moment,
    payload_of,
    text,
)
from schemas.catalogue import frame_field
from schemas.identity import transaction_id


def facts_of(topic: str, record: Json, position: int, call: Json | None) -> list[Fact]:
    """What one record says; nothing where it is of no concern here.

    `record` is as schemas.codec decodes it, `topic` (without prefix) is where it stood at the
    offset `position`. `call` is the payload of the CALL that this answers, for those records that
    `wants_call` names; None where the reader does not have it, which may cost a fact. Never raises
    for a record that a gateway has written.
    """
    if topic == "connections":
        return _connection(record, position)
    row = _ROWS.get((record.get("ocpp_version"), record.get("action"), record.get("kind")))
    # A dead letter has the envelope, but nothing in it is certain.
    if row is None or record.get(row.field) is None:
        return []
    at = At(
        record["station"],
        record["epoch"],
        record["sequence"],
        record["observed_at"],
        record["event_id"],
    )
    return list(row.read(at, payload_of(record, row.field), call))


def wants_call(record: Json) -> bool:
    """Whether the facts of this answer need its CALL, which `call_sequence` points to."""
    return record.get("kind") == "result" and _asks(record)


def keeps_call(record: Json) -> bool:
    """Whether this is a CALL whose answer will need it; `call_payload` is what to keep."""
    return record.get("kind") == "call" and _asks(record)


def call_payload(record: Json) -> Json:
    """The payload of a CALL, as `facts_of` takes it."""
    return payload_of(record, frame_field(record["ocpp_version"], record["action"], "request"))


def _asks(record: Json) -> bool:
    return (record.get("ocpp_version"), record.get("action")) in _NEED_CALL


def _connection(record: Json, position: int) -> list[Fact]:
    kind, epoch, sequence = record["type"], record["epoch"], record["sequence"]
    if kind == "connected":
        at = At(record["station"], position, 0, record["at"], record["event_id"])
        return [
            Connected(
                at,
                gateway=record["gateway"],
                version=record["ocpp_version"],
                remote_address=text(record["remote_address"]),
                connection_id=record["connection_id"],
                security_profile=record["security_profile"],
            )
        ]
    if kind == "disconnected":
        at = At(
            record["station"],
            -1 if epoch is None else epoch,
            -1 if sequence is None else sequence,
            record["at"],
            record["event_id"],
        )
        return [Disconnected(at, record["connection_id"], record["close_code"], record["reason"])]
    return []


_Facts = Iterator[Fact]
_Read = Callable[[At, Json, Json | None], _Facts]


def _boot(at: At, said: Json, call: Json | None) -> _Facts:
    yield Booted(
        at,
        vendor=text(said.get("chargePointVendor")),
        model=text(said.get("chargePointModel")),
        serial=text(said.get("chargePointSerialNumber")),
        box_serial=text(said.get("chargeBoxSerialNumber")),
        firmware=text(said.get("firmwareVersion")),
        iccid=text(said.get("iccid")),
        imsi=text(said.get("imsi")),
        meter_type=text(said.get("meterType")),
        meter_serial=text(said.get("meterSerialNumber")),
    )


def _boot_2(at: At, said: Json, call: Json | None) -> _Facts:
    station = members(said.get("chargingStation"))
    modem = members(station.get("modem"))
    yield Booted(
        at,
        vendor=text(station.get("vendorName")),
        model=text(station.get("model")),
        serial=text(station.get("serialNumber")),
        firmware=text(station.get("firmwareVersion")),
        iccid=text(modem.get("iccid")),
        imsi=text(modem.get("imsi")),
        reason=text(said.get("reason")),
    )


def _boot_answer(at: At, said: Json, call: Json | None) -> _Facts:
    yield BootAnswered(at, text(said.get("status")), integer(said.get("interval")))


def _heartbeat(at: At, said: Json, call: Json | None) -> _Facts:
    yield Seen(at)


def _status(at: At, said: Json, call: Json | None) -> _Facts:
    told_ms, told_text = moment(said.get("timestamp"))
    yield StatusTold(
        at,
        connector=integer(said.get("connectorId")),
        status=text(said.get("status")),
        error_code=text(said.get("errorCode")),
        info=text(said.get("info")),
        vendor_id=text(said.get("vendorId")),
        vendor_error=text(said.get("vendorErrorCode")),
        told_ms=told_ms,
        told_text=told_text,
    )


def _status_2(at: At, said: Json, call: Json | None) -> _Facts:
    told_ms, told_text = moment(said.get("timestamp"))
    yield StatusTold(
        at,
        evse=integer(said.get("evseId")),
        connector=integer(said.get("connectorId")),
        status=text(said.get("connectorStatus")),
        told_ms=told_ms,
        told_text=told_text,
    )


def _notified_status(at: At, said: Json, call: Json | None) -> _Facts:
    """The status of connectors as 2.1 wants it told: AvailabilityState in the device model."""
    index = 0
    for event in map(members, items(said.get("eventData"))):
        component = members(event.get("component"))
        variable = text(members(event.get("variable")).get("name"))
        name = text(component.get("name"))
        if variable != "AvailabilityState" or name not in _AVAILABLE_COMPONENTS:
            continue
        told_ms, told_text = moment(event.get("timestamp"))
        evse = members(component.get("evse"))
        yield StatusTold(
            at,
            evse=integer(evse.get("id")),
            connector=integer(evse.get("connectorId")) if name == "Connector" else 0,
            status=text(event.get("actualValue")),
            error_code=text(event.get("techCode")),
            info=text(event.get("techInfo")),
            told_ms=told_ms,
            told_text=told_text,
            index=index,
        )
        index += 1


_AVAILABLE_COMPONENTS = frozenset({"Connector", "EVSE", "ChargingStation"})


def _availability(at: At, said: Json, call: Json | None) -> _Facts:
    if call is None:
        return
    evse = members(call.get("evse"))
    yield AvailabilityAnswered(
        at,
        evse=integer(evse.get("id")),
        connector=integer(call.get("connectorId", evse.get("connectorId"))),
        asked=text(call.get("type", call.get("operationalStatus"))),
        status=text(said.get("status")),
    )


def _start(at: At, said: Json, call: Json | None) -> _Facts:
    told_ms, told_text = moment(said.get("timestamp"))
    yield TransactionStarted(
        at,
        transaction=str(transaction_id(at.station, said)),
        connector=integer(said.get("connectorId")),
        token=text(said.get("idTag")),
        told_ms=told_ms,
        told_text=told_text,
        meter_wh=decimal(said.get("meterStart")),
        reservation=integer(said.get("reservationId")),
    )


def _start_answer(at: At, said: Json, call: Json | None) -> _Facts:
    info = members(said.get("idTagInfo"))
    yield TransactionAnswered(
        at,
        transaction=identifier(said.get("transactionId")),
        status=text(info.get("status")),
        group=text(info.get("parentIdTag")),
    )


def _stop(at: At, said: Json, call: Json | None) -> _Facts:
    told_ms, told_text = moment(said.get("timestamp"))
    transaction = identifier(said.get("transactionId"))
    yield TransactionStopped(
        at,
        transaction=transaction,
        told_ms=told_ms,
        told_text=told_text,
        token=text(said.get("idTag")),
        meter_wh=decimal(said.get("meterStop")),
        # OCPP 1.6, 6.49: it may be left out when it is Local. So it may in 2.x (2.0.1, 2.48).
        reason=text(said.get("reason")) or "Local",
    )
    make = partial(Sampled, at, source="StopTransaction", transaction=transaction)
    yield from samples(make, said.get("transactionData"))


def _stop_answer(at: At, said: Json, call: Json | None) -> _Facts:
    info = members(said.get("idTagInfo"))
    if call is None or not info:
        return
    yield TransactionAnswered(
        at,
        transaction=identifier(call.get("transactionId")),
        status=text(info.get("status")),
        group=text(info.get("parentIdTag")),
    )


def _meter_values(at: At, said: Json, call: Json | None) -> _Facts:
    make = partial(
        Sampled,
        at,
        source="MeterValues",
        transaction=identifier(said.get("transactionId")),
        evse=integer(said.get("evseId")),
        connector=integer(said.get("connectorId")),
    )
    yield from samples(make, said.get("meterValue"))


def _event(at: At, said: Json, call: Json | None) -> _Facts:
    info, evse = members(said.get("transactionInfo")), members(said.get("evse"))
    token = members(said.get("idToken"))
    told_ms, told_text = moment(said.get("timestamp"))
    where: dict[str, Any] = {
        "transaction": identifier(info.get("transactionId")),
        "evse": integer(evse.get("id")),
        "connector": integer(evse.get("connectorId")),
    }
    make = partial(Sampled, at, source="TransactionEvent", **where)
    read = list(samples(make, said.get("meterValue")))
    what: dict[str, Any] = where | {
        "seq_no": integer(said.get("seqNo")),
        "told_ms": told_ms,
        "told_text": told_text,
        "token": text(token.get("idToken")),
        "token_type": text(token.get("type")),
        "charging_state": text(info.get("chargingState")),
        "trigger": text(said.get("triggerReason")),
        "offline": boolean(said.get("offline")),
        "remote_start": integer(info.get("remoteStartId")),
        "reservation": integer(said.get("reservationId")),
    }
    match said.get("eventType"):
        case "Started":
            meter_wh = register_wh(read, "Transaction.Begin", last=False)
            yield TransactionStarted(at, meter_wh=meter_wh, **what)
        case "Ended":
            reason = text(info.get("stoppedReason")) or "Local"
            meter_wh = register_wh(read, "Transaction.End", last=True)
            yield TransactionStopped(at, meter_wh=meter_wh, reason=reason, **what)
        case _:
            # It went on in any case, also where the type is missing or a word of another world.
            meter_wh = register_wh(read, "Sample.Periodic", last=True)
            yield TransactionUpdated(at, meter_wh=meter_wh, **what)
    yield from read


def _event_answer(at: At, said: Json, call: Json | None) -> _Facts:
    info = members(said.get("idTokenInfo"))
    if call is None or not info:
        return
    yield TransactionAnswered(
        at,
        transaction=identifier(members(call.get("transactionInfo")).get("transactionId")),
        status=text(info.get("status")),
        group=text(members(info.get("groupIdToken")).get("idToken")),
    )


_V16: Mapping[tuple[str, str], _Read] = {
    ("BootNotification", "call"): _boot,
    ("BootNotification", "result"): _boot_answer,
    ("ChangeAvailability", "result"): _availability,
    ("Heartbeat", "call"): _heartbeat,
    ("MeterValues", "call"): _meter_values,
    ("StartTransaction", "call"): _start,
    ("StartTransaction", "result"): _start_answer,
    ("StatusNotification", "call"): _status,
    ("StopTransaction", "call"): _stop,
    ("StopTransaction", "result"): _stop_answer,
}
_V2: Mapping[tuple[str, str], _Read] = {
    ("BootNotification", "call"): _boot_2,
    ("BootNotification", "result"): _boot_answer,
    ("ChangeAvailability", "result"): _availability,
    ("Heartbeat", "call"): _heartbeat,
    ("MeterValues", "call"): _meter_values,
    ("NotifyEvent", "call"): _notified_status,
    ("StatusNotification", "call"): _status_2,
    ("TransactionEvent", "call"): _event,
    ("TransactionEvent", "result"): _event_answer,
}


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table: the frame field of the record, and what reads its payload."""

    field: str
    read: _Read


_ROWS: Mapping[tuple[Any, Any, Any], _Row] = MappingProxyType(
    {
        (version, action, kind): _Row(frame_field(version, action, PART[kind]), read)
        for version, table in (("1.6", _V16), ("2.0.1", _V2), ("2.1", _V2))
        for (action, kind), read in table.items()
    }
)
_NEED_CALL = frozenset(
    (version, action)
    for version, actions in (
        ("1.6", ("ChangeAvailability", "StopTransaction")),
        ("2.0.1", ("ChangeAvailability", "TransactionEvent")),
        ("2.1", ("ChangeAvailability", "TransactionEvent")),
    )
    for action in actions
)
