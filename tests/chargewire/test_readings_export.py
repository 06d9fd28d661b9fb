"""`chargewire readings export`, as an analyst runs it."""

import csv
import io
from decimal import Decimal

import pytest
from pyarrow import parquet

from chargewire.readings import export
from chargewire.readings.command import readings
from chargewire.readings.export import Progress
from consumers.meter_readings.projection import CONSUMER
from tests.chargewire.listed import runner
from tests.chargewire.test_readings_command import reading

COUNT = 250


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command on a store with some readings, ten at once."""
    facts = [reading(number, f"{number}.125") for number in range(COUNT)]
    monkeypatch.setattr(export, "ROWS_AT_ONCE", 10)
    return runner(readings, CONSUMER, facts, monkeypatch, tmp_path)


def test_all_readings_in_parquet(run, tmp_path):
    """In row groups, so that neither writer nor readers need all of it in memory."""
    result = run("export", "all.parquet")
    assert result.exit_code == 0
    assert f"{COUNT} rows written to all.parquet" in result.stderr
    found = parquet.ParquetFile(tmp_path / "all.parquet")
    assert found.num_row_groups == COUNT / 10
    rows = found.read().to_pylist()
    assert [row["sequence"] for row in rows] == [*range(COUNT)]
    assert sum(row["value"] for row in rows) == sum(range(COUNT)) + COUNT * Decimal("0.125")
    assert rows[0]["raw"] is None
    assert {*tmp_path.iterdir()} == {tmp_path / "all.parquet", tmp_path / "data"}


def test_a_choice_in_csv(run, tmp_path):
    """By the options that the listing has."""
    assert run("export", "some.csv", "--since", "2026-11-21T12:04").exit_code == 0
    rows = [*csv.DictReader((tmp_path / "some.csv").read_text().splitlines())]
    assert [row["sequence"] for row in rows] == [str(one) for one in range(239, COUNT)]
    assert rows[0]["value"] == "239.125"


def test_a_store_that_is_not_there(run, tmp_path):
    """It is said, and no file is made."""
    result = run("export", "all.csv", "--store", f"sqlite:///{tmp_path}/other.db")
    assert result.exit_code == 1
    assert "there is no store" in result.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


def test_a_folder_that_is_not_there(run):
    """In words, not as a traceback."""
    result = run("export", "nowhere/all.csv")
    assert (result.exit_code, "No such file" in result.stderr) == (1, True)


def test_memory_stays_small(run, monkeypatch):
    """However many rows there are: what is in memory is one part."""
    sizes = []
    monkeypatch.setattr(Progress, "more", lambda self, rows: sizes.append(rows))
    run("export", "all.csv")
    assert sizes == [10] * 25


class Clock:
    """Stands until it is moved."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress(is_terminal):
    """Rows so far, of how many, how fast and how long: a line that is written over, or lines."""
    out, clock = io.StringIO(), Clock()
    out.isatty = lambda: is_terminal
    progress = Progress(4000, clock, out)
    for now_s in (0.4, 10.0, 10.1):
        clock.now_s = now_s
        progress.more(1000)
    progress.end("x.csv")
    first, last = (
        "2000 of 4000 rows (50%), 200 rows/s, 10 s left",
        "3000 rows written to x.csv (10.1 s, 297 rows/s)",
    )
    expected = f"\r\x1b[K{first}\r\x1b[K{last}\n" if is_terminal else f"{first}\n{last}\n"
    assert out.getvalue() == expected


def test_progress_of_what_grew():
    """Rows that came after they were counted do not make more than all."""
    out, clock = io.StringIO(), Clock()
    progress = Progress(0, clock, out)
    clock.now_s = 20.0
    progress.more(10)
    assert out.getvalue() == "10 of 10 rows (100%), 0 rows/s\n"
