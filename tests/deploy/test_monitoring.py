"""Monitors and periodic event streams of a simulated station."""

from typing import Any

from deploy.local import monitoring
from deploy.local.calls import Call
from deploy.local.effects import Errand
from tests.deploy.memories import station


def monitor(**more: Any) -> dict[str, Any]:
    component = {"name": "Connector", "evse": {"id": 1}}
    variable = {"name": "AvailabilityState"}
    row = {"component": component, "variable": variable, "value": 1, "type": "Delta"}
    return row | {"severity": 5} | more


def put(memory: Any, *rows: dict[str, Any]) -> list[tuple[str, int | None]]:
    told, _ = monitoring.put({"setMonitoringData": list(rows)}, memory)
    return [(row["status"], row.get("id")) for row in told["setMonitoringResult"]]


def test_monitors_are_kept_replaced_reported_and_cleared() -> None:
    """Under ids that the station gives."""
    memory = station("2.0.1")
    other = monitor(type="UpperThreshold")
    assert put(memory, monitor(), other) == [("Accepted", 1), ("Accepted", 2)]
    assert put(memory, monitor()) == [("Duplicate", None)]
    assert put(memory, monitor(id=1, value=3)) == [("Accepted", 1)]
    assert put(memory, monitor(id=9)) == [("Rejected", None)]
    unknown = monitor(type="Periodic", variable={"name": "Colour"})
    assert put(memory, unknown) == [("UnknownVariable", None)]
    ask = {"requestId": 4, "monitoringCriteria": ["DeltaMonitoring"]}
    response, (errand,) = monitoring.report({}, ask, memory)
    assert response == {"status": "Accepted"}
    assert isinstance(errand, Errand)
    (page,) = errand.steps
    assert isinstance(page, Call)
    (row,) = page.payload["monitor"]
    assert row["variableMonitoring"][0]["value"] == 3
    told, _ = monitoring.clear({"id": [1, 2, 3]}, memory)
    words = [row["status"] for row in told["clearMonitoringResult"]]
    assert words == ["Accepted", "Accepted", "NotFound"]
    assert monitoring.report({}, ask, memory) == ({"status": "EmptyResultSet"}, ())


def test_a_base_without_custom_monitors_forgets_them() -> None:
    """Here all monitors are custom ones."""
    memory = station("2.0.1")
    put(memory, monitor())
    monitoring.base({"monitoringBase": "All"}, memory)
    assert memory.shelf("monitors")
    monitoring.base({"monitoringBase": "FactoryDefault"}, memory)
    assert not memory.shelf("monitors")


def test_the_level_is_a_severity() -> None:
    """0 to 9."""
    words = [monitoring.level({"severity": n}, station("2.1"))[0]["status"] for n in (-1, 0, 9, 10)]
    assert words == ["Rejected", "Accepted", "Accepted", "Rejected"]


def test_a_stream_opens_with_its_monitor_and_ends_with_it() -> None:
    """OCPP 2.1 part 2, N: it is told, can be adjusted, and is closed."""
    memory = station("2.1")
    row = monitor(periodicEventStream={"interval": 60})
    _, (errand,) = monitoring.put({"setMonitoringData": [row]}, memory)
    stream = {"id": 1, "variableMonitoringId": 1, "params": {"interval": 60}}
    assert isinstance(errand, Errand)
    assert errand.steps == (Call("OpenPeriodicEventStream", {"constantStreamData": stream}),)
    adjusted = {"id": 1, "params": {"interval": 5}}
    assert monitoring.adjust(adjusted, memory)[0] == {"status": "Accepted"}
    assert monitoring.adjust(adjusted | {"id": 2}, memory)[0] == {"status": "Rejected"}
    told = {"constantStreamData": [stream | {"params": {"interval": 5}}]}
    assert monitoring.streams({}, memory)[0] == told
    _, (errand,) = monitoring.clear({"id": [1]}, memory)
    assert isinstance(errand, Errand)
    assert errand.steps == (Call("ClosePeriodicEventStream", {"id": 1}),)
    assert monitoring.streams({}, memory)[0] == {}
