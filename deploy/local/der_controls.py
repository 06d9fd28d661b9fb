"""DER controls of a simulated 2.1 station: kept, superseded, told again (2.1 part 2, R)."""

from typing import Any

from deploy.local.calls import Call
from deploy.local.effects import Answer, Errand, accepted, status
from deploy.local.memory import Memory
from deploy.local.reports import PAGE

Payload = dict[str, Any]

_FIELDS = {
    "enterService": ("enterService", False),
    "fixedPFAbsorb": ("fixedPF", True),
    "fixedPFInject": ("fixedPF", True),
    "fixedVar": ("fixedVar", True),
    "freqDroop": ("freqDroop", True),
    "gradient": ("gradient", False),
    "limitMaxDischarge": ("limitMaxDischarge", True),
    "curve": ("curve", True),
}
"""Field of SetDERControl and list of ReportDERControl -> its field there; with flags?"""


def put(payload: Payload, memory: Memory) -> Answer:
    """SetDERControl: a default one, or one that is not, replaces the one before of its kind."""
    if not any(name in payload for name in _FIELDS):
        return accepted(False)
    kept, kind = memory.shelf("der"), (payload["controlType"], payload["isDefault"])
    before = [
        number
        for number, row in kept.items()
        if number != payload["controlId"] and (row["controlType"], row["isDefault"]) == kind
    ]
    for number in before:
        del kept[number]
    kept[payload["controlId"]] = payload
    superseded = {"supersededIds": before[:24]} if before else {}
    return {"status": "Accepted"} | superseded, ()


def _meant(payload: Payload, memory: Memory) -> list[str]:
    names = ("controlType", "controlId", "isDefault")
    wanted = {name: payload[name] for name in names if name in payload}
    return [
        number
        for number, row in memory.shelf("der").items()
        if all(row[name] == word for name, word in wanted.items())
    ]


def clear(payload: Payload, memory: Memory) -> Answer:
    """ClearDERControl."""
    gone = _meant(payload, memory)
    for number in gone:
        del memory.shelf("der")[number]
    return status("Accepted" if gone else "NotFound")


def report(payload: Payload, memory: Memory) -> Answer:
    """GetDERControl: a ReportDERControl with all that are meant follows."""
    found: dict[str, Any] = {}
    for number in _meant(payload, memory)[:PAGE]:
        row = memory.shelf("der")[number]
        for name in [name for name in _FIELDS if name in row]:
            field, flagged = _FIELDS[name]
            told: Payload = {"id": number, field: row[name]}
            if flagged:
                told |= {"isDefault": row["isDefault"], "isSuperseded": False}
            if name == "curve":
                told["curveType"] = row["controlType"]
            found.setdefault(name, []).append(told)
    if not found:
        return status("NotFound")
    page = {"requestId": payload["requestId"], "tbc": False} | found
    return status("Accepted", Errand((Call("ReportDERControl", page),)))
