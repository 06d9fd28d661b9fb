"""Monitors of a simulated 2.x station, and the periodic event streams of 2.1 that they feed."""

from typing import Any

from deploy.local.calls import Call
from deploy.local.effects import Answer, Errand, accepted, status
from deploy.local.memory import Memory
from deploy.local.reports import pages
from deploy.local.variables import find

Payload = dict[str, Any]

_CRITERIA = {
    "ThresholdMonitoring": {"UpperThreshold", "LowerThreshold"},
    "DeltaMonitoring": {"Delta", "TargetDelta", "TargetDeltaRelative"},
    "PeriodicMonitoring": {"Periodic", "PeriodicClockAligned"},
}
_TOLD = ("component", "variable", "severity", "type")


def put(payload: Payload, memory: Memory) -> Answer:
    """SetVariableMonitoring: one with an id replaces that monitor, which has to be there."""
    monitors, results, opened = memory.shelf("monitors"), [], []
    for item in payload["setMonitoringData"]:
        result = {name: item[name] for name in _TOLD}
        word, _ = find(memory, item)
        number = item.get("id")
        if word == "Accepted" and (
            not 0 <= item["severity"] <= 9 or (number is not None and number not in monitors)
        ):
            word = "Rejected"
        if word == "Accepted" and number is None and _twin(memory, item):
            word = "Duplicate"
        if word == "Accepted":
            number = 1 + max(monitors, default=0) if number is None else number
            monitors[number] = item
            result["id"] = number
            if "periodicEventStream" in item:
                opened.append(_open(memory, number, item["periodicEventStream"]))
        results.append(result | {"status": word})
    effects = (Errand(tuple(opened)),) if opened else ()
    return {"setMonitoringResult": results}, effects


def _twin(memory: Memory, item: Payload) -> bool:
    names = (*_TOLD[:3], "type")
    return any(all(m[n] == item[n] for n in names) for m in memory.shelf("monitors").values())


def _open(memory: Memory, monitor: int, params: Payload) -> Call:
    streams = memory.shelf("streams")
    number = 1 + max(streams, default=0)
    streams[number] = {"id": number, "variableMonitoringId": monitor, "params": params}
    return Call("OpenPeriodicEventStream", {"constantStreamData": streams[number]})


def clear(payload: Payload, memory: Memory) -> Answer:
    """ClearVariableMonitoring; a stream ends with its monitor."""
    results, closed = [], []
    streams = memory.shelf("streams")
    for number in payload["id"]:
        gone = memory.shelf("monitors").pop(number, None)
        results.append({"id": number, "status": "NotFound" if gone is None else "Accepted"})
        for stream in [n for n, s in streams.items() if s["variableMonitoringId"] == number]:
            del streams[stream]
            closed.append(Call("ClosePeriodicEventStream", {"id": stream}))
    effects = (Errand(tuple(closed)),) if closed else ()
    return {"clearMonitoringResult": results}, effects


def base(payload: Payload, memory: Memory) -> Answer:
    """SetMonitoringBase: there are none but those that were set, so all else means none."""
    if payload["monitoringBase"] != "All":
        memory.shelf("monitors").clear()
        memory.shelf("streams").clear()
    return status("Accepted")


def level(payload: Payload, memory: Memory) -> Answer:
    """SetMonitoringLevel: 0 to 9 (2.x part 2, N05)."""
    return accepted(0 <= payload["severity"] <= 9)


def report(more: Payload, payload: Payload, memory: Memory) -> Answer:
    """GetMonitoringReport: its pages follow; `more` is what a version tells of each monitor."""
    kinds = {
        kind for word in payload.get("monitoringCriteria", _CRITERIA) for kind in _CRITERIA[word]
    }
    asked = payload.get("componentVariable")
    rows = []
    for number, monitor in memory.shelf("monitors").items():
        _, variable = find(memory, monitor)
        if variable is not None and variable.meant(asked) and monitor["type"] in kinds:
            rows.append(_row(number, monitor, more))
    if not rows:
        return status("EmptyResultSet")
    told = pages("NotifyMonitoringReport", "monitor", rows, payload, memory)
    return status("Accepted", Errand(told))


def _row(number: int, monitor: Payload, more: Payload) -> Payload:
    about = {name: monitor[name] for name in ("value", "type", "severity")}
    about |= {"id": number, "transaction": monitor.get("transaction", False)}
    return {name: monitor[name] for name in ("component", "variable")} | {
        "variableMonitoring": [about | more]
    }


def streams(payload: Payload, memory: Memory) -> Answer:
    """GetPeriodicEventStream."""
    there = list(memory.shelf("streams").values())
    return ({"constantStreamData": there} if there else {}), ()


def adjust(payload: Payload, memory: Memory) -> Answer:
    """AdjustPeriodicEventStream."""
    stream = memory.shelf("streams").get(payload["id"])
    if stream is not None:
        memory.shelf("streams")[payload["id"]] = stream | {"params": payload["params"]}
    return accepted(stream is not None)
