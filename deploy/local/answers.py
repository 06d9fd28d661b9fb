"""What a simulated station answers when it is called, by tables instead of code for each action.

`answer` is pure: it gives the response and the effects that whoever holds the station performs once
the response is on its way, as real stations do (a Reset is answered first, then done).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.local.memory import Memory

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Restart:
    """Stop what is charging, go away, boot again."""

    hard: bool


@dataclass(frozen=True, slots=True)
class Start:
    """Begin a session that was asked for from afar."""

    connector: int
    token: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End the session of a connector."""

    connector: int
    reason: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Send what a TriggerMessage asked for."""

    what: str
    connector: int | None


@dataclass(frozen=True, slots=True)
class Operate:
    """Take connectors out of service or back into it."""

    connectors: tuple[int, ...]
    operative: bool


@dataclass(frozen=True, slots=True)
class Configure:
    """Remember a setting."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class KeepList:
    """Remember the version of the local authorization list."""

    version: int


Effect = Restart | Start | Stop | Tell | Operate | Configure | KeepList
Answer = tuple[Payload, tuple[Effect, ...]]
Rule = Callable[[Payload, Memory], Answer]


def answer(rules: Mapping[str, Rule], action: str, payload: Payload, memory: Memory) -> Answer:
    """The response to a CALL and its effects. Raises KeyError for an action that is not known."""
    return rules[action](payload, memory)


def _always(status: str) -> Rule:
    return lambda payload, memory: ({"status": status}, ())


def _if(condition: bool, *effects: Effect) -> Answer:
    return ({"status": "Accepted"}, effects) if condition else ({"status": "Rejected"}, ())


def _free(memory: Memory, wanted: int | None) -> int | None:
    """The connector asked for, or any, when it is free."""
    for plug in memory.plugs.values():
        idle = plug.session is None and plug.status.word in {"Available", "Preparing"}
        if idle and plug.number == (wanted or plug.number):
            return plug.number
    return None


def _charging(memory: Memory, transaction_id: object) -> int | None:
    for plug in memory.plugs.values():
        if plug.session is not None and plug.session.transaction_id == transaction_id:
            return plug.number
    return None


def _all_or(memory: Memory, connector: int | None) -> tuple[int, ...]:
    return (connector,) if connector else tuple(memory.plugs)


def _availability(memory: Memory, connector: int | None, word: str) -> Answer:
    if connector and connector not in memory.plugs:
        return {"status": "Rejected"}, ()
    numbers = _all_or(memory, connector)
    busy = any(memory.plugs[number].session for number in numbers)
    effect = Operate(numbers, word == "Operative")
    return {"status": "Scheduled" if busy else "Accepted"}, (effect,)


def _unlock(memory: Memory, connector: int, done: str, unknown: str) -> Answer:
    if connector not in memory.plugs:
        return {"status": unknown}, ()
    return {"status": done}, (Stop(connector, "UnlockCommand"),)


def _stop(memory: Memory, transaction_id: object) -> Answer:
    connector = _charging(memory, transaction_id)
    return _if(connector is not None, Stop(connector or 0, "Remote"))


def _start(memory: Memory, connector: int | None, token: str) -> Answer:
    free = _free(memory, connector)
    return _if(free is not None, Start(free or 0, token))


_TOLD = frozenset({"BootNotification", "Heartbeat", "MeterValues", "StatusNotification"})


def _trigger(memory: Memory, what: str, connector: int | None) -> Answer:
    if what not in _TOLD:
        return {"status": "NotImplemented"}, ()
    return _if(not connector or connector in memory.plugs, Tell(what, connector or None))


def _configuration(payload: Payload, memory: Memory) -> Answer:
    keys = payload.get("key") or list(memory.settings)
    known = [
        {"key": key, "readonly": False, "value": memory.settings[key]}
        for key in keys
        if key in memory.settings
    ]
    unknown = [key for key in keys if key not in memory.settings]
    return {"configurationKey": known, "unknownKey": unknown}, ()


def _change(payload: Payload, memory: Memory) -> Answer:
    key, value = payload["key"], payload["value"]
    if key not in memory.settings:
        return {"status": "NotSupported"}, ()
    return {"status": "Accepted"}, (Configure(key, value),)


def _name(item: Payload) -> str:
    return f"{item['component']['name']}.{item['variable']['name']}"


def _addressed(item: Payload) -> Payload:
    return {"component": item["component"], "variable": item["variable"]}


def _variables(payload: Payload, memory: Memory) -> Answer:
    found = []
    for item in payload["getVariableData"]:
        value = memory.settings.get(_name(item))
        status = {"attributeStatus": "UnknownVariable" if value is None else "Accepted"}
        shown = {} if value is None else {"attributeValue": value}
        found.append(status | shown | _addressed(item))
    return {"getVariableResult": found}, ()


def _set_variables(payload: Payload, memory: Memory) -> Answer:
    results, effects = [], []
    for item in payload["setVariableData"]:
        known = _name(item) in memory.settings
        status = "Accepted" if known else "UnknownVariable"
        results.append({"attributeStatus": status} | _addressed(item))
        if known:
            effects.append(Configure(_name(item), item["attributeValue"]))
    return {"setVariableResult": results}, tuple(effects)


def _list(version: int) -> Answer:
    return {"status": "Accepted"}, (KeepList(version),)


RULES_16: Mapping[str, Rule] = {
    "CancelReservation": _always("Rejected"),
    "ChangeAvailability": lambda p, m: _availability(m, p["connectorId"], p["type"]),
    "ChangeConfiguration": _change,
    "ClearCache": _always("Accepted"),
    "ClearChargingProfile": _always("Unknown"),
    "DataTransfer": _always("UnknownVendorId"),
    "GetCompositeSchedule": _always("Rejected"),
    "GetConfiguration": _configuration,
    "GetLocalListVersion": lambda p, m: ({"listVersion": m.list_version}, ()),
    "RemoteStartTransaction": lambda p, m: _start(m, p.get("connectorId"), p["idTag"]),
    "RemoteStopTransaction": lambda p, m: _stop(m, p["transactionId"]),
    "ReserveNow": _always("Rejected"),
    "Reset": lambda p, m: _if(True, Restart(hard=p["type"] == "Hard")),
    "SendLocalList": lambda p, m: _list(p["listVersion"]),
    "SetChargingProfile": _always("NotSupported"),
    "TriggerMessage": lambda p, m: _trigger(m, p["requestedMessage"], p.get("connectorId")),
    "UnlockConnector": lambda p, m: _unlock(m, p["connectorId"], "Unlocked", "NotSupported"),
}

RULES_2: Mapping[str, Rule] = {
    "CancelReservation": _always("Rejected"),
    "ChangeAvailability": lambda p, m: _availability(
        m, (p.get("evse") or {}).get("id"), p["operationalStatus"]
    ),
    "ClearCache": _always("Accepted"),
    "ClearChargingProfile": _always("Unknown"),
    "DataTransfer": _always("UnknownVendorId"),
    "GetBaseReport": _always("NotSupported"),
    "GetCompositeSchedule": _always("Rejected"),
    "GetLocalListVersion": lambda p, m: ({"versionNumber": m.list_version}, ()),
    "GetTransactionStatus": lambda p, m: ({"messagesInQueue": False}, ()),
    "GetVariables": _variables,
    "RequestStartTransaction": lambda p, m: _start(m, p.get("evseId"), p["idToken"]["idToken"]),
    "RequestStopTransaction": lambda p, m: _stop(m, p["transactionId"]),
    "ReserveNow": _always("Rejected"),
    "Reset": lambda p, m: _if(True, Restart(hard=p["type"] == "Immediate")),
    "SendLocalList": lambda p, m: _list(p["versionNumber"]),
    "SetChargingProfile": _always("Rejected"),
    "SetVariables": _set_variables,
    "TriggerMessage": lambda p, m: _trigger(
        m, p["requestedMessage"], (p.get("evse") or {}).get("id")
    ),
    "UnlockConnector": lambda p, m: _unlock(m, p["evseId"], "Unlocked", "UnknownConnector"),
}
