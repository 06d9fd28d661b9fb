"""What the gateway answers to each call of a station, as a table by version and action.

Nobody but the log stands behind these answers, so none of them claims what nobody has checked: a
request that wants something is rejected, a notification is taken, since it is durable by then. What
keeps a station charging is accepted, and judged by readers of the log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from schemas.identity import transaction_id
from schemas.times import timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the configuration and the station's own row say about answers.

    `registration` is Accepted, Pending or Rejected; `interval_s` goes with it: of heartbeats when
    accepted, else of the next BootNotification. `authorize` is the answer to Authorize where no
    service decides: accept, invalid or error.
    """

    registration: str = "Accepted"
    interval_s: int = 300
    authorize: str = "accept"


class Context(msgspec.Struct, frozen=True, gc=False):
    """Whose call is answered, and when: `now_ms` is UTC in milliseconds since 1970."""

    station: str
    now_ms: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """A CALLERROR; `code` is the word of 2.x."""

    code: str
    description: str


Reply = dict[str, Any] | ErrorReply
_Answer = Callable[[Mapping[str, Any], Context], Reply]


def reply(version: str, action: str, payload: Mapping[str, Any], context: Context) -> Reply:
    """The answer to a call where no service decides, valid by the schema of its response.

    `payload` is any JSON object: a call that was taken by bending rules may lack fields, or have
    them of another type. Fields stand in the order of the schema. KeyError for what no station
    calls.
    """
    return REPLIES[version, action](payload, context)


def waits(version: str, action: str, payload: Mapping[str, Any], decided: frozenset[str]) -> bool:
    """Whether a service is to decide the answer; `decided` are action names, DataTransfer:vendor.

    Never where the station tells what has happened already: its answer changes nothing there, and
    must not be put at risk. Such are StopTransaction, and a TransactionEvent that has ended or
    comes from offline times; nor where that has no token to be judged.
    """
    if action == "DataTransfer" and "DataTransfer" not in decided:
        # Vendor ids are case-insensitive (CiString).
        vendor = f"datatransfer:{payload.get('vendorId')}".casefold()
        return any(name.casefold() == vendor for name in decided)
    if action not in decided or action == "StopTransaction" or (version, action) not in REPLIES:
        return False
    if action != "TransactionEvent":
        return True
    told = payload.get("eventType") == "Ended" or payload.get("offline") is True
    return payload.get("idToken") is not None and not told


def completed(
    version: str, action: str, station: str, payload: Mapping[str, Any], response: Any
) -> Any:
    """A service's response to a call with what only the gateway knows: the transaction's id.

    An id that the service gives is overruled, or a repeated call could get another. What is not
    a JSON object is returned as it is.
    """
    if REPLIES.get((version, action)) is not _start_transaction or not isinstance(response, dict):
        return response
    return response | {"transactionId": transaction_id(station, payload)}


def _constant(**fields: str) -> _Answer:
    return lambda payload, context: dict(fields)


def _boot(payload: Mapping[str, Any], context: Context) -> Reply:
    # An interval of 0 leaves the next BootNotification to the station (OCPP 1.6, 4.2).
    return {
        "currentTime": timestamp(context.now_ms),
        "interval": max(1, context.policy.interval_s),
        "status": context.policy.registration,
    }


def _boot_16(payload: Mapping[str, Any], context: Context) -> Reply:
    answer = _boot(payload, context)
    assert isinstance(answer, dict)
    return {"status": answer.pop("status")} | answer


def _heartbeat(payload: Mapping[str, Any], context: Context) -> Reply:
    return {"currentTime": timestamp(context.now_ms)}


def _authorize(info: str) -> _Answer:
    def answer(payload: Mapping[str, Any], context: Context) -> Reply:
        if context.policy.authorize == "error":
            # Nothing false gets into the station's cache, as an Invalid would.
            return ErrorReply("InternalError", "the token cannot be checked at present")
        # certificateStatus is left out: nobody has looked at a certificate.
        accepted = context.policy.authorize == "accept"
        return {info: {"status": "Accepted" if accepted else "Invalid"}}

    return answer


def _start_transaction(payload: Mapping[str, Any], context: Context) -> Reply:
    # The energy flows already; a reader of the log judges it. An id of 0 or -1 would make the
    # StopTransaction ambiguous.
    return {
        "idTagInfo": {"status": "Accepted"},
        "transactionId": transaction_id(context.station, payload),
    }


def _transaction_event(payload: Mapping[str, Any], context: Context) -> Reply:
    # OCPP 2.0.1, part 2, 1.60.2: idTokenInfo is wanted where the request has an idToken.
    if payload.get("idToken") is None:
        return {}
    return {"idTokenInfo": {"status": "Accepted"}}


def _vat_number(payload: Mapping[str, Any], context: Context) -> Reply:
    number = payload.get("vatNumber")
    return {"vatNumber": number[:20] if isinstance(number, str) else "", "status": "Rejected"}


_HASH_ALGORITHMS = frozenset({"SHA256", "SHA384", "SHA512"})
# Texts that name a certificate, in the order of the schema, with their greatest lengths.
_HASHES = {"issuerNameHash": 128, "issuerKeyHash": 128, "serialNumber": 40}


def _chain_status(payload: Mapping[str, Any], context: Context) -> Reply:
    """Each certificate asked about comes back as Failed, to be asked about again at any time."""
    asked = payload.get("certificateStatusRequests")
    results = [
        {
            "certificateHashData": certificate,
            "source": one["source"],
            "status": "Failed",
            "nextUpdate": timestamp(context.now_ms),
        }
        for one in (asked if isinstance(asked, list) else ())
        if isinstance(one, dict) and one.get("source") in ("CRL", "OCSP")
        for certificate in _certificate(one.get("certificateHashData"))
    ]
    if not results:
        return ErrorReply("NotSupported", "certificate status is not available here")
    return {"certificateStatus": results[:4]}


def _certificate(data: Any) -> list[dict[str, str]]:
    """The certificate's name as it can be sent back, if it can."""
    if not isinstance(data, dict) or str(data.get("hashAlgorithm")) not in _HASH_ALGORITHMS:
        return []
    texts = {name: data.get(name) for name in _HASHES}
    if not all(isinstance(text, str) and len(text) <= _HASHES[n] for n, text in texts.items()):
        return []
    return [{"hashAlgorithm": data["hashAlgorithm"], **texts}]


_TAKEN = _constant()
_REJECTED = _constant(status="Rejected")


def _taken(actions: str) -> dict[str, _Answer]:
    """News that wants no answer: it is in the log by now."""
    return dict.fromkeys(actions.split(), _TAKEN)


_BOTH: Mapping[str, _Answer] = {
    **_taken("FirmwareStatusNotification LogStatusNotification MeterValues"),
    **_taken("SecurityEventNotification StatusNotification"),
    "DataTransfer": _constant(status="UnknownVendorId"),
    "Heartbeat": _heartbeat,
    # No certificate authority stands behind the gateway.
    "SignCertificate": _REJECTED,
}
_V16: Mapping[str, _Answer] = {
    **_BOTH,
    **_taken("DiagnosticsStatusNotification SignedFirmwareStatusNotification"),
    "Authorize": _authorize("idTagInfo"),
    "BootNotification": _boot_16,
    "StartTransaction": _start_transaction,
    # Without idTagInfo: it would enter the station's cache, and nobody has judged the token.
    "StopTransaction": _TAKEN,
}
_V201: Mapping[str, _Answer] = {
    **_BOTH,
    **_taken("ClearedChargingLimit NotifyChargingLimit NotifyCustomerInformation NotifyEvent"),
    **_taken("NotifyDisplayMessages NotifyMonitoringReport NotifyReport ReportChargingProfiles"),
    **_taken("PublishFirmwareStatusNotification ReservationStatusUpdate"),
    "Authorize": _authorize("idTokenInfo"),
    "BootNotification": _boot,
    "Get15118EVCertificate": _constant(status="Failed", exiResponse=""),
    "GetCertificateStatus": _constant(status="Failed"),
    # Accepted would promise a charging profile (K15).
    "NotifyEVChargingNeeds": _REJECTED,
    # Accepted says that the schedule was taken, not that it is approved.
    "NotifyEVChargingSchedule": _constant(status="Accepted"),
    "TransactionEvent": _transaction_event,
}
_V21: Mapping[str, _Answer] = {
    **_V201,
    **_taken("BatterySwap ClosePeriodicEventStream NotifyDERAlarm NotifyDERStartStop"),
    **_taken("NotifyPriorityCharging NotifySettlement ReportDERControl"),
    "GetCertificateChainStatus": _chain_status,
    # The vehicle charges without a profile, instead of taking Rejected for a failure.
    "NotifyEVChargingNeeds": _constant(status="NoChargingProfile"),
    # Whatever is sent through the stream is recorded, which is all that Accepted says.
    "OpenPeriodicEventStream": _constant(status="Accepted"),
    "PullDynamicScheduleUpdate": _REJECTED,
    "VatNumberValidation": _vat_number,
}

REPLIES: Mapping[tuple[str, str], _Answer] = MappingProxyType(
    {
        (version, action): answer
        for version, table in (("1.6", _V16), ("2.0.1", _V201), ("2.1", _V21))
        for action, answer in table.items()
    }
)
