"""Files of rows: all that the table has, and never half of it under the name of the whole."""

import csv
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow
import pytest
from pyarrow import parquet
from sqlalchemy import Boolean, Column, MetaData, Table

from chargewire.readings.files import Wanted, fits, whole
from consumers.tables.columns import exact, key, time, words
from consumers.tables.columns import whole as integer

TABLE = Table(
    "t",
    MetaData(),
    key("number"),
    time("told_ms", ""),
    exact("value", ""),
    words("raw", ""),
    integer("count", ""),
    Column("own", Boolean),
)
BIG = Decimal("1E+40")
ROWS = [
    (1, 1_795_262_400_123, Decimal("12.500000001"), "12.500000001", 2**63 - 1, True),
    (2, None, None, "NaN", None, None),
    (3, -1, BIG, "1E40", 0, False),
    (4, 0, Decimal("1E-10"), "1E-10", 0, False),
]


def written(path, rows=ROWS):
    with whole(path, TABLE) as file:
        for one in rows:
            file.write([one])
    return file.notes


def test_parquet_has_real_types(tmp_path):
    """Times are timestamps with their zone, decimal numbers are exact."""
    path = tmp_path / "rows.parquet"
    notes = written(path)
    found = parquet.read_table(path)
    assert found.schema.field("told").type == pyarrow.timestamp("ms", tz="UTC")
    assert found.schema.field("value").type == pyarrow.decimal128(38, 9)
    rows = found.to_pylist()
    assert rows[0] == {
        **{"number": 1, "told": datetime(2026, 11, 21, 12, 0, 0, 123_000, UTC)},
        **{"value": Decimal("12.500000001"), "value_text": None, "raw": "12.500000001"},
        **{"count": 2**63 - 1, "own": True},
    }
    assert {*rows[1].values()} == {2, None, "NaN"}
    assert parquet.ParquetFile(path).num_row_groups == 4
    assert notes == [
        "2 numbers do not fit value, decimal128(38, 9): there it is null, and value_text has them"
    ]


def test_a_number_that_does_not_fit_is_not_lost(tmp_path):
    """Neither digits before the point nor behind it: they stand in a column of their own."""
    path = tmp_path / "rows.parquet"
    written(path)
    rows = parquet.read_table(path).to_pylist()
    assert [(row["value"], row["value_text"]) for row in rows[1:]] == [
        (None, None),
        (None, "1" + "0" * 40),
        (None, "0.0000000001"),
    ]


@pytest.mark.parametrize(
    "value", ["0", "9" * 29, "-" + "9" * 29 + ".999999999", "0.000000001", "1E+28", "1E-9", "0E-9"]
)
def test_what_fits_comes_back(value, tmp_path):
    """To the last digit, at the edge too."""
    number = Decimal(value)
    assert fits(number)
    path = tmp_path / "rows.parquet"
    written(path, [(1, None, number, None, None, None)])
    assert parquet.read_table(path).to_pylist()[0]["value"] == number


@pytest.mark.parametrize("value", ["1" + "0" * 29, "1E-10", "1.0000000001"])
def test_what_does_not_fit(value):
    """One digit more on either side."""
    assert not fits(Decimal(value))


def test_csv_has_a_heading_and_texts(tmp_path):
    """As the lists of the command line: ISO times, all digits, empty for null."""
    path = tmp_path / "rows.CSV"
    assert written(path) == []
    heading, *lines = csv.reader(path.read_text().splitlines())
    assert heading == ["number", "told", "value", "raw", "count", "own"]
    assert lines[0] == [
        *("1", "2026-11-21T12:00:00.123Z", "12.500000001", "12.500000001"),
        *(str(2**63 - 1), "true"),
    ]
    assert lines[1] == ["2", "", "", "NaN", "", ""]
    assert lines[2][2] == "1" + "0" * 40


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_a_broken_export_is_never_taken_for_a_whole_one(name, tmp_path):
    """What was there before stays, and nothing else is left."""
    path = tmp_path / name
    path.write_text("before")

    def broken():
        with whole(path, TABLE) as file:
            file.write(ROWS)
            assert {one.name for one in tmp_path.iterdir()} == {name, name + ".part"}
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


def test_an_empty_export_is_a_file(tmp_path):
    """With the columns, and no rows."""
    for name in ("rows.csv", "rows.parquet"):
        written(tmp_path / name, [])
    assert parquet.read_table(tmp_path / "rows.parquet").num_rows == 0
    assert (tmp_path / "rows.csv").read_text() == "number,told,value,raw,count,own\n"


def test_forms_that_there_are(tmp_path):
    """The name says which."""
    with pytest.raises(Wanted, match=r"\.parquet or \.csv"), whole(tmp_path / "rows.xls", TABLE):
        pass


def test_without_the_extra_it_is_said_what_to_install(tmp_path, monkeypatch):
    """And nothing is written."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Wanted, match=r"pip install 'chargewire\[parquet\]'"):
        written(tmp_path / "rows.parquet")
    assert [*tmp_path.iterdir()] == []
