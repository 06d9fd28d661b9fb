"""What a simulated 2.x station only keeps and shows again: texts, tariffs, profiles of networks."""

from typing import Any

from deploy.local.calls import Call
from deploy.local.effects import Answer, Errand, accepted, status
from deploy.local.memory import Memory
from deploy.local.reports import pages

Payload = dict[str, Any]

SLOTS = 4
"""Network profiles that a station can hold, from 0."""


def show(payload: Payload, memory: Memory) -> Answer:
    """SetDisplayMessage."""
    text = payload["message"]
    if text["message"]["format"] not in {"ASCII", "UTF8"}:
        return status("NotSupportedMessageFormat")
    if "transactionId" in text and memory.charging(text["transactionId"]) is None:
        return status("UnknownTransaction")
    memory.shelf("display")[text["id"]] = text
    return accepted(True)


def shown(payload: Payload, memory: Memory) -> Answer:
    """GetDisplayMessages: its pages follow."""
    ids = payload.get("id")
    rows = [
        text
        for number, text in memory.shelf("display").items()
        if (ids is None or number in ids)
        and all(text.get(n) == payload[n] for n in ("priority", "state") if n in payload)
    ]
    if not rows:
        return status("Unknown")
    told = pages("NotifyDisplayMessages", "messageInfo", rows, payload, memory)
    return status("Accepted", Errand(told))


def unshow(payload: Payload, memory: Memory) -> Answer:
    """ClearDisplayMessage."""
    gone = memory.shelf("display").pop(payload["id"], None)
    return status("Unknown" if gone is None else "Accepted")


def network(payload: Payload, memory: Memory) -> Answer:
    """SetNetworkProfile."""
    slot = payload["configurationSlot"]
    if not 0 <= slot < SLOTS:
        return accepted(False)
    memory.shelf("networks")[slot] = payload["connectionData"]
    return accepted(True)


def customer(payload: Payload, memory: Memory) -> Answer:
    """CustomerInformation: what the station holds of a token, told, removed or both."""
    token = (payload.get("idToken") or {}).get("idToken")
    if token is None and not {"customerIdentifier", "customerCertificate"} & payload.keys():
        return status("Invalid")
    if not payload["report"] and not payload["clear"]:
        return accepted(False)
    folded = None if token is None else token.casefold()
    listed = memory.tokens.get(folded) if folded is not None else None
    facts = [f"In the local list: {listed.status}."] if listed else []
    facts += [
        f"Charging at {p.number}." for p, s in memory.sessions() if s.token.casefold() == folded
    ]
    if payload["clear"] and folded is not None:
        memory.tokens.pop(folded, None)
    told = Call(
        "NotifyCustomerInformation",
        {
            "requestId": payload["requestId"],
            "data": " ".join(facts) or "Nothing is known.",
            "seqNo": 0,
            "generatedAt": memory.now(),
        },
    )
    return status("Accepted", Errand((told,)))


def cost(payload: Payload, memory: Memory) -> Answer:
    """CostUpdated: shown to whoever charges."""
    memory.shelf("costs")[payload["transactionId"]] = payload
    return {}, ()


def tariff(payload: Payload, memory: Memory) -> Answer:
    """SetDefaultTariff: one for each EVSE, or for all (0)."""
    evse = payload["evseId"]
    if evse and evse not in memory.plugs:
        return accepted(False)
    memory.shelf("tariffs")[evse] = payload["tariff"]
    return accepted(True)


def tariffs(payload: Payload, memory: Memory) -> Answer:
    """GetTariffs: of an EVSE, or all (0)."""
    evse = payload["evseId"]
    if evse and evse not in memory.plugs:
        return accepted(False)
    rows = [
        {"tariffId": kept["tariffId"], "tariffKind": "DefaultTariff"}
        | {"evseIds": [number] if number else list(memory.plugs)}
        for number, kept in memory.shelf("tariffs").items()
        if evse in {0, number} or number == 0
    ]
    return ({"status": "Accepted", "tariffAssignments": rows}, ()) if rows else status("NoTariff")


def untariff(payload: Payload, memory: Memory) -> Answer:
    """ClearTariffs: a result for each id that was named, else for each tariff that went."""
    kept, evse = memory.shelf("tariffs"), payload.get("evseId")
    ids = payload.get("tariffIds") or [
        row["tariffId"] for number, row in kept.items() if evse in {None, number}
    ]
    results = []
    for wanted in ids:
        gone = [n for n, row in kept.items() if row["tariffId"] == wanted and evse in {None, n}]
        for number in gone:
            del kept[number]
        results.append({"tariffId": wanted, "status": "Accepted" if gone else "NoTariff"})
    return {"clearTariffsResult": results or [{"status": "NoTariff"}]}, ()


def transaction_tariff(payload: Payload, memory: Memory) -> Answer:
    """ChangeTransactionTariff: for this transaction only."""
    if memory.charging(payload["transactionId"]) is None:
        return status("TxNotFound")
    memory.shelf("transaction tariffs")[payload["transactionId"]] = payload["tariff"]
    return accepted(True)


def energy_transfer(payload: Payload, memory: Memory) -> Answer:
    """NotifyAllowedEnergyTransfer: kept with its transaction."""
    there = memory.charging(payload["transactionId"]) is not None
    if there:
        memory.shelf("energy transfer")[payload["transactionId"]] = payload
    return accepted(there)


def signal(payload: Payload, memory: Memory) -> Answer:
    """AFRRSignal: the last one counts; per cent of what was offered."""
    fits = -100 <= payload["signal"] <= 100
    if fits:
        memory.shelf("signal")["last"] = payload
    return accepted(fits)


def swap(payload: Payload, memory: Memory) -> Answer:
    """RequestBatterySwap: a charged battery goes out, an empty one comes in."""
    serial = memory.serial[:40]
    told = [
        Call(
            "BatterySwap",
            {
                "requestId": payload["requestId"],
                "idToken": payload["idToken"],
                "eventType": event,
                "batteryData": [
                    {"evseId": 1, "serialNumber": f"{serial}-{event}", "soC": charge, "soH": 96.0}
                ],
            },
        )
        for event, charge in (("BatteryOut", 95.0), ("BatteryIn", 12.0))
    ]
    return status("Accepted", Errand(tuple(told)))
