"""The device model of a simulated 2.x station: what it tells and takes of its variables."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deploy.local.effects import Answer, Errand, status
from deploy.local.memory import Memory
from deploy.local.reports import pages
from deploy.local.settings import NEW, RO, Setting, put

Payload = dict[str, Any]

_STATE = Setting(None, None, "", "OptionList", RO)
_STATES = "Available,Occupied,Reserved,Unavailable,Faulted"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable as it is now; `evse` where there is one of it for each."""

    component: str
    name: str
    value: str
    row: Setting
    evse: int | None = None

    @property
    def address(self) -> Payload:
        """As it stands in a report."""
        component: Payload = {"name": self.component}
        if self.evse is not None:
            component["evse"] = {"id": self.evse, "connectorId": 1}
        return {"component": component, "variable": {"name": self.name}}

    def of(self, component: Payload) -> bool:
        """Whether it belongs to this component; without an EVSE, to that of any."""
        evse = (component.get("evse") or {}).get("id", self.evse)
        same = self.component.casefold() == component["name"].casefold()
        return same and evse == self.evse and "instance" not in component

    def called(self, variable: Payload) -> bool:
        """Whether it has this name, in any case."""
        same = self.name.casefold() == variable["name"].casefold()
        return same and "instance" not in variable

    def meant(self, rows: list[Payload] | None) -> bool:
        """Whether a row of a componentVariable means it; no rows mean everything."""
        return rows is None or any(
            self.of(row["component"]) and ("variable" not in row or self.called(row["variable"]))
            for row in rows
        )


def variables(memory: Memory) -> Iterator[Variable]:
    """All there are."""
    for name, row in NEW.items():
        component, _, variable = name.partition(".")
        yield Variable(component, variable, memory.settings[name], row)
    for plug in memory.plugs.values():
        state = plug.status.availability
        yield Variable("Connector", "AvailabilityState", state, _STATE, plug.number)


def find(memory: Memory, item: Payload) -> tuple[str, Variable | None]:
    """Accepted and the variable that is addressed, or the word for why there is none."""
    there = [variable for variable in variables(memory) if variable.of(item["component"])]
    if not there:
        return "UnknownComponent", None
    found = next((variable for variable in there if variable.called(item["variable"])), None)
    return ("UnknownVariable", None) if found is None else ("Accepted", found)


def _addressed(item: Payload) -> Payload:
    return {name: item[name] for name in ("attributeType", "component", "variable") if name in item}


def ask(payload: Payload, memory: Memory) -> Answer:
    """GetVariables."""
    found = []
    for item in payload["getVariableData"]:
        word, variable = find(memory, item)
        shown: Payload = {}
        if variable is not None and item.get("attributeType", "Actual") != "Actual":
            word = "NotSupportedAttributeType"
        elif variable is not None and variable.row.access == "WriteOnly":
            word = "Rejected"
        elif variable is not None:
            shown = {"attributeValue": variable.value}
        found.append({"attributeStatus": word} | shown | _addressed(item))
    return {"getVariableResult": found}, ()


def change(payload: Payload, memory: Memory) -> Answer:
    """SetVariables."""
    results = []
    for item in payload["setVariableData"]:
        word, variable = find(memory, item)
        if variable is not None and item.get("attributeType", "Actual") != "Actual":
            word = "NotSupportedAttributeType"
        elif variable is not None:
            name = f"{variable.component}.{variable.name}"
            word = put(memory, name, variable.row, item["attributeValue"])
        results.append({"attributeStatus": word} | _addressed(item))
    return {"setVariableResult": results}, ()


def base_report(payload: Payload, memory: Memory) -> Answer:
    """GetBaseReport: everything, what can be set, or the state of the connectors."""
    base = payload["reportBase"]
    return _report(
        payload,
        memory,
        [
            variable
            for variable in variables(memory)
            if base == "FullInventory"
            or (base == "ConfigurationInventory" and variable.row.access != RO)
            or (base == "SummaryInventory" and variable.row is _STATE)
        ],
    )


def report(payload: Payload, memory: Memory) -> Answer:
    """GetReport. Whatever is there is active, available and enabled; only faults are problems."""
    rows, criteria = payload.get("componentVariable"), set(payload.get("componentCriteria", ()))
    chosen = [variable for variable in variables(memory) if variable.meant(rows)]
    if criteria == {"Problem"}:
        chosen = [variable for variable in chosen if variable.value == "Faulted"]
    return _report(payload, memory, chosen)


def _report(payload: Payload, memory: Memory, chosen: list[Variable]) -> Answer:
    if not chosen:
        return status("EmptyResultSet")
    rows = [_row(variable) for variable in chosen]
    return status("Accepted", Errand(pages("NotifyReport", "reportData", rows, payload, memory)))


def _row(variable: Variable) -> Payload:
    shown = {} if variable.row.access == "WriteOnly" else {"value": variable.value}
    about: Payload = {"dataType": variable.row.kind, "supportsMonitoring": True}
    if variable.row is _STATE:
        about["valuesList"] = _STATES
    return variable.address | {
        "variableAttribute": [shown | {"mutability": variable.row.access}],
        "variableCharacteristics": about,
    }
