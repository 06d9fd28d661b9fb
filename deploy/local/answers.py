"""What a simulated station answers when it is called: a table for each version of OCPP.

`answer` changes the memory and gives the response with the effects that whoever holds the station
performs once the response is on its way, as real stations do (a Reset is answered first, then
done). The rules are shared between versions; where only names differ, the table has them.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from deploy.local import (
    certificates,
    der_controls,
    local_list,
    monitoring,
    operating,
    reserving,
    settings,
    shelves,
    smart_charging,
    transfers,
    triggers,
    variables,
)
from deploy.local.effects import Answer, Rule, always, status
from deploy.local.memory import Memory, Reservation
from deploy.local.profiles import instant

Payload = dict[str, Any]


def answer(version: str, action: str, payload: Payload, memory: Memory) -> Answer:
    """The response to a CALL that keeps to its schema, and its effects.

    Raises KeyError for an action that the version does not have, ValueError for a time that is
    none.
    """
    return RULES[version][action](payload, memory)


def _transfer(payload: Payload, memory: Memory) -> Answer:
    """DataTransfer: a station understands its own vendor, who only ever says Echo."""
    if payload["vendorId"] != memory.model.vendor:
        return status("UnknownVendorId")
    if payload.get("messageId", "Echo") != "Echo":
        return status("UnknownMessageId")
    return {"status": "Accepted"} | ({"data": payload["data"]} if "data" in payload else {}), ()


def _evse(payload: Payload) -> int | None:
    return (payload.get("evse") or {}).get("id")


def _reservation(number: int, token: str, group: str | None, until: str) -> Reservation:
    at = instant(until)
    assert at is not None
    return Reservation(number, token, group, at)


def _reserve_16(payload: Payload, memory: Memory) -> Answer:
    wanted = _reservation(
        payload["reservationId"],
        payload["idTag"],
        payload.get("parentIdTag"),
        payload["expiryDate"],
    )
    return reserving.reserve(memory, payload["connectorId"], wanted)


def _reserve_2(payload: Payload, memory: Memory) -> Answer:
    wanted = _reservation(
        payload["id"],
        payload["idToken"]["idToken"],
        (payload.get("groupIdToken") or {}).get("idToken"),
        payload["expiryDateTime"],
    )
    return reserving.reserve(memory, payload.get("evseId", 0), wanted)


def _list_16(payload: Payload, memory: Memory) -> Answer:
    entries = map(local_list.entry_16, payload.get("localAuthorizationList", ()))
    number, full = payload["listVersion"], payload["updateType"] == "Full"
    return local_list.send(memory, number, entries, full=full, disabled="NotSupported")


def _list_2(payload: Payload, memory: Memory) -> Answer:
    entries = map(local_list.entry_2, payload.get("localAuthorizationList", ()))
    number, full = payload["versionNumber"], payload["updateType"] == "Full"
    return local_list.send(memory, number, entries, full=full, disabled="Failed")


def _clear_profiles_2(payload: Payload, memory: Memory) -> Answer:
    meant = payload.get("chargingProfileCriteria") or {}
    return smart_charging.clear(
        memory,
        smart_charging.criteria(
            payload.get("chargingProfileId"),
            meant.get("evseId"),
            meant.get("chargingProfilePurpose"),
            meant.get("stackLevel"),
        ),
    )


def _schedule(payload: Payload, memory: Memory, name: str) -> Payload | None:
    unit = payload.get("chargingRateUnit")
    return smart_charging.schedule(memory, payload[name], payload["duration"], unit)


def _schedule_16(payload: Payload, memory: Memory) -> Answer:
    if (plan := _schedule(payload, memory, "connectorId")) is None:
        return status("Rejected")
    start = plan.pop("scheduleStart")
    shown = {"scheduleStart": start, "chargingSchedule": plan}
    return {"status": "Accepted", "connectorId": payload["connectorId"]} | shown, ()


def _schedule_2(payload: Payload, memory: Memory) -> Answer:
    if (plan := _schedule(payload, memory, "evseId")) is None:
        return status("Rejected")
    return {"status": "Accepted", "schedule": plan | {"evseId": payload["evseId"]}}, ()


def _transaction_status(payload: Payload, memory: Memory) -> Answer:
    """What belongs to transactions goes out within moments, so nothing is said to be waiting."""
    if "transactionId" not in payload:
        return {"messagesInQueue": False}, ()
    ongoing = memory.charging(payload["transactionId"]) is not None
    return {"ongoingIndicator": ongoing, "messagesInQueue": False}, ()


def _reset_2(payload: Payload, memory: Memory) -> Answer:
    manners = {"Immediate": "Hard", "OnIdle": "OnIdle"}
    manner = manners.get(payload["type"])  # no session of these stations outlives a restart
    return operating.reset(memory, manner, payload.get("evseId")) if manner else status("Rejected")


_SHARED: Mapping[str, Rule] = {
    "CancelReservation": lambda p, m: reserving.cancel(m, p["reservationId"]),
    "CertificateSigned": certificates.signed,
    "ClearCache": always("Accepted"),
    "DataTransfer": _transfer,
    "DeleteCertificate": certificates.delete,
    "GetLog": transfers.log,
    "InstallCertificate": certificates.install,
}
_RULES_16: Mapping[str, Rule] = {
    **_SHARED,
    "ChangeAvailability": lambda p, m: operating.availability(m, p["connectorId"], 1, p["type"]),
    "ChangeConfiguration": settings.change,
    "ClearChargingProfile": lambda p, m: smart_charging.clear(
        m,
        smart_charging.criteria(
            p.get("id"), p.get("connectorId"), p.get("chargingProfilePurpose"), p.get("stackLevel")
        ),
    ),
    "ExtendedTriggerMessage": lambda p, m: triggers.trigger(
        m,
        p["requestedMessage"].replace("Firmware", "SignedFirmware"),
        p.get("connectorId"),
    ),
    "GetCompositeSchedule": _schedule_16,
    "GetConfiguration": settings.configuration,
    "GetDiagnostics": transfers.diagnostics,
    "GetInstalledCertificateIds": certificates.installed_16,
    "GetLocalListVersion": lambda p, m: ({"listVersion": local_list.version(m, -1)}, ()),
    "RemoteStartTransaction": lambda p, m: operating.start(
        m, p.get("connectorId"), p["idTag"], None, p.get("chargingProfile")
    ),
    "RemoteStopTransaction": lambda p, m: operating.stop(m, p["transactionId"]),
    "ReserveNow": _reserve_16,
    "Reset": lambda p, m: operating.reset(m, p["type"]),
    "SendLocalList": _list_16,
    "SetChargingProfile": lambda p, m: smart_charging.put(
        m, p["connectorId"], p["csChargingProfiles"]
    ),
    "SignedUpdateFirmware": partial(transfers.update, "SignedFirmwareStatusNotification"),
    "TriggerMessage": lambda p, m: triggers.trigger(m, p["requestedMessage"], p.get("connectorId")),
    "UnlockConnector": lambda p, m: operating.unlock_16(m, p["connectorId"]),
    "UpdateFirmware": transfers.update_16,
}
_RULES_201: Mapping[str, Rule] = {
    **_SHARED,
    "ChangeAvailability": lambda p, m: operating.availability(
        m, _evse(p), (p.get("evse") or {}).get("connectorId", 1), p["operationalStatus"]
    ),
    "ClearChargingProfile": _clear_profiles_2,
    "ClearDisplayMessage": shelves.unshow,
    "ClearVariableMonitoring": monitoring.clear,
    "CostUpdated": shelves.cost,
    "CustomerInformation": shelves.customer,
    "GetBaseReport": variables.base_report,
    "GetChargingProfiles": smart_charging.report,
    "GetCompositeSchedule": _schedule_2,
    "GetDisplayMessages": shelves.shown,
    "GetInstalledCertificateIds": certificates.installed_2,
    "GetLocalListVersion": lambda p, m: ({"versionNumber": local_list.version(m, 0)}, ()),
    "GetMonitoringReport": partial(monitoring.report, {}),
    "GetReport": variables.report,
    "GetTransactionStatus": _transaction_status,
    "GetVariables": variables.ask,
    "PublishFirmware": transfers.publish,
    "RequestStartTransaction": lambda p, m: operating.start(
        m, p.get("evseId"), p["idToken"]["idToken"], p["remoteStartId"], p.get("chargingProfile")
    ),
    "RequestStopTransaction": lambda p, m: operating.stop(m, p["transactionId"]),
    "ReserveNow": _reserve_2,
    "Reset": _reset_2,
    "SendLocalList": _list_2,
    "SetChargingProfile": lambda p, m: smart_charging.put(m, p["evseId"], p["chargingProfile"]),
    "SetDisplayMessage": shelves.show,
    "SetMonitoringBase": monitoring.base,
    "SetMonitoringLevel": monitoring.level,
    "SetNetworkProfile": shelves.network,
    "SetVariableMonitoring": monitoring.put,
    "SetVariables": variables.change,
    "TriggerMessage": lambda p, m: triggers.trigger(m, p["requestedMessage"], _evse(p)),
    "UnlockConnector": lambda p, m: operating.unlock_2(m, p["evseId"], p["connectorId"]),
    "UnpublishFirmware": transfers.unpublish,
    "UpdateFirmware": partial(transfers.update, "FirmwareStatusNotification"),
}
_RULES_21: Mapping[str, Rule] = {
    **_RULES_201,
    "AFRRSignal": shelves.signal,
    "AdjustPeriodicEventStream": monitoring.adjust,
    "ChangeTransactionTariff": shelves.transaction_tariff,
    "ClearDERControl": der_controls.clear,
    "ClearTariffs": shelves.untariff,
    "GetDERControl": der_controls.report,
    "GetMonitoringReport": partial(monitoring.report, {"eventNotificationType": "CustomMonitor"}),
    "GetPeriodicEventStream": monitoring.streams,
    "GetTariffs": shelves.tariffs,
    "NotifyAllowedEnergyTransfer": shelves.energy_transfer,
    "NotifyWebPaymentStarted": lambda p, m: ({}, ()),
    "RequestBatterySwap": shelves.swap,
    "SetDERControl": der_controls.put,
    "SetDefaultTariff": shelves.tariff,
    "UpdateDynamicSchedule": smart_charging.update,
    "UsePriorityCharging": smart_charging.prioritize,
}
RULES: Mapping[str, Mapping[str, Rule]] = {
    "1.6": _RULES_16,
    "2.0.1": _RULES_201,
    "2.1": _RULES_21,
}
