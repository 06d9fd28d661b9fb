"""Nothing of a row is lost for programs and spreadsheets."""

from decimal import Decimal

import pytest

from chargewire.tables.rows import cell, iso, minute, numbered, place, record
from tests.consumers.telling import NOON


def test_programs_get_every_column():
    """Times as text, a duration in milliseconds."""
    made = record({"station": "S", "begin_ms": NOON, "end_ms": None, "duration_ms": 7})
    assert made == {
        "station": "S",
        "begin": "2026-11-21T12:00:00.000Z",
        "end": None,
        "duration_ms": 7,
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.50"), "0.50"),
        (7, "7"),
        ("a,b", "a,b"),
    ],
)
def test_values_in_a_spreadsheet(value, text):
    """No exponents, and null is empty."""
    assert cell(value) == text


def test_times_before_1970_and_beyond_the_calendar():
    """Stations send both."""
    assert iso(-1) == "1969-12-31T23:59:59.999Z"
    assert iso(10**18) == str(10**18)
    assert minute(10**18) == str(10**18)[:16]
    assert minute(None) == ""


@pytest.mark.parametrize(
    ("evse", "connector", "text"),
    [(2, 1, "2.1"), (2, None, "2"), (None, 0, "0"), (None, None, "")],
)
def test_where_it_is(evse, connector, text):
    """Versions before 2.x have no EVSEs; not everything is at one connector."""
    assert place({"evse": evse, "connector": connector}) == text


def test_an_id_that_was_used_again():
    """The first row has no number: most ids are used once."""
    assert numbered({"id": 5, "ordinal": 1}, "id") == "5"
    assert numbered({"id": "a", "ordinal": 2}, "id") == "a #2"
