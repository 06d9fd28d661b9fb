from collections.abc import Iterator, Mapping
from typing import Any

import fastavro
import pytest

from schemas import records
from schemas.catalogue import BLOCKS

ENVELOPE = """
    event_id string, station string, connection_id string, epoch long, sequence long,
    call_sequence long?, gateway string, ocpp_version string, direction string, kind string,
    action string, message_id string, observed_at time, command_id string?, decision_by time?,
    deviations string[], raw string?
"""


def fields(schema: Any) -> Iterator[Mapping[str, Any]]:
    """All fields at every depth."""
    if isinstance(schema, list):
        for branch in schema:
            yield from fields(branch)
    elif isinstance(schema, Mapping) and schema["type"] == "record":
        for field in schema["fields"]:
            yield field
            yield from fields(field["type"])
    elif isinstance(schema, Mapping) and schema["type"] == "array":
        yield from fields(schema["items"])


def short(kind: Any) -> str:
    if isinstance(kind, list):
        return short(kind[1]) + "?"
    if isinstance(kind, str):
        return kind
    return "string[]" if kind["type"] == "array" else "time"


@pytest.mark.parametrize("topic", records.RECORDS)
def test_every_schema_is_avro(topic: str) -> None:
    """An independent reader takes each schema, which includes that no name is defined twice."""
    fastavro.parse_schema(records.schema(topic))


@pytest.mark.parametrize("topic", records.RECORDS)
def test_every_field_has_a_doc(topic: str) -> None:
    """The contract explains itself."""
    assert [f["name"] for f in fields(records.schema(topic)) if not f.get("doc")] == []


@pytest.mark.parametrize("topic", records.RECORDS)
def test_what_may_be_null_is_null_by_default(topic: str) -> None:
    """Only so can a field be added or left out without breaking a reader or a writer."""
    for field in fields(records.schema(topic)):
        if isinstance(field["type"], list):
            assert field["type"][0] == "null"
            assert len(field["type"]) == 2
            assert field["default"] is None


@pytest.mark.parametrize("block", BLOCKS)
def test_the_record_of_a_block_is_envelope_then_frames_then_error(block: str) -> None:
    """The envelope is flat and the same everywhere; of the fields behind it one is set."""
    schema = records.schema(block)
    frames = records.frame_fields(block)
    names = [field["name"] for field in schema["fields"]]
    assert ", ".join(
        f"{f['name']} {short(f['type'])}" for f in schema["fields"][: -len(frames)]
    ) == " ".join(ENVELOPE.split())
    assert tuple(names[-len(frames) :]) == frames
    assert frames[-1] == "error"
    assert len(frames) > 1


def test_a_dead_letter_has_the_position_of_an_event() -> None:
    """Dead letters stand in the order of their connection like the events around them."""
    names = {f["name"]: f["type"] for f in records.schema("rejected")["fields"]}
    event = {f["name"]: f["type"] for f in records.schema("metering")["fields"]}
    for name in ("event_id", "station", "connection_id", "epoch", "sequence", "call_sequence"):
        assert names[name] == event[name]
    assert names["action"] == names["message_id"] == ["null", "string"]
    assert records.frame_fields("rejected") == ()


def test_there_is_no_schema_for_a_topic_that_is_not_ours() -> None:
    """An unknown name is an error, not an empty schema."""
    with pytest.raises(KeyError):
        records.schema("weather")
