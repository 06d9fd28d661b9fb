"""What a simulated station only keeps and shows again."""

from typing import Any

from deploy.local import shelves
from deploy.local.calls import Call
from deploy.local.effects import Effect, Errand
from deploy.local.memory import Listed
from tests.deploy.memories import station


def calls(effects: tuple[Effect, ...]) -> list[dict[str, Any]]:
    """The payloads that are to be said."""
    (errand,) = effects
    assert isinstance(errand, Errand)
    return [step.payload for step in errand.steps if isinstance(step, Call)]


def text(number: int, **more: Any) -> dict[str, Any]:
    content = {"format": "UTF8", "content": "Hello"}
    return {"message": {"id": number, "priority": "InFront", "message": content} | more}


def test_texts_are_shown_told_and_cleared() -> None:
    """One for a transaction needs it, and HTML is beyond such a display."""
    memory = station("2.1", busy=True)
    html = {"format": "HTML", "content": "<b>"}
    words = [
        shelves.show(shown, memory)[0]["status"]
        for shown in (
            text(1),
            text(2, transactionId="T-7", priority="AlwaysFront"),
            text(3, transactionId="x"),
            text(4, message=html),
        )
    ]
    expected = ["Accepted", "Accepted", "UnknownTransaction", "NotSupportedMessageFormat"]
    assert words == expected
    _, effects = shelves.shown({"requestId": 1, "priority": "AlwaysFront"}, memory)
    (page,) = calls(effects)
    assert [row["id"] for row in page["messageInfo"]] == [2]
    assert shelves.shown({"requestId": 1, "id": [7]}, memory) == ({"status": "Unknown"}, ())
    words = [shelves.unshow({"id": 1}, memory)[0]["status"] for _ in range(2)]
    assert words == ["Accepted", "Unknown"]


def test_a_network_profile_has_its_slot() -> None:
    """There are so many."""
    memory = station("2.0.1")
    words = [
        shelves.network({"configurationSlot": n, "connectionData": {}}, memory)[0]["status"]
        for n in (0, shelves.SLOTS)
    ]
    assert words == ["Accepted", "Rejected"]


def test_a_customer_is_told_of_and_forgotten() -> None:
    """What is in the local list, and who charges."""
    memory = station("2.0.1", busy=True)
    memory.tokens["t"] = Listed("T", "Accepted", None)
    ask = {"requestId": 1, "idToken": {"idToken": "t"}, "report": True, "clear": True}
    (page,) = calls(shelves.customer(ask, memory)[1])
    assert page["data"] == "In the local list: Accepted. Charging at 1."
    (page,) = calls(shelves.customer(ask, memory)[1])
    assert page["data"] == "Charging at 1."
    nobody = {"requestId": 1, "report": True, "clear": False}
    assert shelves.customer(nobody, memory)[0] == {"status": "Invalid"}
    nothing = ask | {"report": False, "clear": False}
    assert shelves.customer(nothing, memory)[0] == {"status": "Rejected"}


def test_tariffs_are_set_told_and_cleared() -> None:
    """One for all is told for each EVSE."""
    memory = station("2.1", busy=True)
    for evse, name in ((0, "all"), (1, "one")):
        shelves.tariff({"evseId": evse, "tariff": {"tariffId": name}}, memory)
    rows = shelves.tariffs({"evseId": 2}, memory)[0]["tariffAssignments"]
    assert [(row["tariffId"], row["evseIds"]) for row in rows] == [("all", [1, 2])]
    assert shelves.tariff({"evseId": 3, "tariff": {}}, memory)[0] == {"status": "Rejected"}
    told = shelves.untariff({"tariffIds": ["one", "none"]}, memory)[0]["clearTariffsResult"]
    assert [row["status"] for row in told] == ["Accepted", "NoTariff"]
    told = shelves.untariff({}, memory)[0]["clearTariffsResult"]
    assert told == [{"tariffId": "all", "status": "Accepted"}]
    assert shelves.tariffs({"evseId": 0}, memory)[0] == {"status": "NoTariff"}


def test_what_is_of_a_transaction_needs_it() -> None:
    """Tariff and energy transfer; the cost is taken as it comes."""
    memory = station("2.1", busy=True)
    there, gone = {"transactionId": "T-7"}, {"transactionId": "x"}
    tariff = {"tariff": {"tariffId": "t"}}
    assert shelves.transaction_tariff(there | tariff, memory)[0] == {"status": "Accepted"}
    assert shelves.transaction_tariff(gone | tariff, memory)[0] == {"status": "TxNotFound"}
    assert shelves.energy_transfer(there, memory)[0] == {"status": "Accepted"}
    assert shelves.energy_transfer(gone, memory)[0] == {"status": "Rejected"}
    assert shelves.cost(there | {"totalCost": 3.5}, memory) == ({}, ())
    assert memory.shelf("costs")["T-7"]["totalCost"] == 3.5


def test_a_signal_is_a_percentage() -> None:
    """Either way."""
    words = [shelves.signal({"signal": n}, station("2.1"))[0]["status"] for n in (-100, 100, 101)]
    assert words == ["Accepted", "Accepted", "Rejected"]


def test_a_battery_goes_out_and_one_comes_in() -> None:
    """Both told with the id that was asked with."""
    token = {"idToken": "T", "type": "Central"}
    told = calls(shelves.swap({"requestId": 5, "idToken": token}, station("2.1"))[1])
    assert [page["eventType"] for page in told] == ["BatteryOut", "BatteryIn"]
    assert {page["requestId"] for page in told} == {5}
