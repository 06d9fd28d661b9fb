"""DER controls of a simulated 2.1 station."""

from typing import Any

from deploy.local import der_controls
from deploy.local.calls import Call
from deploy.local.effects import Errand
from tests.deploy.memories import station, valid

PF = {"priority": 1, "displacement": 0.9, "excitation": True}
GRADIENT = {"priority": 1, "gradient": 2.0, "softGradient": 1.0}


def control(name: str, **more: Any) -> dict[str, Any]:
    kind = {"controlType": "FixedPFAbsorb", "isDefault": True, "controlId": name}
    return kind | ({"fixedPFAbsorb": PF} if "controlType" not in more else {}) | more


def test_a_control_takes_the_place_of_the_one_of_its_kind() -> None:
    """One that is the default and one that is not are two kinds; one without content is nothing."""
    memory = station("2.1")
    assert der_controls.put(control("a"), memory)[0] == {"status": "Accepted"}
    assert der_controls.put(control("b", isDefault=False), memory)[0] == {"status": "Accepted"}
    told = der_controls.put(control("c"), memory)[0]
    assert told == {"status": "Accepted", "supersededIds": ["a"]}
    empty = control("d", controlType="Gradients")
    assert der_controls.put(empty, memory)[0] == {"status": "Rejected"}
    assert list(memory.shelf("der")) == ["b", "c"]


def test_controls_are_reported_as_they_were_sent_and_cleared() -> None:
    """Each in the list of its kind."""
    memory = station("2.1")
    der_controls.put(control("a"), memory)
    der_controls.put(control("g", controlType="Gradients", gradient=GRADIENT), memory)
    response, (errand,) = der_controls.report({"requestId": 2}, memory)
    assert response == {"status": "Accepted"}
    assert isinstance(errand, Errand)
    (page,) = errand.steps
    assert isinstance(page, Call)
    valid("2.1", "ReportDERControl", "request", page.payload)
    assert page.payload["fixedPFAbsorb"][0]["fixedPF"] == PF
    assert page.payload["gradient"] == [{"id": "g", "gradient": GRADIENT}]
    ask = {"isDefault": True, "controlId": "a"}
    words = [der_controls.clear(ask, memory)[0]["status"] for _ in range(2)]
    assert words == ["Accepted", "NotFound"]
    none = der_controls.report({"requestId": 2, "controlId": "a"}, memory)
    assert none == ({"status": "NotFound"}, ())
