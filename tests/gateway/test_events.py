"""Frames and connections as events of the log."""

import pytest

from gateway.events import FrameFacts, UnencodableError, Writer
from gateway.frames import FrameError
from schemas.catalogue import VERSIONS
from tests.gateway.fake_log import CODEC

NOON = 1_795_262_400_000


def writer(station="CS/1 é", version="1.6"):
    made = Writer(
        station=station,
        connection_id="c-1",
        gateway="gw",
        version=VERSIONS[version],
        encode=CODEC.encode,
    )
    made.epoch = 42
    return made


def facts(**more):
    known = {
        "sequence": 7,
        "at_ms": NOON,
        "direction": "from_station",
        "kind": "call",
        "block": "availability",
        "action": "Heartbeat",
        "message_id": "m",
    }
    return FrameFacts(**known | more)


def test_a_frame_is_an_event_with_its_envelope_and_one_typed_payload():
    """The wide record: envelope, and exactly one frame field."""
    event = writer().frame(facts(), {})
    topic, record = CODEC.decode(event.value)
    assert topic == "availability"
    assert record["event_id"] == "42.7.CS/1 é"
    assert (record["epoch"], record["sequence"], record["station"]) == (42, 7, "CS/1 é")
    payloads = {name for name in record if name.startswith(("v16_", "v2_", "error"))}
    assert {name for name in payloads if record[name] is not None} == {"v16_heartbeat_request"}


@pytest.mark.parametrize(
    ("kind", "part"), [("call", "request"), ("result", "response"), ("error", "error")]
)
def test_a_subscriber_can_choose_by_header(kind, part):
    """CloudEvents' Kafka binding, binary mode: type, id, time and source without decoding."""
    payload = {"code": "GenericError"} if kind == "error" else {}
    if kind == "result":
        payload = {"currentTime": NOON}
    event = writer().frame(facts(kind=kind), payload)
    assert dict(event.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": "42.7.CS/1 é".encode(),
        "ce_type": f"ocpp.v16.Heartbeat.{part}".encode(),
        "ce_source": b"/stations/CS%2F1%20%C3%A9",
        "ce_time": b"2026-11-21T12:00:00.000Z",
        "content-type": b"application/vnd.confluent.avro",
    }


def test_2_x_versions_share_a_field_and_keep_their_own_type():
    """One field for 2.0.1 and 2.1; the header tells the version."""
    for version, tag in (("2.0.1", b"v201"), ("2.1", b"v21")):
        event = writer(version=version).frame(facts(), {})
        assert CODEC.decode(event.value)[1]["v2_heartbeat_request"] is not None
        assert dict(event.headers)["ce_type"] == b"ocpp." + tag + b".Heartbeat.request"


def test_what_avro_cannot_hold_is_said_and_not_written():
    """An integer over 64 bits, a lone surrogate: the session makes a dead letter of it."""
    with pytest.raises(UnencodableError):
        writer().frame(facts(message_id="\ud800"), {})
    with pytest.raises(UnencodableError):
        writer().frame(facts(kind="result"), {"currentTime": 2**63})


def test_a_dead_letter_takes_any_text():
    """Nothing is thrown away for being wrong: also a surrogate in every field."""
    error = FrameError("unencodable", None, "x", message_id="\udfff", action="\ud800", path="$.é")
    event = writer().rejected(error, "é\ud800", 5, 8, NOON, kind="call")
    topic, record = CODEC.decode(event.value)
    assert (topic, event.rule) == ("rejected", "unencodable")
    assert (record["text"], record["message_id"], record["path"]) == ("é?", "?", "$.é")
    assert (record["size"], record["sequence"], record["answer"]) == (5, 8, None)


def test_connected_has_no_epoch_yet_and_an_id_all_the_same():
    """Its own offset will be the epoch; until then the connection id names it."""
    made = writer()
    made.epoch = None
    event = made.connection("connected", 0, NOON, {"remote_address": "::1"})
    _, record = CODEC.decode(event.value)
    assert (record["event_id"], record["epoch"]) == ("c-1.0", None)
    assert record["remote_address"] == "::1"


def test_claims_are_of_the_connection_log_and_results_have_the_trace_of_their_command():
    """`taken` names the connection, `settled` none; the ids are those of the attempt."""
    made = writer()
    taken, settled = (
        made.claim("taken", "k", 2, NOON),
        made.claim("settled", "k", 2, NOON, "offline"),
    )
    (topic, claim), (_, back) = CODEC.decode(taken.value), CODEC.decode(settled.value)
    assert (topic, claim["type"], claim["command_id"], claim["attempt"]) == (
        "connections",
        "taken",
        "k",
        2,
    )
    assert (claim["epoch"], claim["connection_id"]) == (42, made.connection_id)
    assert (back["epoch"], back["connection_id"], back["outcome"]) == (None, None, "offline")
    assert claim["event_id"] != back["event_id"]
    record = {"command_id": "k", "action": "Reset", "attempt": 2, "outcome": "timeout"}
    result = made.result(record, NOON, b"00-1")
    assert CODEC.decode(result.value)[1]["station"] == made.station
    assert dict(result.headers)["traceparent"] == b"00-1"
    assert "traceparent" not in dict(made.result(record, NOON, None).headers)
