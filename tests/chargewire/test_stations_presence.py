"""Who is connected: folded from events, laid out as a table."""

import pytest

from chargewire.log.summary import Entry
from chargewire.stations.presence import ACTIONS, TOPICS, Presence, ago, fold, table
from schemas.catalogue import VERSIONS, action, frame_field
from schemas.derive import shape


def connection(kind: str, offset: int, epoch: int | None, at: int, **more) -> Entry:
    record = {"type": kind, "station": "CS-1", "at": at, "epoch": epoch, "sequence": 0} | more
    return Entry("connections", 0, offset, at, b"CS-1", record)


def call(version: str, name: str, body: dict, sequence: int, epoch: int = 1) -> Entry:
    record = {
        "station": "CS-1",
        "epoch": epoch,
        "sequence": sequence,
        "ocpp_version": version,
        "direction": "from_station",
        "kind": "call",
        "action": name,
        frame_field(version, name, "request"): shape(version, name, "request").to_avro(body)[0],
    }
    return Entry("availability", 0, sequence, 0, b"CS-1", record)


def status(connector: int, word: str, sequence: int) -> Entry:
    body = {"connectorId": connector, "errorCode": "NoError", "status": word}
    return call("1.6", "StatusNotification", body, sequence)


def test_the_topics_that_are_read_hold_what_is_asked():
    """The catalogue says where an action goes."""
    blocks = {action(version, name).block for version in VERSIONS for name in ACTIONS}
    assert {"connections", *blocks} == set(TOPICS)


def test_a_station_is_where_its_newest_connection_is():
    """A `disconnected` of an older one that was written later changes nothing."""
    entries = [
        connection("connected", 1, None, 100, gateway="a", ocpp_version="1.6"),
        connection("connected", 5, None, 200, gateway="b", ocpp_version="2.0.1"),
        connection("disconnected", 6, 1, 300, gateway="a"),
    ]
    (row,) = fold(entries)
    assert (row.connected, row.gateway, row.version, row.since_ms) == (True, "b", "2.0.1", 200)
    (row,) = fold([*entries, connection("disconnected", 7, 5, 400)])
    assert (row.connected, row.since_ms) == (False, 400)


def test_the_last_word_of_each_connector_counts():
    """By the position in the log, whichever topic is read first."""
    entries = [status(1, "Charging", 4), status(1, "Available", 2), status(0, "Available", 3)]
    (row,) = fold(entries)
    assert row.statuses == {"1": "Charging", "0": "Available"}


def test_both_generations_of_ocpp_are_understood():
    """Model, EVSE and status have other names in 2.x."""
    boot = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
    said = {
        "timestamp": "2026-01-01T00:00:00Z",
        "connectorStatus": "Occupied",
        "evseId": 1,
        "connectorId": 2,
    }
    entries = [
        call("2.0.1", "BootNotification", boot, 1),
        call("2.0.1", "StatusNotification", said, 2),
    ]
    (row,) = fold(entries)
    assert (row.vendor, row.model, row.statuses) == ("V", "M", {"1.2": "Occupied"})
    boot = {"chargePointVendor": "W", "chargePointModel": "N"}
    (row,) = fold([call("1.6", "BootNotification", boot, 1)])
    assert (row.vendor, row.model) == ("W", "N")


def test_what_cannot_be_read_is_passed_over():
    """One corrupt record hides no station."""
    corrupt = Entry("connections", 0, 0, 0, b"CS-9", None, "corrupt")
    assert [row.station for row in fold([corrupt, connection("connected", 1, None, 1)])] == ["CS-1"]


def test_the_table_says_who_is_where_since_when():
    """Times as spans, statuses by connector."""
    row = Presence("CS-1", True, 1000, "1.6", "g", "10.0.0.1", "V", "M", {"2": "B", "1": "A"})
    heading, first, gone = table([row, Presence("CS-2")], 62_000)
    assert heading[0] == "STATION"
    assert first == ["CS-1", "connected", "1m 1s", "1.6", "g", "10.0.0.1", "V M", "1:A 2:B"]
    assert gone == ["CS-2", "gone", "", "", "", "", "", ""]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (45, "45s"),
        (60, "1m"),
        (200, "3m 20s"),
        (7500, "2h 5m"),
        (90_000, "1d 1h"),
    ],
)
def test_spans_are_told_in_their_two_largest_units(seconds, shown):
    """A clock that is behind gives nothing, not a negative time."""
    assert ago(seconds * 1000) == shown
