"""Hypothesis strategies for the records of any of our Avro schemas."""

from collections.abc import Mapping
from typing import Any

import fastavro
from hypothesis import strategies as st

from schemas import records

TEXT = st.text(max_size=40) | st.text(min_size=60, max_size=70) | st.just("ü" * 9000)
LONG = st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 1030)
_SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "long": LONG,
    "double": st.floats(allow_nan=False) | st.integers(-(2**53), 2**53),
    "boolean": st.booleans(),
}


def events(topic: str) -> st.SearchStrategy[dict[str, Any]]:
    """Records of a topic; of a block's frame fields exactly one is set."""
    schema = fastavro.parse_schema(records.schema(topic))
    names: dict[str, Any] = {}
    frames = records.frame_fields(topic)
    fields = [field for field in schema["fields"] if field["name"] not in frames]
    plain = _record({**schema, "fields": fields}, names)
    if not frames:
        return plain
    payloads = [
        _value(field["type"][1], names).map(lambda payload, name=field["name"]: {name: payload})
        for field in schema["fields"]
        if field["name"] in frames
    ]
    return st.builds(lambda envelope, frame: envelope | frame, plain, st.one_of(payloads))


def _value(schema: Any, names: dict[str, Any]) -> st.SearchStrategy[Any]:
    if isinstance(schema, list):
        return st.none() | _value(schema[1], names)
    kind = schema["type"] if isinstance(schema, Mapping) else schema
    if kind == "record":
        names[schema["name"]] = found = _record(schema, names)
        return found
    if kind == "array":
        return st.lists(_value(schema["items"], names), max_size=3)
    return _SIMPLE[kind] if kind in _SIMPLE else names[kind]


def _record(schema: Mapping[str, Any], names: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    required, optional = {}, {}
    for field in schema["fields"]:
        place = optional if "default" in field else required
        place[field["name"]] = _value(field["type"], names)
    return st.fixed_dictionaries(required, optional=optional)
