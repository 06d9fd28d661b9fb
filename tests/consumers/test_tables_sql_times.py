"""The words of both dialects mean the same."""

import sqlite3

import pytest

from consumers.tables.sql_times import DAY_MS, WORDS, by_day

NOON = 1_795_262_400_000


def one(expression):
    with sqlite3.connect(":memory:") as connection:
        return connection.execute(f"SELECT {expression}").fetchone()[0]


@pytest.mark.parametrize(
    ("ms", "expected"),
    [
        (str(NOON + 7), "2026-11-21T12:00:00.007Z"),
        ("0", "1970-01-01T00:00:00.000Z"),
        ("-1", "1969-12-31T23:59:59.999Z"),
        ("9223372036854775807", None),
        ("NULL", None),
    ],
)
def test_times_of_sqlite(ms, expected):
    """A time that no calendar has is null; it does not make a whole view fail."""
    assert one(WORDS["sqlite"].time(ms)) == expected


def test_days_of_sqlite():
    """In UTC."""
    assert one(WORDS["sqlite"].date(str(NOON))) == "2026-11-21"


def test_every_dialect_has_all_words():
    """And leaves no gap unfilled."""
    for dialect, words in WORDS.items():
        made = by_day(dialect, "spans AS (SELECT 1)", ["station"], ("a", "b"), ("c", "d"))
        assert "{" not in made + words.time("x") + words.date("x") + words.kwh("x")


def test_a_span_is_cut_at_midnight():
    """And no day between its ends is missing; what has no length has no day."""
    noon = DAY_MS // 2
    rows = [("A", noon, 3 * DAY_MS, 1, 1), ("A", 0, noon, 1, 0), ("B", 5, 5, 1, 1)]
    values = ", ".join(map(str, rows))
    spans = f"spans (station, begin_ms, end_ms, seen, up) AS (VALUES {values})"
    query = by_day("sqlite", spans, ["station"], ("whole", "seen"), ("part", "up"))
    with sqlite3.connect(":memory:") as connection:
        found = connection.execute(f"{query} ORDER BY 2").fetchall()
    assert found == [
        ("A", "1970-01-01", 86_400, 43_200, 0.5),
        ("A", "1970-01-02", 86_400, 86_400, 1),
        ("A", "1970-01-03", 86_400, 86_400, 1),
    ]
