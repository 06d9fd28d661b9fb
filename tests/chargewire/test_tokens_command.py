"""`chargewire tokens`, as an operator runs it, on a real Kafka."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from chargewire.cli import chargewire
from tests.log import create

pytestmark = pytest.mark.kafka


@pytest.fixture
def run(kafka, prefix):
    """Runs `chargewire tokens` against topics of its own."""
    asyncio.run(create(kafka.bootstrap, [f"{prefix}id-tokens"], partitions=3))

    def run(*arguments, given=None):
        flags = ["--kafka", kafka.bootstrap, "--prefix", prefix]
        return CliRunner().invoke(chargewire, ["tokens", *arguments, *flags], input=given)

    return run


def known(run):
    return [json.loads(line) for line in run("list", "--json").stdout.splitlines()]


def test_a_token_is_put_changed_and_taken_away(run):
    """What is not given stays as it was, whatever the case of the token."""
    assert run("list").stderr == "No token is known yet.\n"
    done = run("put", "AbC", "--group", "G", "--list", "garage", "--list", "yard")
    assert done.stdout == "token=AbC type=ISO14443 status=Accepted group=G lists=garage;yard\n"
    run("put", "aBc", "--status", "blocked", "--expires", "2027-01-01", "--group", "")
    assert known(run) == [
        {
            "token": "aBc",
            "type": "ISO14443",
            "status": "Blocked",
            "expires": "2027-01-01T00:00:00.000Z",
            "group": None,
            "lists": ["garage", "yard"],
        }
    ]
    heading, row = run("list").stdout.splitlines()
    assert heading.split() == ["TOKEN", "TYPE", "STATUS", "EXPIRES", "LISTS"]
    assert row.split() == ["aBc", "ISO14443", "Blocked", "2027-01-01", "00:00", "garage;yard"]
    assert run("delete", "ABC").exit_code == 0
    assert known(run) == []


def test_nothing_is_deleted_where_one_is_unknown(run):
    """A misspelt token is no wish to delete the others."""
    run("put", "A")
    missed = run("delete", "A", "B")
    assert (missed.exit_code, "nobody knows B; nothing was deleted" in missed.stderr) == (1, True)
    assert len(known(run)) == 1


def test_a_misspelt_word_is_told_with_the_nearest(run):
    """As an error of usage, before anything is written."""
    result = run("put", "A", "--status", "Blokked")
    assert (result.exit_code, "did you mean Blocked?" in result.stderr) == (2, True)
    assert run("put", "A", "--expires", "soon").exit_code == 2
    assert known(run) == []


def test_a_file_with_a_bad_line_is_not_taken_in_part(run, tmp_path):
    """Every bad line is named; --skip-bad takes the others."""
    file = tmp_path / "tokens.csv"
    file.write_text("token,status\nA,Accepted\nB,Acepted\nC,Blocked\n,Blocked\n")
    result = run("import", str(file))
    assert result.exit_code == 1
    assert "line 3, status: 'Acepted'" in result.stderr
    assert "line 5, token: is empty" in result.stderr
    assert "2 of 4 lines are bad, so nothing was written" in result.stderr
    assert known(run) == []
    result = run("import", str(file), "--skip-bad", "--group", "G")
    assert (result.exit_code, "2 tokens written, 2 skipped" in result.stderr) == (0, True)
    assert [(one["token"], one["group"]) for one in known(run)] == [("A", "G"), ("C", "G")]


def test_what_is_exported_can_be_imported(run):
    """From standard input, byte order mark and all; a line replaces all that was said."""
    run("put", "A", "--group", "G", "--list", "yard", "--type", "central")
    run("put", "B", "--status", "Blocked", "--expires", "2027-01-01")
    before, exported = known(run), run("list", "--csv").stdout
    assert exported.splitlines()[0] == "token,type,status,expires,group,lists"
    run("delete", "A", "B")
    assert run("import", "-", given=("\ufeff" + exported).encode()).exit_code == 0
    assert known(run) == before
    assert run("import", "-", given="token\nA\n").exit_code == 0
    assert known(run)[0]["group"] is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [(b"token\n\xff\n", "no UTF-8"), (b"tokn\nA\n", "did you mean token?"), (b"", "0 tokens")],
)
def test_a_file_that_is_none(run, text, reason):
    """Said in a line, without a traceback."""
    result = run("import", "-", given=text)
    assert reason in result.stderr
    assert "Traceback" not in result.output
    assert known(run) == []


def test_a_file_that_is_not_there(run):
    """Or a folder."""
    assert "none.csv: No such file" in run("import", "none.csv").stderr


def test_a_long_file_is_written_whole(run):
    """In batches, and every record is there afterwards."""
    names = [f"CARD-{number:05}" for number in range(5000)]
    result = run("import", "-", given="\n".join(["token", *names]))
    assert "5000 tokens written" in result.stderr
    assert [one["token"] for one in known(run)] == names


def test_no_kafka_is_told_with_what_to_do():
    """As by every other command."""
    flags = ["tokens", "put", "A", "--kafka", "127.0.0.1:1"]
    result = CliRunner().invoke(chargewire, flags)
    assert (result.exit_code, "no Kafka answers at 127.0.0.1:1" in result.stderr) == (1, True)
