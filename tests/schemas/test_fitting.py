"""Fitting: whatever a station sends gets the best typed value, and the rest is told."""

from typing import Any

import pytest

from schemas.fitting import fitting, millis
from schemas.forms import Field, Form

NOTHING: frozenset[tuple[str, str]] = frozenset()


def fitted(own: Form, value: Any) -> tuple[Any, bool]:
    lost: list[Any] = []
    return fitting(own, NOTHING, {})(value, lost), not lost


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", "", ("", True)),
        ("string", 21.5, ("21.5", False)),
        ("string", True, ("true", False)),
        ("string", {"a": 1}, ('{"a":1}', False)),
        ("string", None, (None, False)),
        ("integer", 2**63 - 1, (2**63 - 1, True)),
        ("integer", 12.0, (12, True)),
        ("integer", 12.5, (None, False)),
        ("integer", "9223372036854775807", (2**63 - 1, False)),
        ("integer", "1e3", (1000, False)),
        ("integer", "9223372036854775808", (None, False)),
        ("integer", "-0.5", (None, False)),
        ("integer", "1e9999999999", (None, False)),
        ("integer", "1_0", (None, False)),
        ("integer", "NaN", (None, False)),
        ("integer", True, (None, False)),
        ("integer", None, (None, False)),
        ("number", 5, (5.0, True)),
        ("number", 2**53 + 1, (float(2**53), False)),
        ("number", "-1.5", (-1.5, False)),
        ("number", "1e999", (None, False)),
        ("number", "9" * 5000, (None, False)),
        ("number", False, (None, False)),
        ("boolean", True, (True, True)),
        ("boolean", "True", (True, False)),
        ("boolean", 1, (None, False)),
        ("time", "1970-01-01T00:00:01Z", (1000, True)),
        ("time", 0, (None, False)),
        ("json", None, ("null", True)),
        ("json", ["é", 2**70], ('["é",1180591620717411303424]', True)),
    ],
)
def test_scalars(kind: str, value: Any, expected: tuple[Any, bool]) -> None:
    """A value that is held whole is held so; another becomes what it says, or null."""
    result, held = fitted(Form(kind), value)
    assert (result, held) == expected
    assert type(result) is type(expected[0])


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1e19])
def test_integers_over_64_bits_are_an_overflow(value: float) -> None:
    """Avro has no type for them."""
    with pytest.raises(OverflowError):
        fitted(Form("integer"), value)


def test_numbers_beyond_all_doubles_are_an_overflow() -> None:
    """JSON writes them as integers of 310 digits."""
    with pytest.raises(OverflowError):
        fitted(Form("number"), 10**310)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-01T00:00:00Z", 1704067200000),
        ("2024-01-01T00:00:00.1Z", 1704067200100),
        ("2024-01-01T00:00:00.12Z", 1704067200120),
        ("2024-01-01T00:00:00.123Z", 1704067200123),
        ("2024-01-01T00:00:00.123000000Z", 1704067200123),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0001-01-01T00:00:00Z", -62135596800000),
        ("9999-12-31T23:59:59.999Z", 253402300799999),
        ("2024-01-01T00:00:00.1234Z", None),
        ("2024-01-01T00:00:00.123000001Z", None),
        ("2024-01-01T00:00:00+00:00", None),
        ("2024-01-01T02:00:00+02", None),
        ("2024-01-01T00:00:00", None),
        ("2024-01-01t00:00:00z", None),
        ("2024-01-01 00:00:00Z", None),
        ("2024-02-30T00:00:00Z", None),
        ("2024-01-01T00:00:60Z", None),
        ("0000-01-01T00:00:00Z", None),
        ("٢٠٢٤-01-01T00:00:00Z", None),
        ("20240101T000000Z", None),
        ("2024-01-01T00:00:00Z\n", None),
        ("", None),
    ],
)
def test_times_are_held_only_when_they_come_back(text: str, expected: int | None) -> None:
    """A zone, a finer fraction or a guess would be lost, so such a text is not taken at all."""
    lost: list[Any] = []
    assert millis(text, lost) == expected
    assert lost == ([] if expected is not None else [text])


OBJECT = Form(
    "object",
    "Payload",
    fields=(Field("a", Form("integer"), True), Field("data", Form("json"), False)),
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1}, ({"a": 1}, True)),
        ({"a": None}, ({}, False)),
        ({"data": None}, ({"data": "null"}, True)),
        ({"b": None, "extra": 1}, ({"extra": '{"b":null,"extra":1}'}, True)),
        ([], (None, False)),
        (None, (None, False)),
    ],
)
def test_objects(value: Any, expected: tuple[Any, bool]) -> None:
    """Unknown properties are kept as JSON text, also one that is called extra."""
    assert fitted(OBJECT, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"a": 1}, {"c": 2}], ([{"a": 1}, {"extra": '{"c":2}'}], True)),
        ([{"a": 1}, None, 3], ([{"a": 1}], False)),
        ({"a": 1}, (None, False)),
        ([], ([], True)),
    ],
)
def test_lists(value: Any, expected: tuple[Any, bool]) -> None:
    """Items of another kind are left out, since Avro's items are never null."""
    assert fitted(Form("array", items=OBJECT), value) == expected


def test_nothing_is_too_deep() -> None:
    """What cannot be written as JSON text here is told, not raised."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert fitted(OBJECT, {"a": 1, "data": deep}) == ({"a": 1, "data": None}, False)
    # Taken apart by hand, since Python would recurse to do so.
    while deep:
        deep = deep.pop()
