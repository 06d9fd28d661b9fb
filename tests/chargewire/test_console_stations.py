"""What is known of a station: from tables, and from the log since."""

import pytest

from chargewire.console.stations import CONNECTORS_MAX, Station, has, is_in
from consumers.meaning.facts import (
    At,
    BootAnswered,
    Booted,
    Connected,
    Disconnected,
    Seen,
    StatusTold,
)
from tests.chargewire.consoled import row


def at(sequence, epoch=1, at_ms=None):
    return At("CS-1", epoch, sequence, 1000 * sequence if at_ms is None else at_ms, "e")


def heard(*facts):
    station = Station("CS-1")
    for fact in facts:
        station.heard(fact.at.observed_ms, [fact])
    return station


def table(**columns):
    return row("tables.stations", station="CS-1", **columns).record


def connector(evse=0, number=1, **columns):
    return row("tables.connectors", station="CS-1", evse=evse, connector=number, **columns).record


def test_the_log_alone_tells_who_is_there() -> None:
    """Where no consumer runs; in whatever order topics are read."""
    facts = [
        Connected(at(0, at_ms=500), gateway="g", version="1.6"),
        Booted(at(1), vendor="V", model="M", firmware="1.0"),
        BootAnswered(at(2), status="Accepted", interval_s=300),
        StatusTold(at(3), connector=1, status="Charging", error_code="NoError"),
        StatusTold(at(4), connector=2, status="Faulted", error_code="GroundFailure"),
        Seen(at(9)),
    ]
    shown = heard(*facts).view()
    assert shown == heard(*facts[::-1]).view()
    assert shown == {
        "station": "CS-1",
        "vendor": "V",
        "model": "M",
        "firmware": "1.0",
        "ocpp_version": "1.6",
        "connected": True,
        "since_ms": 500,
        "last_ms": 9000,
        "gateway": "g",
        "connectors": [
            {"evse": 0, "connector": 1, "status": "Charging", "error": None, "since_ms": 3000},
            {
                "evse": 0,
                "connector": 2,
                "status": "Faulted",
                "error": "GroundFailure",
                "since_ms": 4000,
            },
        ],
        "open_transactions": 0,
    }
    boot = heard(*facts).details()["boot"]
    assert (boot["registration_status"], boot["interval_s"], boot["serial"]) == (
        "Accepted",
        300,
        None,
    )


def test_what_is_newer_counts_part_by_part() -> None:
    """A table may be behind the log, and the log that was read may begin after the boot."""
    station = heard(
        Connected(at(0, epoch=5, at_ms=500), gateway="new"),
        StatusTold(at(3, epoch=5), connector=1, status="Charging"),
        StatusTold(at(4, epoch=5), connector=2, status="Available"),
    )
    station.row = table(
        connected=False,
        connection_epoch=4,
        close_event_id="x",
        disconnected_ms=400,
        gateway="old",
        vendor="V",
        boot_epoch=4,
        boot_sequence=1,
        seen_ms=100,
    )
    order = {"status_epoch": 5, "status_sequence": 3, "status_no": 1, "observed_ms": 1}
    station.told(0, 1, connector(status="Finishing", **order))
    station.told(0, 2, connector(number=2, status="Old", **(order | {"status_no": 0})))
    station.told(0, 3, connector(number=3))
    view = station.view()
    assert (view["connected"], view["gateway"], view["vendor"]) == (True, "new", "V")
    assert [one["status"] for one in view["connectors"]] == ["Finishing", "Available"]
    station.row = table(connected=False, connection_epoch=6, disconnected_ms=900, gateway="newest")
    assert (station.view()["gateway"], station.view()["since_ms"]) == ("newest", 900)


def test_the_end_of_a_connection_is_newer_than_its_beginning() -> None:
    """Whoever knows of the end is right."""
    ended = Disconnected(at(9, epoch=5, at_ms=900), connection_id="c", reason="gone")
    station = heard(Connected(at(0, epoch=5, at_ms=500), connection_id="c"), ended)
    station.row = table(connected=True, connection_epoch=5, connected_ms=500)
    view = station.view()
    assert (view["connected"], view["since_ms"]) == (False, 900)
    assert station.details()["boot"]["close_reason"] == "gone"


def test_history_is_not_kept() -> None:
    """A station that tells its status for years takes no more memory."""
    station = heard(*(StatusTold(at(n), connector=1, status="Available") for n in range(50)))
    assert sum(len(rows) for rows in station._folded.values()) == 2


def test_connectors_are_bounded() -> None:
    """One that invents them fills neither memory nor pages; all else that it says counts."""
    told = [StatusTold(at(n), connector=n, status="Available") for n in range(CONNECTORS_MAX + 9)]
    station = heard(*told, Connected(at(0, epoch=5), connection_id="c"))
    for number in range(CONNECTORS_MAX + 9):
        station.told(1, number, connector(number=number, evse=1, status="Available"))
    station.told(1, 0, connector(number=0, evse=1, status="Faulted"))
    view = station.view()
    assert len(view["connectors"]) == 2 * CONNECTORS_MAX
    assert (view["connected"], is_in(view, "faulted")) == (True, True)
    station.told(1, 0, None)
    assert not is_in(station.view(), "faulted")


@pytest.mark.parametrize(
    ("view", "states"),
    [
        ({"connected": True}, {"connected"}),
        ({"connected": False}, {"offline"}),
        ({"connected": True, "statuses": ["Faulted"]}, {"connected", "faulted"}),
        ({"connected": False, "statuses": ["Charging"]}, {"offline", "charging"}),
        ({"connected": True, "open_transactions": 1}, {"connected", "charging"}),
    ],
)
def test_states_are_what_people_look_for(view, states) -> None:
    """A station may be in several."""
    connectors = [{"status": word} for word in view.pop("statuses", ())]
    view = {"connectors": connectors, "open_transactions": 0} | view
    every = ("connected", "offline", "faulted", "charging")
    assert {state for state in every if is_in(view, state)} == states


def test_a_station_is_found_by_id_vendor_and_model() -> None:
    """Whatever the case."""
    view = {"station": "CS-1", "vendor": "Volt", "model": None}
    assert has(view, "cs-")
    assert has(view, "VOLT")
    assert not has(view, "amp")
