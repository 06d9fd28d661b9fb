"""`chargewire transactions`, as an operator runs it."""

import csv
import json

import pytest

from chargewire.transactions.command import transactions
from consumers.meaning.facts import RemoteStartAnswered
from consumers.transactions.projection import CONSUMER
from tests.chargewire.listed import runner
from tests.consumers.telling import NOON, at, start, stop

DAY = 86_400_000


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command on a store with three transactions of one station."""
    facts = [
        start(1, transaction="1", observed_ms=NOON),
        stop(2, transaction="1", meter_wh="900.5", observed_ms=NOON + 1000),
        start(3, transaction="2", observed_ms=NOON - DAY),
        stop(4, transaction="3", observed_ms=NOON - 2 * DAY),
        RemoteStartAnswered(at(0, observed_ms=NOON - 1), "Accepted", token="a", command="c-1"),
    ]
    return runner(transactions, CONSUMER, facts, monkeypatch, tmp_path)


def ids(result):
    return [json.loads(line)["transaction_id"] for line in result.stdout.splitlines()]


def test_a_table_by_default(run):
    """The oldest first, so that the newest is above the prompt."""
    heading, *lines = run().stdout.splitlines()
    assert heading.split()[:3] == ["STATION", "TRANSACTION", "AT"]
    assert [line.split()[1] for line in lines] == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["3", "2", "1"]),
        (["--open"], ["2"]),
        (["--odd"], ["3"]),
        (["--station", "CS-1", "--since", "2026-11-20"], ["2", "1"]),
        (["--since", "2026-11-21T12:00"], ["1"]),
        (["--station", "cs-1"], []),
    ],
)
def test_what_is_chosen(run, arguments, expected):
    """All that is asked for must be so. Station ids are case-sensitive."""
    assert ids(run("--json", *arguments)) == expected


def test_json_has_exact_numbers(run):
    """As numbers, which jq can add up."""
    line = run("--json").stdout.splitlines()[-1]
    assert '"energy_wh":800.5,' in line
    assert json.loads(line)["begin"] == "2026-11-21T11:59:59.000Z"


def test_csv_has_a_heading_and_all_columns(run):
    """A spreadsheet takes it as it is."""
    heading, *lines = csv.reader(run("--csv").stdout.splitlines())
    assert len(lines) == 3
    last = dict(zip(heading, lines[-1], strict=True))
    assert (last["energy_wh"], last["own"], last["evse"]) == ("800.5", "false", "")


def test_the_command_that_began_each(run):
    """Where it was a remote start; for programs, since its id is long."""
    commands = [json.loads(line)["command"] for line in run("--json").stdout.splitlines()]
    assert commands == [None, None, "c-1"]
    heading, *lines = csv.reader(run("--csv").stdout.splitlines())
    assert [dict(zip(heading, line, strict=True))["command"] for line in lines] == ["", "", "c-1"]
    assert "c-1" not in run().stdout


def test_the_help_explains_the_columns(run):
    """Each heading with its name in JSON, and each name that ODD may show."""
    told = run("--help").stdout
    for heading, name in {
        "STATE": "state",
        "CHARGING": "charging_state",
        "REASON": "reason",
    }.items():
        assert heading in run().stdout or heading == "CHARGING"
        assert f'("{name}")' in told
    assert "other_stop_token" in told
