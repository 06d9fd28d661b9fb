"""Lists of rows are alike, whatever they are of."""

import csv
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from chargewire.reservations import reservations
from chargewire.tables.listing import Since
from consumers.reservations.projection import CONSUMER
from tests.chargewire.listed import runner
from tests.consumers.reserving import asked

DAY_MS = 86_400_000


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs a command on a store with two rows, one of them from a station that plays tricks."""
    facts = [asked(1, expires_ms=None), asked(2, reservation=6, token="\x1b[2J,x")]
    return runner(reservations, CONSUMER, facts, monkeypatch, tmp_path)


def test_json_is_an_object_a_line(run):
    """With all columns; what a station wrote is as it wrote it."""
    first, second = map(json.loads, run("--json").stdout.splitlines())
    assert (first["reservation_id"], first["expires"]) == (5, None)
    assert second["token"] == "\x1b[2J,x"


def test_csv_has_a_heading_and_all_columns(run):
    """Null is empty, a comma is quoted."""
    heading, *lines = csv.reader(run("--csv").stdout.splitlines())
    first, second = (dict(zip(heading, line, strict=True)) for line in lines)
    assert (first["expires"], second["token"]) == ("", "\x1b[2J,x")


def test_nothing_that_a_station_wrote_steers_the_terminal(run):
    """It is for a person, who sees that there was something."""
    assert "\N{REPLACEMENT CHARACTER}[2J,x" in run().stdout
    assert "\x1b[2J" not in run().stdout


def test_no_row_is_no_empty_table(run):
    """It is said on the error stream, and programs get nothing."""
    result = run("--station", "none")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert "No such reservation" in result.stderr
    assert run("--station", "none", "--json").output == ""


@pytest.mark.parametrize("arguments", [["--json", "--csv"], ["--since", "yesterday"]])
def test_what_cannot_be_meant(run, arguments):
    """Code 2, as everywhere."""
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21T12:30", datetime(2026, 11, 21, 12, 30, tzinfo=UTC)),
        ("2026-11-21T12:30+02:00", datetime(2026, 11, 21, 10, 30, tzinfo=UTC)),
    ],
)
def test_days_and_times_are_utc(text, moment):
    """Unless they say something else."""
    assert Since().convert(text, None, None) == moment.timestamp() * 1000


def test_a_duration_is_before_now():
    """In the words that `tail` takes."""
    week, day = (Since().convert(text, None, None) for text in ("7d", "1d"))
    assert day - week == pytest.approx(6 * DAY_MS, abs=60_000)


def test_no_store_yet(tmp_path, monkeypatch):
    """What to do is said."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(reservations, [])
    assert result.exit_code == 1
    assert "chargewire consume reservations" in result.stderr
