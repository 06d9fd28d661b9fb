"""Decoded records as lines and as JSON objects."""

import json
from typing import Any

import click
import pytest

from chargewire.log.summary import Entry, as_json, clipped, in_order, line, merged, order, pairs
from schemas.catalogue import action, frame_field
from schemas.derive import shape

AT = 1_767_225_600_123  # 2026-01-01T00:00:00.123Z
START = {
    "connectorId": 1,
    "idTag": "ABC",
    "meterStart": 0,
    "timestamp": "2026-01-01T00:00:00Z",
}


def frame(version: str, name: str, part: str, body: dict[str, Any], **more: Any) -> Entry:
    kinds = {"request": "call", "response": "result", "send": "send"}
    known = action(version, name)
    assert known is not None
    record = {
        "event_id": "7.CS-1.3",
        "station": "CS-1",
        "connection_id": "c",
        "epoch": 7,
        "sequence": 3,
        "call_sequence": None,
        "ocpp_version": version,
        "direction": "from_station" if part == "request" else "to_station",
        "kind": kinds[part],
        "action": name,
        "message_id": "m",
        "observed_at": AT,
        "deviations": [],
        frame_field(version, name, part): shape(version, name, part).to_avro(body)[0],
        "v16_of_another_kind_request": None,
    }
    return Entry(known.block, 2, 30, AT, b"CS-1", record | more)


def plain(entry: Entry, width: int = 200) -> str:
    return click.unstyle(line(entry, width))


def test_a_call_is_one_line_with_time_station_direction_action_kind_and_payload():
    """As OCPP writes it, times included."""
    assert plain(frame("1.6", "StartTransaction", "request", START)) == (
        "00:00:00.123 CS-1                 → StartTransaction           call      "
        "connectorId=1 idTag=ABC meterStart=0 timestamp=2026-01-01T00:00:00Z"
    )


def test_an_answer_points_the_other_way():
    """An empty one says nothing after its kind."""
    body = {"transactionId": 5, "idTagInfo": {"status": "Accepted"}}
    text = plain(frame("1.6", "StartTransaction", "response", body))
    assert "← StartTransaction           result    " in text
    assert "transactionId=5" in text
    assert "idTagInfo.status=Accepted" in text
    assert plain(frame("1.6", "StatusNotification", "response", {})).endswith("result    ")


def test_bent_rules_stand_at_the_end_however_narrow_the_terminal():
    """They are what an operator looks for."""
    entry = frame("1.6", "StartTransaction", "request", START, deviations=["too_long"])
    assert plain(entry, 120).endswith("… [too_long]")
    assert len(plain(entry, 120)) <= 120


def test_versions_two_share_their_fields():
    """2.0.1 and 2.1 are told apart by the envelope."""
    body = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
    text = plain(frame("2.1", "BootNotification", "request", body))
    assert "chargingStation.model=M" in text
    assert "reason=PowerUp" in text


def test_an_error_shows_its_code():
    """In place of a payload."""
    entry = frame("1.6", "Heartbeat", "request", {})
    error = {"code": "NotSupported", "description": "no", "details": "{}"}
    record = {**entry.record, "kind": "error", "error": error, "v16_heartbeat_request": None}
    assert "code=NotSupported description=no" in plain(entry._replace(record=record))


def test_connections_dead_letters_and_refusals_have_lines_of_their_own():
    """With what a person wants to know first."""
    connected = {"type": "connected", "station": "CS-1", "at": AT, "ocpp_version": "1.6"}
    connected |= {"remote_address": "10.0.0.1", "gateway": "g", "epoch": None}
    text = plain(Entry("connections", 0, 9, AT, b"CS-1", connected))
    assert "· connected" in text
    assert "version=1.6 gateway=g remote_address=10.0.0.1" in text
    rejected = {"station": "CS-1", "action": None, "direction": "from_station", "rule": "no_json"}
    rejected |= {"observed_at": AT, "text": "[2,\x1b[31m"}
    text = plain(Entry("rejected", 0, 9, AT, b"CS-1", rejected))
    assert "→ ?                          rejected  rule=no_json" in text
    refused = {"address": "10.0.0.1", "reason": "path", "status": 404, "at": AT}
    assert "10.0.0.1             · path                       refused   status=404" in plain(
        Entry("refusals", 0, 9, AT, b"", refused)
    )


def test_what_a_station_wrote_cannot_steer_the_terminal():
    """Control characters are replaced, blanks and newlines become one blank."""
    rejected = {"station": "CS-1", "rule": "r", "observed_at": AT, "text": "a\n\n b\x1b]0;x\x07"}
    shown = plain(Entry("rejected", 0, 9, AT, b"CS-1", rejected))
    assert "text=a b\N{REPLACEMENT CHARACTER}]0;x" in shown
    assert shown.isprintable()


def test_a_station_id_cannot_steer_the_terminal():
    """Ids have no control characters by the handshake's rule, keys of other writers may."""
    assert plain(Entry("decisions", 0, 9, AT, b"\x1b[2J", None, "corrupt\n")).isprintable()


def test_what_cannot_be_read_is_a_line_too():
    """Never the end of the listing."""
    entry = Entry("decisions", 0, 9, AT, b"CS-1", None, "schema id 7 is not known here")
    assert "unreadable: schema id 7" in plain(entry)
    assert json.loads(as_json(entry))["problem"] == "schema id 7 is not known here"


def test_json_holds_envelope_and_payload_as_ocpp_has_it():
    """Nothing is clipped, nulls are left out, times are ISO 8601."""
    found = json.loads(as_json(frame("1.6", "StartTransaction", "request", START)))
    assert found["payload"] == START
    assert found["observed_at"] == "2026-01-01T00:00:00.123Z"
    assert (found["topic"], found["partition"], found["offset"]) == ("transactions", 2, 30)
    assert "call_sequence" not in found
    assert "v16_start_transaction_request" not in found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": {"b": [1, 2, 3]}}, ["a.b[1/3]=1"]),
        ({"a": [{"b": 1, "c": True}]}, ["a.b=1", "a.c=true"]),
        ({"a": None, "b": [], "c": "", "d": 0}, ["d=0"]),
        ({}, []),
    ],
)
def test_nested_values_become_pairs(value, shown):
    """Of a list its length and first item; what is empty is left out."""
    assert list(pairs(value)) == shown


def test_long_texts_are_cut_where_told():
    """With an ellipsis that counts."""
    assert clipped("abcdef", 6) == "abcdef"
    assert clipped("abcdefg", 6) == "abcde…"


def test_events_of_a_station_are_in_the_order_of_epoch_and_sequence():
    """`connected` has no epoch of its own: it is its offset."""
    connected = Entry("connections", 0, 7, 0, b"", {"epoch": None, "sequence": 0})
    frames = [Entry("t", 0, n, 0, b"", {"epoch": 7, "sequence": n}) for n in (2, 1)]
    older = Entry("connections", 0, 8, 0, b"", {"epoch": 3, "sequence": 9})
    assert sorted([*frames, connected, older], key=order) == [
        older,
        connected,
        frames[1],
        frames[0],
    ]


def test_what_has_no_sequence_stands_among_the_frames_by_its_time():
    """What a gateway took, what was settled for it; a frame stays where its sequence says."""

    def told(what, at, sequence):
        return Entry("t", 0, 0, 0, b"", {"at": at, "epoch": 7, "sequence": sequence, "what": what})

    def shown(*entries):
        return [entry.record["what"] for entry in in_order(entries)]

    taken, settled = told("taken", 4, None), told("settled", 3, None)
    two, three = told("two", 2, 2), told("three", 5, 3)
    assert shown(taken, three, settled, two) == ["two", "settled", "taken", "three"]
    ahead = told("one", 9, 1)
    assert shown(three, ahead, two) == ["one", "two", "three"]


def test_partitions_are_merged_by_time_and_keep_their_own_order():
    """A clock that went back does not turn events round."""
    one = [Entry("t", 1, n, at, b"", None) for n, at in enumerate((5, 3, 9))]
    two = [Entry("t", 2, n, at, b"", None) for n, at in enumerate((4, 8))]
    assert [(e.partition, e.offset) for e in merged([one, two])] == [
        (2, 0),
        (1, 0),
        (1, 1),
        (2, 1),
        (1, 2),
    ]
