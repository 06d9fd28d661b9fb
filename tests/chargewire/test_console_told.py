"""Events as the console keeps them."""

import msgspec

from chargewire.console.told import PAYLOAD_MAX_BYTES, as_value, told
from chargewire.log.summary import Entry
from tests.chargewire.consoled import (
    NOON,
    connected,
    connection,
    disconnected,
    entry,
    frame,
    letter_record,
)


def shown(one):
    return msgspec.json.decode(msgspec.json.encode(one.event()))


def test_a_frame_is_an_event_and_part_of_a_conversation() -> None:
    """With its payload as OCPP has it, and a summary in one line."""
    one = told(
        frame("Authorize", {"idTag": "A"}, sequence=3, deviations=["over_long"], command_id="c")
    )
    one.no = 9
    assert shown(one) == {
        "id": 9,
        "topic": "authorization",
        "station": "CS-1",
        "at_ms": NOON + 3000,
        "direction": "from_station",
        "kind": "call",
        "action": "Authorize",
        "summary": "idTag=A",
        "payload": {"idTag": "A"},
        "event_id": "1.3.CS-1",
        "epoch": 1,
        "sequence": 3,
        "deviations": ["over_long"],
        "rejected": None,
    }
    kept = one.frame()
    assert msgspec.json.decode(kept.pop("payload")) == {"idTag": "A"}
    assert kept == {
        "event_id": "1.3.CS-1",
        "sequence": 3,
        "epoch": 1,
        "at_ms": NOON + 3000,
        "direction": "from_station",
        "kind": "call",
        "action": "Authorize",
        "message_id": "m3",
        "call_sequence": None,
        "error": None,
        "deviations": ["over_long"],
        "command_id": "c",
        "decided": False,
        "rejected": None,
    }


def test_a_call_that_a_service_is_asked_about_says_so() -> None:
    """So the page knows whose answer the time until it tells of."""
    assert told(frame("Authorize", {"idTag": "A"}, decision_by=NOON)).frame()["decided"]


def test_an_error_has_no_payload_but_an_error() -> None:
    """CALLERROR: code, description, details."""
    known = frame("Reset", {"type": "Soft"})
    error = {"code": "InternalError", "description": "no", "details": "{}"}
    record = known.record | {"kind": "error", "error": error, "v16_reset_request": None}
    one = told(known._replace(record=record))
    kept = one.frame()
    assert msgspec.json.decode(kept["payload"]) is None
    assert msgspec.json.decode(kept["error"])["code"] == "InternalError"


def test_a_connection_is_an_event_but_no_frame() -> None:
    """Its epoch is where it stands; claims of commands in the same topic are no events."""
    one = told(connected(epoch=7))
    assert (one.action, one.place, one.is_frame) == ("connected", (7, 0), False)
    assert msgspec.json.decode(one.payload)["gateway"] == "g"
    assert told(disconnected(epoch=7)).place == (7, 99)
    claim = connection("CS-1", type="taken", at=NOON, command_id="c", attempt=1, epoch=7)
    assert told(entry("connections", claim)) is None


def test_a_dead_letter_tells_what_was_wrong() -> None:
    """In a conversation it stands where it came."""
    one = told(entry("rejected", letter_record(path="$.idTag", answer="[4]", ocpp_version="1.6")))
    assert one.dead_letter() == {
        "event_id": "1.5.CS-1",
        "station": "CS-1",
        "at_ms": NOON + 5000,
        "direction": "from_station",
        "rule": "not_json",
        "path": "$.idTag",
        "text": "[2,",
        "size": 3,
        "answer": "[4]",
        "ocpp_version": "1.6",
    }
    kept = one.frame()
    assert kept["rejected"] == {"rule": "not_json", "path": "$.idTag"}
    assert (kept["text"], kept["action"], one.summary) == ("[2,", "?", "rule=not_json path=$.idTag")


def test_what_is_large_is_kept_in_part() -> None:
    """Memory is bounded: of a dead letter the beginning, of a payload the beginning as text."""
    text = told(entry("rejected", letter_record(text="x" * 200_000))).frame()["text"]
    assert len(text) < 20_000
    long = told(frame("DataTransfer", {"vendorId": "V", "data": "x" * PAYLOAD_MAX_BYTES}))
    assert msgspec.json.decode(long.payload) is None
    assert long.frame()["text"].startswith('{"vendorId":"V"')
    assert len(long.frame()["text"]) < 20_000


def test_the_exact_text_is_shown_where_the_payload_says_less() -> None:
    """As the log keeps it."""
    assert (
        told(frame("Heartbeat", raw='[2,"1","Heartbeat",{"x":1}]')).frame()["text"].endswith("}]")
    )


def test_numbers_that_javascript_cannot_hold_are_texts() -> None:
    """Real stations send 2^63-1 for a transaction."""
    said = {"transactionId": 2**63 - 1, "meterStop": 5, "timestamp": "2026-11-21T12:00:00Z"}
    payload = msgspec.json.decode(told(frame("StopTransaction", said)).payload)
    assert (payload["transactionId"], payload["meterStop"]) == (str(2**63 - 1), 5)


def test_bytes_that_nobody_can_read_are_no_event() -> None:
    """Nor is what is about no station."""
    assert told(Entry("metering", 0, 0, NOON, b"CS-1", None, "no magic byte")) is None
    assert told(Entry("metering", 0, 0, NOON, None, {"station": ""})) is None


def test_a_json_text_that_cannot_be_sent_again_stays_text() -> None:
    """Half a surrogate pair, which JSON can write and UTF-8 cannot."""
    assert as_value('{"a": [1, null]}') == {"a": [1, None]}
    assert as_value(None) is None
    for text in (r'{"a": "\ud800"}', "{", "[" * 100_000):
        assert as_value(text) == text
