"""`chargewire tokens list --unknown` and `lists`, out of the tables of their consumer."""

import asyncio
import csv
import json

import pytest
from click.testing import CliRunner

from chargewire.cli import chargewire
from chargewire.tokens import records
from consumers.authorizations.projection import CONSUMER
from consumers.meaning.facts import At, AuthorizationAsked, Connected, TokenIssued, TokenRemoved
from consumers.stores.store import Store
from consumers.tables.projections import fold
from tests.consumers.stored import write

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
STATES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


def place(station, sequence):
    return At(station, 1, sequence, NOON + 1000 * sequence, f"1.{sequence}.{station}")


def asked(station, sequence, token, token_type=None):
    return AuthorizationAsked(place(station, sequence), "1.6", "Authorize", token, token_type)


def record(offset):
    """The place of a record of id-tokens: its offset is its order."""
    return At("", offset, 0, NOON, f"id-tokens.{offset}")


FACTS = [
    Connected(place("CS-1", 0), "g", "1.6"),
    asked("CS-1", 1, "Known"),
    asked("CS-1", 2, "STRANGER"),
    asked("CS-1", 3, "stranger"),
    asked("CS-2", 4, "Stranger", "eMAID"),
    asked("CS-1", 5, "gone"),
    TokenIssued(record(1), "known", "KNOWN", "ISO14443", "Blocked", lists=("*",)),
    TokenIssued(record(2), "gone", "GONE", "ISO14443", "Accepted"),
    TokenRemoved(record(3), "gone"),
]


async def filled(url):
    store = await Store.open(url, CONSUMER)
    for projection in CONSUMER.projections:
        await write(store, projection, fold(projection, {}, FACTS))
    await store.close()


@pytest.fixture(params=STATES)
def run(request, tmp_path):
    """Runs `chargewire tokens` on a store, without any Kafka."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/a.db" if sqlite else request.getfixturevalue("postgres")
    asyncio.run(filled(url))

    def run(*arguments):
        return CliRunner().invoke(chargewire, ["tokens", *arguments, "--store", url])

    return run


def test_tokens_that_nobody_knows(run):
    """One row for each, whatever its spelling and wherever it was; the newest first."""
    gone, stranger = map(json.loads, run("list", "--unknown", "--json").stdout.splitlines())
    assert stranger["token"].lower() == "stranger"
    assert {name: value for name, value in stranger.items() if name != "token"} == {
        "type": "eMAID",
        "stations": 2,
        "times": 3,
        "first": "2026-11-21T12:00:02.000Z",
        "last": "2026-11-21T12:00:04.000Z",
    }
    assert gone["token"] == "gone", "it was taken away"
    heading, *_ = run("list", "--unknown").stdout.splitlines()
    assert heading.split() == ["TOKEN", "TYPE", "STATIONS", "TIMES", "FIRST", "LAST"]


def test_unknown_tokens_are_a_file_to_import(run):
    """With what is told of their type, and what the import makes of the rest."""
    lines = run("list", "--unknown", "--csv").stdout.splitlines()
    (heading, *_) = csv.reader(lines)
    assert {*heading} - {*records.TOLD} <= {*records.COLUMNS}
    gone, stranger = [row.record for row in records.rows(lines, {"group": "G"})]
    assert (gone["type"], gone["status"], gone["group"]) == ("ISO14443", "Accepted", "G")
    assert stranger["type"] == "eMAID"


def test_how_far_local_lists_are(run):
    """Each station that has one, or ought to."""
    (one,) = map(json.loads, run("lists", "--json").stdout.splitlines())
    assert (one["station"], one["connected"], one["ocpp_version"]) == ("CS-1", True, "1.6")
    assert (one["wanted"], one["missing"], one["state"]) == (1, 1, "unknown")
    heading, row = run("lists").stdout.splitlines()
    assert heading.split()[:2] == ["STATION", "OCPP"]
    assert row.split()[:3] == ["CS-1", "1.6", "true"]
    heading, row = csv.reader(run("lists", "--csv").stdout.splitlines())
    assert dict(zip(heading, row, strict=True))["answered"] == ""


@pytest.mark.parametrize("command", [["list", "--unknown"], ["lists"]])
def test_no_store_yet(tmp_path, command):
    """What to do is said."""
    result = CliRunner().invoke(chargewire, ["tokens", *command, "--data", str(tmp_path)])
    assert (result.exit_code, "chargewire consume authorizations" in result.stderr) == (1, True)


def test_json_and_csv_at_once_is_no_wish():
    """Code 2, as everywhere."""
    assert CliRunner().invoke(chargewire, ["tokens", "list", "--json", "--csv"]).exit_code == 2
