"""`chargewire transactions`, as an operator runs it."""

import asyncio
import csv
import json

import pytest
from click.testing import CliRunner

from chargewire.transactions import transactions
from consumers import remote_starts
from consumers.changes import Changes, differences
from consumers.facts import RemoteStartAnswered
from consumers.projection import fold
from consumers.stores import Store
from consumers.transactions import CONSUMER
from tests.consumers.telling import NOON, at, groups, start, stop

DAY = 86_400_000


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command on a store with three transactions of one station."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    asyncio.run(_filled(f"sqlite:///{tmp_path}/data/transactions.db"))

    def run(*arguments):
        return CliRunner().invoke(transactions, arguments, terminal_width=200)

    return run


async def _filled(url):
    facts = [
        start(1, transaction="1", observed_ms=NOON),
        stop(2, transaction="1", meter_wh="900.5", observed_ms=NOON + 1000),
        start(3, transaction="2", observed_ms=NOON - DAY),
        stop(4, transaction="3", observed_ms=NOON - 2 * DAY),
    ]
    store = await Store.open(url, CONSUMER)
    generation = (await store.own([0]))[0].generation
    told = RemoteStartAnswered(at(0, observed_ms=NOON - 1), "Accepted", token="a", command="c-1")
    rows = differences(CONSUMER.tables, {}, groups(*facts))
    rows |= differences(CONSUMER.tables, {}, fold(remote_starts.PROJECTION, {}, [told]))
    await store.commit(0, generation, Changes(rows=rows))
    await store.close()


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


def test_no_row_is_no_empty_table(run):
    """It is said on the error stream, and programs get nothing."""
    result = run("--station", "none")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert "No such transaction" in result.stderr
    assert run("--station", "none", "--json").output == ""


@pytest.mark.parametrize("arguments", [["--json", "--csv"], ["--since", "yesterday"]])
def test_what_cannot_be_meant(run, arguments):
    """Code 2, as everywhere."""
    assert run(*arguments).exit_code == 2


def test_no_store_yet(tmp_path, monkeypatch):
    """What to do is said."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(transactions, [])
    assert result.exit_code == 1
    assert "chargewire consume transactions" in result.stderr
