from typing import Any

import pytest

from schemas.writers import writer


def record(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "Record", "fields": list(fields)}


def nullable(name: str, kind: Any) -> dict[str, Any]:
    return {"name": name, "type": ["null", kind], "default": None}


def frame(name: str, record_name: str) -> dict[str, Any]:
    kind = {"type": "record", "name": record_name, "fields": [nullable("n", "long")]}
    return nullable(name, kind)


WIDE = record({"name": "id", "type": "long"}, *(frame(f"f{n}", f"F{n}") for n in range(4)))
FRAMES = ("f0", "f1", "f2", "f3")


def written(schema: dict[str, Any], value: dict[str, Any], **options: Any) -> bytes:
    parts: list[bytes] = []
    writer(schema, **options)(value, parts.extend)
    return b"".join(parts)


@pytest.mark.parametrize("name", FRAMES)
def test_the_nulls_around_the_one_frame_are_where_they_belong(name: str) -> None:
    """A wide record with one frame has a null for each other frame field, before and behind."""
    value = {"id": 1, name: {"n": 5}}
    assert written(WIDE, value, one_of=FRAMES) == written(WIDE, value)


@pytest.mark.parametrize(
    "frames", [{}, {"f0": None}, {"f0": {}, "f3": {}}, {"f9": {}}], ids=["none", "null", "2", "?"]
)
def test_exactly_one_frame_must_be_set(frames: dict[str, Any]) -> None:
    """An event without its frame, with two, or with a misspelt one is a bug, not a record."""
    with pytest.raises(TypeError, match="exactly one"):
        written(WIDE, {"id": 1} | frames, one_of=FRAMES)


def test_frame_fields_stand_at_the_end() -> None:
    """The runs of nulls are computed for fields that follow each other up to the end."""
    with pytest.raises(ValueError, match="at the end"):
        writer(WIDE, one_of=("f0", "f1"))


@pytest.mark.parametrize(
    "kind",
    ["int", "bytes", {"type": "map", "values": "string"}, ["null", "string", "long"], ["string"]],
)
def test_a_shape_that_our_schemas_do_not_use_stops_the_build(kind: Any) -> None:
    """No writer is made rather than one that is wrong."""
    with pytest.raises(ValueError, match=r"union|no writer"):
        writer(record({"name": "a", "type": kind}))


def test_records_of_one_name_in_two_namespaces_are_two_records() -> None:
    """A name is the full name: payloads of two actions may each have their own StatusInfoType."""
    one = {"type": "record", "name": "T", "namespace": "a", "fields": [nullable("x", "long")]}
    two = {"type": "record", "name": "T", "namespace": "b", "fields": [nullable("y", "string")]}
    schema = record({"name": "one", "type": one}, {"name": "two", "type": two})
    assert written(schema, {"one": {"x": 1}, "two": {"y": "z"}}) == b"\x02\x02\x02\x02z"


def test_a_name_stands_for_the_record_defined_before() -> None:
    """Avro defines a record once and refers to it by name afterwards."""
    schema = record({"name": "a", "type": frame("", "N")["type"][1]}, {"name": "b", "type": "N"})
    assert written(schema, {"a": {"n": 1}, "b": {"n": -1}}) == b"\x02\x02\x02\x01"


def test_lists_may_hold_lists() -> None:
    """The writer of an inner list does not disturb the walk through the outer one."""
    inner = {"type": "array", "items": "long"}
    schema = record({"name": "a", "type": {"type": "array", "items": inner}})
    assert written(schema, {"a": [[1], [], [2, 3]]}) == bytes([6, 2, 2, 0, 0, 4, 4, 6, 0, 0])
