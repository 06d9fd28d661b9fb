"""The console's model: what records of the log come to."""

from typing import Any

from chargewire.console.model import Change, Model
from tests.chargewire.consoled import (
    NOON,
    connected,
    disconnected,
    entry,
    frame,
    letter_record,
    model,
    removed,
    row,
    status,
)

ROW = {"station": "CS-1", "transaction_id": "17", "ordinal": 1, "id": "id-17", "state": "open"}


def kinds(changes: list[Change]) -> list[str]:
    return [one.kind for one in changes]


def names(made: Model, limit: int = 9, **meant: Any) -> tuple[int, list[str]]:
    """How many stations are meant, and which."""
    total, views = made.listed(limit, **meant)
    return total, [view["station"] for view in views]


def test_a_station_is_told_of_when_something_changes_but_its_last_frame() -> None:
    """Once for all that comes together; its frames are events."""
    made = model(connected())
    made.take(status(1, "Preparing", sequence=1))
    made.take(status(1, "Charging", sequence=2))
    found = made.changes()
    assert kinds(found) == ["event", "event", "station"]
    assert found[-1].data["connectors"][0]["status"] == "Charging"
    made.take(frame("Heartbeat", sequence=3))
    assert kinds(made.changes()) == ["event"]
    assert made.views["CS-1"]["last_ms"] == NOON + 3000
    made.take(disconnected())
    assert kinds(made.changes()) == ["event", "station"]
    assert made.changes() == []


def test_a_station_that_speaks_is_connected() -> None:
    """Also where it connected before all that was read; the log's own word is better."""
    made = model(frame("Heartbeat", epoch=5, sequence=7))
    view = made.views["CS-1"]
    assert (view["connected"], view["gateway"], view["ocpp_version"]) == (True, "g", "1.6")
    assert view["since_ms"] == NOON + 7000
    made.take(connected(epoch=5))
    made.take(frame("Heartbeat", epoch=5, sequence=8))
    made.changes()
    assert made.views["CS-1"]["since_ms"] == NOON
    made.take(disconnected(epoch=5))
    made.take(frame("Heartbeat", epoch=5, sequence=9))
    made.changes()
    assert not made.views["CS-1"]["connected"], "topics are read in any order"
    made.take(frame("Heartbeat", epoch=6))
    made.changes()
    assert made.views["CS-1"]["connected"]


def test_what_is_past_is_told_to_nobody() -> None:
    """It is there for who asks."""
    made = model(settled=False)
    made.take(status(1, "Charging", sequence=2))
    assert made.changes() == []
    assert names(made) == (1, ["CS-1"])
    made.take(connected())
    made.settled()
    assert made.changes() == []
    assert [one.action for one in made.recent.before(None)] == ["StatusNotification", "connected"]


def test_the_page_of_a_station_has_all_about_it() -> None:
    """Transactions, configuration, the curve of the newest transaction, its group."""
    keys = {"configurationKey": [{"key": "K", "readonly": False, "value": "1"}]}
    values = [{"timestamp": "2026-11-21T12:00:00Z", "sampledValue": [POWER]}]
    meter = {"connectorId": 1, "transactionId": 17, "meterValue": values}
    made = model(
        connected(),
        frame("GetConfiguration", keys, kind="result", sequence=2),
        frame("MeterValues", meter, sequence=3),
        row("tables.transactions", **ROW),
        entry("stations", {"station": "CS-1", "group": "yard"}),
    )
    found = made.station("CS-1")
    assert (found["connected"], found["group"], found["open_transactions"]) == (True, "yard", 1)
    assert [one["id"] for one in found["transactions"]] == ["id-17"]
    assert found["configuration"]["values"] == [{"name": "K", "value": "1", "readonly": False}]
    assert found["power"]["points"] == [(NOON, 7000.0)]
    assert found["power"]["transaction_id"] == "17"
    assert made.station("CS-2") is None


POWER = {"measurand": "Power.Active.Import", "unit": "kW", "value": "7"}


def test_rows_of_tables_are_told_as_they_change() -> None:
    """A transaction and its station; a station whose rows are taken away is gone."""
    made = model()
    made.take(row("tables.transactions", **ROW))
    found = made.changes()
    assert kinds(found) == ["transaction", "station"]
    assert found[0].data["id"] == "id-17"
    assert found[1].data["open_transactions"] == 1
    made.take(removed("tables.transactions", station="CS-1", transaction_id="17", ordinal=1))
    made.changes()
    assert made.views == {}
    made.take(row("tables.stations", station="CS-2", vendor="V"))
    made.take(row("tables.connectors", station="CS-2", evse=1, connector=1, status="Faulted"))
    made.changes()
    assert names(made, state="faulted") == (1, ["CS-2"])
    assert made.counts() == {"all": 1, "connected": 0, "offline": 1, "faulted": 1, "charging": 0}
    assert names(made, text="v", state="offline") == (1, ["CS-2"])
    assert names(made, text="nobody") == (0, [])
    made.take(removed("tables.connectors", station="CS-2", evse=1, connector=1))
    made.take(removed("tables.stations", station="CS-2"))
    made.changes()
    assert names(made) == (0, [])
    assert set(made.counts().values()) == {0}


def test_stations_are_listed_page_by_page() -> None:
    """By id, in whatever order they came; all that are meant are counted."""
    made = model(*(connected(f"CS-{number}") for number in (3, 1, 2)))
    assert names(made, limit=2) == (3, ["CS-1", "CS-2"])
    assert names(made, limit=2, after="CS-2", state="connected") == (3, ["CS-3"])
    assert names(made, after="CS-1", text="cs-2") == (1, ["CS-2"])
    made.take(connected("CS-0"))
    made.changes()
    assert names(made) == (4, ["CS-0", "CS-1", "CS-2", "CS-3"])


def test_a_result_is_told_once() -> None:
    """With the command's station."""
    made = model()
    names = {"command_id": "c", "station": "CS-1", "action": "Reset"}
    result = entry("command-results", names | {"outcome": "timeout", "at": NOON})
    made.take(result)
    made.take(result)
    (found,) = made.changes()
    assert (found.kind, found.station, found.data["outcome"]) == ("result", "CS-1", "timeout")


def test_a_dead_letter_is_in_the_conversation_and_in_its_list() -> None:
    """And an event like any other."""
    made = model(entry("rejected", letter_record()))
    assert len(made.letters) == 1
    assert [one.letter is not None for one in made.conversations.of("CS-1", None, 9)] == [True]
    assert next(made.recent.before(None)).topic == "rejected"


def test_a_station_that_is_only_listed_is_not_shown() -> None:
    """Whoever is known to the platform need not exist."""
    made = model(entry("stations", {"station": "CS-9", "group": "yard"}))
    assert names(made) == (0, [])
    made.take(connected("CS-9"))
    made.take(removed("stations", station="CS-9"))
    made.changes()
    assert made.station("CS-9")["group"] is None
