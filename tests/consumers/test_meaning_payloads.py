"""consumers.meaning.payloads: values however a station wrote them."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.meaning.payloads import (
    boolean,
    decimal,
    identifier,
    integer,
    items,
    members,
    moment,
    payload_of,
    text,
)
from schemas.derive import shape

FIELD = "v16_start_transaction_request"


def event(payload, raw=None):
    record, _ = shape("1.6", "StartTransaction", "request").to_avro(payload)
    return {
        "kind": "call",
        "action": "StartTransaction",
        "ocpp_version": "1.6",
        "raw": raw,
        FIELD: record,
    }


def test_payload_is_that_of_the_record():
    """Without what is null there, and with what was unknown to the schema."""
    payload = {"idTag": "A", "vendor": {"a": 1}}
    assert payload_of(event(payload), FIELD) == payload


def test_payload_is_that_of_the_text_where_there_is_one():
    """It says more; null is absent there too, at any depth."""
    raw = json.dumps([2, "m", "StartTransaction", {"idTag": 7, "a": [{"b": None}], "c": None}])
    assert payload_of(event({"idTag": "7"}, raw), FIELD) == {"idTag": 7, "a": [{}]}


@pytest.mark.parametrize("raw", ['[2,"m","StartTransaction",{"idTag":"[redacted]', "[]", "{}", "7"])
def test_payload_is_that_of_the_record_where_the_text_was_cut(raw):
    """Redaction cuts what it cannot understand."""
    assert payload_of(event({"idTag": "A"}, raw), FIELD) == {"idTag": "A"}


def test_payload_of_another_kind_is_empty():
    """Null instead of an object is {}."""
    raw = '[2,"m","StartTransaction",null]'
    assert payload_of(event({}, raw), FIELD) == {}


def test_payload_that_is_nested_beyond_measure_is_taken():
    """What lies deep is no matter of ours."""
    deep = "[" * 400 + "]" * 400
    raw = f'[2,"m","StartTransaction",{{"idTag":"A","x":{deep}}}]'
    assert payload_of(event({}, raw), FIELD)["idTag"] == "A"


def test_objects_and_lists():
    """A single object stands for a list of one; what is neither is empty."""
    assert members({"a": 1}) == {"a": 1}
    assert members([1]) == members("a") == members(None) == {}
    assert items([1, 2]) == [1, 2]
    assert items({"a": 1}) == [{"a": 1}]
    assert items("ab") == items(None) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (None, None), ("", ""), ("é 漢", "é 漢"), (7, "7"), (5.0, "5"), (5.5, "5.5"),
        (True, "true"), ({"é": 1}, '{"é":1}'),
        ("a\0b", "a\ufffdb"), ("\ud800", "\ufffd"), (["\0"], '["\\u0000"]'),
    ],
)  # fmt: skip
def test_texts(sent, kept):
    """As sent, but for what PostgreSQL or UTF-8 cannot hold."""
    assert text(sent) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(0, "0"), (-1, "-1"), (12.0, "12"), ("012", "012"), (None, None), (2**70, str(2**70))],
)
def test_identifiers(sent, kept):
    """Numbers and texts alike, whatever they mean."""
    assert identifier(sent) == kept


def test_identifiers_are_short_enough_to_be_keys():
    """Two long ones that differ at the end are still two."""
    one, other = identifier("x" * 9000), identifier("x" * 9000 + "y")
    assert len(one) == len(other) == 255
    assert one != other
    assert identifier("x" * 255) == "x" * 255


@pytest.mark.parametrize(
    ("sent", "exponent", "number"),
    [
        ("12.50", 0, "12.5"), (" 7 ", 0, "7"), ("-0.0", 0, "0"), ("+5", 0, "5"), (".5", 0, "0.5"),
        ("1.", 0, "1"), ("1e3", 0, "1000"), ("0.1", 3, "100"), (0.1, 3, "100"), (7, -3, "0.007"),
        ("12345678901234567890.123456789", 3, "12345678901234567890123.456789"),
        (2**63 - 1, 0, "9223372036854775807"),
    ],
)  # fmt: skip
def test_decimals(sent, exponent, number):
    """Exact, and equal numbers have equal texts."""
    assert str(decimal(sent, exponent)) == number


@given(st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{0,25})?", fullmatch=True))
def test_plain_numbers_are_read_as_all_others(sent):
    """The short way for most of them comes to the same."""
    assert decimal(sent).as_tuple() == decimal(f"{sent}e0").as_tuple()


@pytest.mark.parametrize(
    "sent",
    ["", "NaN", "Infinity", "-inf", "1,5", "0x1F", "1_000", "12 kWh", "١٢", "1e999", "1e-999",
     "9" * 61, True, None, {}, [], float("inf"), 10**70, "9" * 200_000],
)  # fmt: skip
def test_what_is_no_number(sent):
    """It is left as text, and never a guess."""
    assert decimal(sent) is None


def test_powers_of_ten_beyond_measure_are_no_number():
    """A multiplier is any integer that a station likes."""
    assert decimal("1", 2**62) is None
    assert decimal("1", 41) is None
    assert str(decimal("1", 40)) == "1" + "0" * 40


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9), st.integers(-9, 9))
def test_no_digit_is_lost(number, exponent):
    """Whatever the unit."""
    with_all_digits = decimal(format(number, "f"), exponent)
    if with_all_digits is not None:
        assert Fraction(with_all_digits) == Fraction(number) * Fraction(10) ** exponent
        assert str(with_all_digits) == str(decimal(str(with_all_digits)))


@pytest.mark.parametrize(
    ("sent", "number"),
    [(5, 5), (5.0, 5), ("5", 5), ("5.0", 5), (True, None), (5.5, None), (2**63, None),
     (-(2**63), -(2**63)), ("x", None), (None, None), (float("nan"), None)],
)  # fmt: skip
def test_whole_numbers(sent, number):
    """Of 64 bits, as every database has them."""
    assert integer(sent) == number


@pytest.mark.parametrize(
    ("sent", "value"), [(True, True), ("False", False), ("yes", None), (1, None), (None, None)]
)
def test_booleans(sent, value):
    """Also written as text."""
    assert boolean(sent) is value


@pytest.mark.parametrize(
    ("sent", "ms"),
    [
        ("2024-02-29T23:59:59.9999Z", 1709251199999),
        ("2024-02-29t23:59:59z", 1709251199000),
        ("20240229T235959Z", 1709251199000),
        ("2024-02-29 23:59:59+00", 1709251199000),
        ("2024-03-01T05:29:59+05:30", 1709251199000),
        ("2024-02-29", 1709164800000),
        ("2016-12-31T23:59:60Z", 1483228800000),
        ("1969-12-31T23:59:59.9995Z", -1),
        ("0001-01-01T00:00:00+14:00", -62135647200000),
        ("2024-13-01T00:00:00Z", None),
        ("60", None),
        (["2024-02-29"], None),
    ],
)
def test_moments(sent, ms):
    """ISO 8601 as widely as it goes; the text stays beside what the milliseconds do not say."""
    assert moment(sent) == (ms, text(sent))


def test_a_moment_that_is_exact_needs_no_text():
    """And no text is no moment."""
    assert moment("2024-02-29T23:59:59.123Z") == (1709251199123, None)
    assert moment(None) == (None, None)


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"))
def test_any_text_is_a_moment_or_none(sent):
    """And a decimal or none, and so on; never an error."""
    ms, kept = moment(sent)
    assert ms is not None or kept == text(sent)
    assert decimal(sent) is None or isinstance(decimal(sent), Decimal)
