"""What a TriggerMessage makes a simulated station say."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from deploy.local import certificates
from deploy.local.calls import HEARTBEAT, Call, Dialect, Moment
from deploy.local.effects import Answer, Tell, accepted, status
from deploy.local.memory import Memory, Plug

_TOLD = frozenset({"BootNotification", "Heartbeat", "MeterValues", "StatusNotification"})
_SIGNING = {
    "SignChargePointCertificate": None,
    "SignChargingStationCertificate": "ChargingStationCertificate",
    "SignV2GCertificate": "V2GCertificate",
    "SignCombinedCertificate": "ChargingStationCertificate",
    "SignV2G20Certificate": "V2G20Certificate",
}
"""What may be asked for -> certificateType, which 1.6 does not tell."""
_PROGRESS = {
    "DiagnosticsStatusNotification": "log",
    "FirmwareStatusNotification": "firmware",
    "LogStatusNotification": "log",
    "PublishFirmwareStatusNotification": "publishing",
    "SignedFirmwareStatusNotification": "firmware",
}
"""What may be asked for -> the errand whose state it tells."""


def trigger(memory: Memory, what: str, connector: int | None) -> Answer:
    """NotImplemented for what these stations never say, Rejected where there is nothing to say."""
    if what not in _TOLD and what not in _SIGNING and what not in _PROGRESS:
        if what != "TransactionEvent":
            return status("NotImplemented")
        if not any(connector in {None, plug.number} for plug, _ in memory.sessions()):
            return accepted(False)
    return accepted(not connector or connector in memory.plugs, Tell(what, connector or None))


def news(
    what: str, plugs: Sequence[Plug], memory: Memory, dialect: Dialect, moment: Moment
) -> Iterator[Call]:
    """The calls that were asked for; boots and states are left to who holds the station."""
    if what == "Heartbeat":
        yield HEARTBEAT
    elif what == "MeterValues":
        for plug in plugs:
            reading = dialect.reading(plug.number, plug.meter_wh, moment)
            yield replace(reading, session=plug.session)
    elif what == "TransactionEvent":
        for plug in plugs:
            if plug.session is not None:
                yield from dialect.triggered(plug.session, plug.meter_wh, moment)
    elif what in _SIGNING:
        yield certificates.signing(memory, _SIGNING[what])
    elif what in _PROGRESS:
        told = memory.told.get(_PROGRESS[what])
        yield told if told is not None and told.action == what else Call(what, {"status": "Idle"})
