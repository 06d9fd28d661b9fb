"""What flows ask for, in the words of each OCPP version."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from chargewire.flows.steps import Ask

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Token:
    """A token; the type is for the versions that have one."""

    text: str
    type: str


@dataclass(frozen=True, slots=True)
class Firmware:
    """Where new firmware is; times as in RFC 3339. Signed: with both certificate and signature."""

    url: str
    retrieve_at: str
    install_at: str | None = None
    certificate: str | None = None
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """How one version asks.

    A place is a connector or, from 2.x on, an EVSE; `remote_start`, `request` and `reservation` are
    numbers that come back in what the station tells later, where the version has them.
    """

    start: Callable[[Token, int | None, int], Ask]
    stop: Callable[[str], Ask]
    reserve: Callable[[int, Token, int | None, str], Ask]
    firmware: Callable[[Firmware, int], Ask]
    log: Callable[[str, str, int], Ask]
    place: str
    profile: str
    composite: str
    has_keys: bool

    def cancel(self, reservation: int) -> Ask:
        return Ask("CancelReservation", {"reservationId": reservation})

    def inventory(self, request: int) -> Ask:
        return Ask("GetBaseReport", {"requestId": request, "reportBase": "FullInventory"})

    def keys(self, keys: tuple[str, ...]) -> Ask:
        """GetConfiguration; without keys it means all of them."""
        return Ask("GetConfiguration", {"key": list(keys)} if keys else {})

    def put_profile(self, place: int, profile: Json) -> Ask:
        return Ask("SetChargingProfile", {self.place: place, self.profile: profile})

    def schedule(self, place: int, seconds: int, unit: str | None) -> Ask:
        wanted = {self.place: place, "duration": seconds, "chargingRateUnit": unit}
        return Ask("GetCompositeSchedule", _given(wanted))


def _given(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _token(token: Token) -> Json:
    return {"idToken": token.text, "type": token.type}


def _start_16(token: Token, place: int | None, remote_start: int) -> Ask:
    return Ask("RemoteStartTransaction", _given({"connectorId": place, "idTag": token.text}))


def _start_2(token: Token, place: int | None, remote_start: int) -> Ask:
    said = {"evseId": place, "idToken": _token(token), "remoteStartId": remote_start}
    return Ask("RequestStartTransaction", _given(said))


def _stop_16(transaction: str) -> Ask:
    number = int(transaction) if transaction.lstrip("-").isdecimal() else transaction
    return Ask("RemoteStopTransaction", {"transactionId": number})


def _stop_2(transaction: str) -> Ask:
    return Ask("RequestStopTransaction", {"transactionId": transaction})


def _reserve_16(reservation: int, token: Token, place: int | None, until: str) -> Ask:
    said: Json = {"connectorId": place or 0, "expiryDate": until, "idTag": token.text}
    return Ask("ReserveNow", said | {"reservationId": reservation})


def _reserve_2(reservation: int, token: Token, place: int | None, until: str) -> Ask:
    said = {"id": reservation, "expiryDateTime": until, "idToken": _token(token), "evseId": place}
    return Ask("ReserveNow", _given(said))


def _firmware_16(firmware: Firmware, request: int) -> Ask:
    """Signed firmware is of the security extension, which took it from 2.x."""
    if firmware.signature is not None:
        return Ask("SignedUpdateFirmware", _firmware_2(firmware, request).payload)
    said = {"location": firmware.url, "retrieveDate": firmware.retrieve_at}
    return Ask("UpdateFirmware", said)


def _firmware_2(firmware: Firmware, request: int) -> Ask:
    wanted = {
        "location": firmware.url,
        "retrieveDateTime": firmware.retrieve_at,
        "installDateTime": firmware.install_at,
        "signingCertificate": firmware.certificate,
        "signature": firmware.signature,
    }
    return Ask("UpdateFirmware", {"requestId": request, "firmware": _given(wanted)})


DIAGNOSTICS, SECURITY = "DiagnosticsLog", "SecurityLog"


def _log_16(kind: str, url: str, request: int) -> Ask:
    """The security log is of the security extension, which took it from 2.x."""
    if kind == SECURITY:
        return _log_2(kind, url, request)
    return Ask("GetDiagnostics", {"location": url})


def _log_2(kind: str, url: str, request: int) -> Ask:
    wanted = {"log": {"remoteLocation": url}, "logType": kind, "requestId": request}
    return Ask("GetLog", wanted)


_16 = Words(
    start=_start_16,
    stop=_stop_16,
    reserve=_reserve_16,
    firmware=_firmware_16,
    log=_log_16,
    place="connectorId",
    profile="csChargingProfiles",
    composite="chargingSchedule",
    has_keys=True,
)
_2 = Words(
    start=_start_2,
    stop=_stop_2,
    reserve=_reserve_2,
    firmware=_firmware_2,
    log=_log_2,
    place="evseId",
    profile="chargingProfile",
    composite="schedule",
    has_keys=False,
)
WORDS: Mapping[str, Words] = MappingProxyType({"1.6": _16, "2.0.1": _2, "2.1": _2})

LIST_VERSION = Ask("GetLocalListVersion", {})
"""Alike in all versions."""
