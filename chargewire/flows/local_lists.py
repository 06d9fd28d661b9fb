"""The local authorization list of a station: followed until it holds what it should."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, Select, column, select, table

from chargewire.flows.steps import Answer, Flow, Look, Over, Say, Steps, Within, refused
from chargewire.flows.wording import LIST_VERSION
from consumers.meaning.payloads import integer, text

LOOK_S = 1.0  # nothing tells outside a consumer's store that it has committed
IN_SYNC, OFF, TOO_LONG = "in sync", "off", "too long"
_APART = ("missing", "surplus", "differing")
_TOLD = ("state", "version", "wanted", "held", *_APART, "left_out")
_FAILED = ("connected", "status", "outcome", "failures")


def of_station(station: str) -> Select[Any]:
    """What the consumer's store has of a station's list, as `found` takes it."""
    kinds = {"connected": Boolean()}
    names = ("station", *_TOLD, *_FAILED)
    now = table("local_lists_now", *(column(name, kinds.get(name)) for name in names))
    return select(now).where(now.c.station == station)


class LocalList(Flow):
    """Until the list is in sync, by the store of the consumer that keeps it.

    With `asks` the station is asked first which version it has.
    """

    def __init__(self, *, asks: bool, limit_s: float) -> None:
        self._asks, self._limit_s = asks, limit_s
        self._told: dict[str, Any] = {}

    def begin(self) -> Steps:
        return (LIST_VERSION,) if self._asks else (Within(self._limit_s), Look(0))

    def answered(self, answer: Answer) -> Steps:
        if not answer.is_answered:
            return (refused(answer),)
        said = answer.said
        names = ("listVersion", "versionNumber")  # 1.6; 2.x
        version = next((integer(said[name]) for name in names if name in said), None)
        known = Say(f"the station has version {version}", {"told_version": version})
        return (known, Within(self._limit_s), Look(0))

    def found(self, row: Mapping[str, Any] | None) -> Steps:
        if row is None:
            why = "no list is kept for it: no token names its group, nor *, in its lists"
            return (Over(False, why),)
        data = {name: row[name] for name in _TOLD}
        state = text(data["state"])
        if state == IN_SYNC:
            left = f", {data['left_out']} do not fit" if data["left_out"] else ""
            return (Over(True, f"in sync: {_entries(data)}{left}", data),)
        if state == OFF:
            return (Over(False, "the station has no local list, or it is switched off", data),)
        if state == TOO_LONG:
            why = f"{data['wanted']} tokens are too many: put fewer into the list of its group"
            return (Over(False, why, data),)
        steps: list[Any] = []
        data |= {name: row[name] for name in _FAILED}
        if data != self._told:
            self._told = data
            steps.append(Say(_words(data), data))
        return (*steps, Look(LOOK_S))

    def late(self) -> Steps:
        last = f"; {_words(self._told)}" if self._told else ""
        return (Over(False, f"not in sync within {self._limit_s:g} s{last}", self._told),)


def _entries(data: Mapping[str, Any]) -> str:
    return f"version {data['version']} with {data['held']} of {data['wanted']} tokens"


def _words(data: Mapping[str, Any]) -> str:
    if data["version"] is None:
        said = f"which list it has is not known; {data['wanted']} tokens are wanted"
    else:
        apart = [f"{data[name]} {name}" for name in _APART if data[name]]
        said = f"behind: {_entries(data)} ({', '.join(apart)})"
    if not data["connected"]:
        return f"{said}; the station is not connected"
    failed = data["failures"]
    last = data["status"] or data["outcome"]
    return f"{said}; {failed} failures in a row, the last: {last}" if failed else said
