import io
import struct
from contextlib import suppress
from copy import deepcopy
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import records
from schemas.codec import Codec, CorruptRecord, UnknownSchemaId
from tests.schemas.avro_records import events

IDS = {topic: 1_000 + number for number, topic in enumerate(records.RECORDS)}
CODEC = Codec(IDS)
ANY_EVENT = st.sampled_from(records.RECORDS).flatmap(
    lambda topic: st.tuples(st.just(topic), events(topic))
)
DECISION = {"event_id": "7-A-3", "station": "A", "decided_by": "tests", "at": 1_700_000_000_123}


def as_fastavro_writes(topic: str, record: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(records.schema(topic)), record)
    return out.getvalue()


def assert_holds(read: Any, written: Any) -> None:
    """What was read has all that was written, and null or a default where nothing was."""
    if isinstance(written, dict):
        for name, value in read.items():
            if name in written:
                assert_holds(value, written[name])
            else:
                assert value in (None, [], "", 0, 1, "fail")
        assert written.keys() <= read.keys()
    elif isinstance(written, list | tuple):
        assert len(read) == len(written)
        for one, other in zip(read, written, strict=True):
            assert_holds(one, other)
    else:
        assert read == written
        assert isinstance(read, bool) == isinstance(written, bool)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ANY_EVENT)
def test_every_record_has_the_bytes_that_an_independent_writer_gives_it(
    topic_and_record: tuple[str, dict[str, Any]],
) -> None:
    """fastavro, which shares no code with our writers, agrees on every byte after the header."""
    topic, record = topic_and_record
    data = CODEC.encode(topic, record)
    assert data[:5] == b"\x00" + struct.pack(">I", IDS[topic])
    assert data[5:] == as_fastavro_writes(topic, record)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ANY_EVENT)
def test_what_is_decoded_is_what_was_encoded(
    topic_and_record: tuple[str, dict[str, Any]],
) -> None:
    """Bytes lead back to their topic and record; absent fields come back as null or default."""
    topic, record = topic_and_record
    found, read = CODEC.decode(CODEC.encode(topic, record))
    assert found == topic
    assert_holds(read, record)


def test_timestamps_are_whole_milliseconds_in_both_directions() -> None:
    """A time goes in and comes out as the integer that it is on the wire."""
    _, read = CODEC.decode(CODEC.encode("decisions", DECISION))
    assert read["at"] == 1_700_000_000_123


def test_sequences_may_be_tuples() -> None:
    """A frozen value's tuple is written like a list."""
    plain, frozen = ({"station": "A", "quirks": of(("a", "b"))} for of in (list, tuple))
    assert CODEC.encode("stations", plain) == CODEC.encode("stations", frozen)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"at": "2026-01-01T00:00:00Z"}, "at"),
        ({"at": True}, "at"),
        ({"at": 1.0}, "at"),
        ({"at": None}, "at"),
        ({"station": None}, "station"),
        ({"station": 5}, "station"),
        ({"station": b"A"}, "station"),
        ({"response": {}}, "response"),
    ],
)
def test_a_value_of_the_wrong_type_is_a_type_error_that_names_its_field(
    change: dict[str, Any], named: str
) -> None:
    """A bug of the caller says where it is, and does not show the value, which may be private."""
    with pytest.raises(TypeError, match=rf"decisions: .*\b{named}\b") as raised:
        CODEC.encode("decisions", DECISION | change)
    assert "2026" not in str(raised.value)


@pytest.mark.parametrize("value", ["text", {"a": "b"}, b"bytes", 5, [5], [None]])
def test_what_is_no_list_of_texts_is_refused(value: object) -> None:
    """A text is not taken for the list of its characters, nor an object for that of its keys."""
    with pytest.raises(TypeError, match="stations"):
        CODEC.encode("stations", {"station": "A", "quirks": value})


def test_a_missing_required_field_is_a_type_error() -> None:
    """A record without its station never gets onto the bus."""
    with pytest.raises(TypeError, match="station"):
        CODEC.encode("stations", {"group": "depot"})


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**40])
def test_an_integer_beyond_64_bits_is_an_overflow(number: int) -> None:
    """Stations may send such numbers: the caller makes a dead letter of the frame."""
    with pytest.raises(OverflowError):
        CODEC.encode("decisions", DECISION | {"at": number})


def test_a_lone_surrogate_cannot_be_encoded() -> None:
    r"""JSON lets a station write "\ud800": the caller makes a dead letter of the frame."""
    with pytest.raises(UnicodeEncodeError):
        CODEC.encode("decisions", DECISION | {"response": "\ud800"})


@pytest.mark.parametrize("data", [b"", b"\x00\x00", b"\x01\x00\x00\x03\xe8", b'{"json": "text"}'])
def test_bytes_without_header_are_corrupt(data: bytes) -> None:
    """What is not in Confluent's wire format says so."""
    with pytest.raises(CorruptRecord, match="wire format"):
        CODEC.decode(data)


def test_bytes_left_over_are_corrupt() -> None:
    """A body longer than its record was written with another schema than it names."""
    with pytest.raises(CorruptRecord, match="1 bytes left over"):
        CODEC.decode(CODEC.encode("decisions", DECISION) + b"\x00")


@given(st.sampled_from(records.RECORDS), st.binary(max_size=200))
def test_any_bytes_are_a_record_or_corrupt(topic: str, body: bytes) -> None:
    """Whatever stands behind a known id, a reader sees a record or CorruptRecord."""
    with suppress(CorruptRecord):
        found, _ = CODEC.decode(b"\x00" + struct.pack(">I", IDS[topic]) + body)
        assert found == topic


def test_an_unknown_id_waits_to_be_learned() -> None:
    """An id that a newer writer uses is named, and reads fine once its schema was learned."""
    older, newer = Codec({"decisions": 1}), deepcopy(records.schema("decisions"))
    newer["fields"].append({"name": "mood", "type": ["null", "string"], "default": None})
    out = io.BytesIO(b"\x00\x00\x00\x00\x63")
    out.seek(5)
    fastavro.schemaless_writer(out, fastavro.parse_schema(newer), DECISION | {"mood": "good"})
    with pytest.raises(UnknownSchemaId) as raised:
        older.decode(out.getvalue())
    assert raised.value.schema_id == 0x63
    older.learn(0x63, "decisions", newer)
    topic, read = older.decode(out.getvalue())
    assert topic == "decisions"
    assert "mood" not in read
    assert_holds(read, DECISION)


def test_records_of_an_older_schema_have_null_in_newer_fields() -> None:
    """A log of years is read as if it had been written today."""
    older = deepcopy(records.schema("metering"))
    older["fields"] = [field for field in older["fields"] if field["name"] != "command_id"]
    older["fields"] = [f for f in older["fields"] if not f["name"].startswith("v2_")]
    codec = Codec({"metering": 1})
    codec.learn(2, "metering", older)
    record = {
        **dict.fromkeys(("event_id", "station", "connection_id", "gateway", "ocpp_version"), "x"),
        **dict.fromkeys(("direction", "kind", "action", "message_id"), "y"),
        **dict.fromkeys(("epoch", "sequence", "observed_at"), 5),
        "v16_meter_values_request": {"meterValue": [{"timestamp": 6, "sampledValue": []}]},
    }
    out = io.BytesIO(b"\x00\x00\x00\x00\x02")
    out.seek(5)
    fastavro.schemaless_writer(out, fastavro.parse_schema(older), record)
    _, read = codec.decode(out.getvalue())
    assert read["command_id"] is None
    assert read["v2_meter_values_request"] is None
    assert read["v16_meter_values_request"]["meterValue"][0]["timestamp"] == 6
    assert codec.decode(codec.encode("metering", record))[1] == read


def test_a_topic_without_id_is_unknown() -> None:
    """Encoding for a topic that has no id is a bug of the caller."""
    with pytest.raises(KeyError):
        Codec({"decisions": 1}).encode("stations", {"station": "A"})
