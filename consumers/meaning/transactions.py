"""What is said of transactions, of their tokens and meters, in frames of any version."""

from decimal import Decimal
from functools import partial
from typing import Any

from consumers.meaning.facts import (
    RemoteStartAnswered,
    Sampled,
    TransactionAnswered,
    TransactionMetered,
    TransactionStarted,
    TransactionStopped,
    TransactionUpdated,
)
from consumers.meaning.frames import Facts, Frame
from consumers.meaning.meter_samples import register, register_wh, samples
from consumers.meaning.payloads import (
    NOTHING,
    boolean,
    decimal,
    identifier,
    integer,
    members,
    moment,
    reservation,
    text,
)
from consumers.meaning.tokens import asked, id_token
from schemas.identity import transaction_id

_BEGIN = "Transaction.Begin"


def start(frame: Frame) -> Facts:
    """StartTransaction of 1.6: of the transaction whose id we compute, and of its token."""
    said = frame.said
    told_ms, told_text = moment(said.get("timestamp"))
    transaction = str(transaction_id(frame.at.station, said))
    connector = integer(said.get("connectorId"))
    yield TransactionStarted(
        frame.at,
        transaction=transaction,
        connector=connector,
        token=text(said.get("idTag")),
        told_ms=told_ms,
        told_text=told_text,
        meter_wh=decimal(said.get("meterStart")),
        reservation=reservation(said.get("reservationId")),
    )
    yield asked(frame, said.get("idTag"), transaction=transaction, connector=connector)


def start_answer(frame: Frame) -> Facts:
    """The answer to a StartTransaction."""
    info = members(frame.said.get("idTagInfo"))
    yield TransactionAnswered(
        frame.at,
        transaction=identifier(frame.said.get("transactionId")),
        status=text(info.get("status")),
        group=text(info.get("parentIdTag")),
        reservation=reservation((frame.call or NOTHING).get("reservationId")),
    )


def stop(frame: Frame) -> Facts:
    """StopTransaction of 1.6, and the samples that it carries."""
    said = frame.said
    told_ms, told_text = moment(said.get("timestamp"))
    transaction = identifier(said.get("transactionId"))
    make = partial(Sampled, frame.at, source="StopTransaction", transaction=transaction)
    read = list(samples(make, said.get("transactionData")))
    meter_wh = decimal(said.get("meterStop"))
    yield TransactionStopped(
        frame.at,
        transaction=transaction,
        told_ms=told_ms,
        told_text=told_text,
        token=text(said.get("idTag")),
        meter_wh=_end_wh(read) if meter_wh is None else meter_wh,
        begin_wh=_begin_wh(read),
        # OCPP 1.6, 6.49: it may be left out when it is Local. So it may in 2.x (2.0.1, 2.48).
        reason=text(said.get("reason")) or "Local",
    )
    yield from read


def _begin_wh(read: list[Sampled]) -> Decimal | None:
    """The meter at the beginning; only what is told as that, since these are samples of a stop."""
    begin = [one for one in read if one.context == _BEGIN]
    return register_wh(begin, _BEGIN, last=False)


def _end_wh(read: list[Sampled]) -> Decimal | None:
    """The meter at the end; never what is told as the beginning, or no energy would be known."""
    later = [one for one in read if one.context != _BEGIN]
    return register_wh(later, "Transaction.End", last=True)


def stop_answer(frame: Frame) -> Facts:
    """The answer to a StopTransaction, where it says something of a token."""
    info = members(frame.said.get("idTagInfo"))
    if frame.call is None or not info:
        return
    yield TransactionAnswered(
        frame.at,
        transaction=identifier(frame.call.get("transactionId")),
        status=text(info.get("status")),
        group=text(info.get("parentIdTag")),
    )


def meter_values(frame: Frame) -> Facts:
    """MeterValues of any version."""
    said = frame.said
    transaction = identifier(said.get("transactionId"))
    connector = integer(said.get("connectorId"))
    make = partial(
        Sampled,
        frame.at,
        source="MeterValues",
        transaction=transaction,
        evse=integer(said.get("evseId")),
        connector=connector,
    )
    read = list(samples(make, said.get("meterValue")))
    yield from read
    meter_wh, told_ms = register(read, None, last=True)
    if transaction is not None and meter_wh is not None:
        yield TransactionMetered(frame.at, transaction, meter_wh, told_ms, connector)


def event(frame: Frame) -> Facts:
    """TransactionEvent of 2.x: of the transaction, its samples, and the token where it has one."""
    said = frame.said
    info, evse = members(said.get("transactionInfo")), members(said.get("evse"))
    told_ms, told_text = moment(said.get("timestamp"))
    token, token_type = id_token(said.get("idToken"))
    offline = boolean(said.get("offline"))
    where: dict[str, Any] = {
        "transaction": identifier(info.get("transactionId")),
        "evse": integer(evse.get("id")),
        "connector": integer(evse.get("connectorId")),
    }
    make = partial(Sampled, frame.at, source="TransactionEvent", **where)
    read = list(samples(make, said.get("meterValue")))
    what: dict[str, Any] = where | {
        "seq_no": integer(said.get("seqNo")),
        "told_ms": told_ms,
        "told_text": told_text,
        "token": token,
        "token_type": token_type,
        "charging_state": text(info.get("chargingState")),
        "trigger": text(said.get("triggerReason")),
        "offline": offline,
        "remote_start": integer(info.get("remoteStartId")),
        "reservation": reservation(said.get("reservationId")),
    }
    match said.get("eventType"):
        case "Started":
            meter_wh = register_wh(read, _BEGIN, last=False)
            yield TransactionStarted(frame.at, meter_wh=meter_wh, **what)
        case "Ended":
            reason = text(info.get("stoppedReason")) or "Local"
            yield TransactionStopped(
                frame.at,
                meter_wh=_end_wh(read),
                begin_wh=_begin_wh(read),
                reason=reason,
                **what,
            )
        case _:
            # It went on in any case, also where the type is missing or a word of another world.
            meter_wh = register_wh(read, "Sample.Periodic", last=True)
            yield TransactionUpdated(frame.at, meter_wh=meter_wh, **what)
    if token is not None:
        yield asked(frame, token, token_type, offline=offline, **where)
    yield from read


def event_answer(frame: Frame) -> Facts:
    """The answer to a TransactionEvent, where it says something of a token."""
    info = members(frame.said.get("idTokenInfo"))
    if frame.call is None or not info:
        return
    group, _ = id_token(info.get("groupIdToken"))
    yield TransactionAnswered(
        frame.at,
        transaction=identifier(members(frame.call.get("transactionInfo")).get("transactionId")),
        status=text(info.get("status")),
        group=group,
        reservation=reservation(frame.call.get("reservationId")),
    )


def remote_start(frame: Frame) -> Facts:
    """The answer to a RemoteStartTransaction of 1.6, or an error in its place."""
    if frame.call is None:
        return
    yield RemoteStartAnswered(
        frame.at,
        status=text(frame.said.get("status")),
        token=text(frame.call.get("idTag")),
        connector=integer(frame.call.get("connectorId")),
        command=identifier(frame.record["command_id"]),
    )


def remote_start_2(frame: Frame) -> Facts:
    """The answer to a RequestStartTransaction of 2.x, or an error in its place."""
    if frame.call is None:
        return
    token, token_type = id_token(frame.call.get("idToken"))
    yield RemoteStartAnswered(
        frame.at,
        status=text(frame.said.get("status")),
        token=token,
        token_type=token_type,
        evse=integer(frame.call.get("evseId")),
        remote_start=integer(frame.call.get("remoteStartId")),
        transaction=identifier(frame.said.get("transactionId")),
        command=identifier(frame.record["command_id"]),
    )
