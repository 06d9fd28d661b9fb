"""`chargewire readings`, as an operator runs it."""

import csv
import json

import pytest

from chargewire.readings import command as module
from chargewire.readings.command import readings, table
from consumers.meter_readings.projection import CONSUMER
from tests.chargewire.listed import runner
from tests.consumers.telling import NOON, sampled


def reading(sequence, value="500", **said):
    """One value, with the words that a station may leave out, as readers put them in."""
    usual = {"transaction": "17", "measurand": "Energy.Active.Import.Register"}
    return sampled(sequence, value, **usual | said)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command on a store with three readings of one station."""
    facts = [
        reading(3, "12.5", measurand="Power.Active.Import", phase="L1"),
        reading(1, "900.25"),
        reading(2, None, raw=None, signed="AP;" + "0" * 100, told_ms=None, told_text="today"),
    ]
    return runner(readings, CONSUMER, facts, monkeypatch, tmp_path)


def test_a_table_by_default(run):
    """The oldest first, with numbers as they are; what is signed is cut, and a bad time as sent."""
    heading, *lines = run().stdout.splitlines()
    assert heading.split() == [
        *("STATION", "AT", "TRANSACTION", "TIME", "MEASURAND", "PHASE", "VALUE", "UNIT"),
    ]
    assert [line.split()[-2] for line in lines] == ["900.25", lines[1].split()[-2], "12.5"]
    assert "today" in lines[1]
    assert "signed: AP;000" in lines[1]
    assert len(lines[1]) < 150
    assert "2026-11-21 12:00:03" in lines[2]


def test_json_and_csv_have_all_columns(run):
    """Exact numbers, times without _ms, and what is signed whole."""
    first, second, third = map(json.loads, run("--json").stdout.splitlines())
    assert (first["value"], first["observed"]) == (900.25, "2026-11-21T12:00:02.000Z")
    assert len(second["signed"]) == 103
    assert third["phase"] == "L1"
    heading, *lines = csv.reader(run("--csv").stdout.splitlines())
    assert dict(zip(heading, lines[0], strict=True))["value"] == "900.25"


def test_a_filter_chooses(run):
    """As the command says; where nothing is left, that is said."""
    found = run("--json", "--measurand", "Power.Active.Import").stdout.splitlines()
    assert [json.loads(line)["sequence"] for line in found] == [3]
    result = run("--station", "cs-1")
    assert (result.stdout, result.stderr) == ("", "No such reading.\n")


@pytest.mark.parametrize("export", [(), ("export", "all.csv")])
def test_once_is_of_one_station(run, tmp_path, export):
    """Of all of them it would sort the whole table, whatever the time: that is said, not done."""
    result = run(*export, "--once", "--since", "2026-11-21")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--once needs --station" in result.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["data"]
    assert run(*export, "--once", "--station", "CS-1").exit_code == 0


def test_a_table_has_the_newest(run, monkeypatch):
    """A terminal shows no million rows; --json and --csv do."""
    monkeypatch.setattr(module, "NEWEST", 2)
    result = run()
    assert len(result.stdout.splitlines()) == 3
    assert "900.25" not in result.stdout
    assert "The newest 2" in result.stderr
    assert len(run("--json").stdout.splitlines()) == 3


def test_what_is_no_number_is_shown_as_sent():
    """It is not empty, as if nothing had come."""
    row = {"value": None, "signed": None, "raw": "NaN", "told_ms": NOON, "transaction_id": None}
    row |= {"station": "S", "measurand": "M", "phase": None, "unit": None, "evse": 2}
    (_, cells) = table([row | {"connector": 1}], NOON)
    assert cells == ["S", "2.1", "", "2026-11-21 12:00:00", "M", "", "NaN", ""]
