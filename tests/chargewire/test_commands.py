"""`chargewire commands`, as an operator runs it."""

import json

import pytest

from chargewire.commands import commands, table
from consumers.commands.projection import CONSUMER
from tests.chargewire.listed import runner
from tests.consumers.commanding import MINUTE, asked, ended, row, settled, taken
from tests.consumers.telling import NOON


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command on a store with one that has ended and two that have not."""
    facts = [
        *(asked(1, command="a"), taken(2, command="a"), ended(3, command="a")),
        *(asked(4, command="b"), taken(90, command="b")),
        asked(5, command="c"),
    ]
    return runner(commands, CONSUMER, facts, monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["a", "b", "c"]),
        (["--pending"], ["b", "c"]),
        (["--pending", "--station", "CS-1", "--since", "2026-11-21T12:01"], ["b"]),
        (["--station", "cs-1"], []),
    ],
)
def test_what_is_chosen(run, arguments, expected):
    """All that is asked for must be so. Station ids are case-sensitive."""
    lines = run("--json", *arguments).stdout.splitlines()
    assert [json.loads(line)["command_id"] for line in lines] == expected


def test_a_table_by_default(run):
    """The oldest first."""
    heading, *lines = run().stdout.splitlines()
    assert heading.split()[:3] == ["STATION", "COMMAND", "ACTION"]
    assert [line.split()[1] for line in lines] == ["a", "b", "c"]


def line(*facts, now_ms=NOON):
    return table([row(*facts)], now_ms)[1]


def test_a_command_is_a_line():
    """Who asked whom for what and when, how far it is, and what came of it."""
    assert line(asked(1, 2, requested_by="cron"), ended(3, 2)) == [
        *("CS-1", "c", "Reset", "2026-11-21 12:00", "cron", "2", "answered", "Accepted"),
    ]
    assert len(table([], 0)[0]) == len(line(asked(1)))


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([asked(1)], "waiting"),
        ([asked(1), taken(2)], "taken"),
        ([asked(1), settled(2, outcome="offline")], "settled"),
        ([asked(1), ended(2, outcome="timeout")], "timeout"),
        ([taken(2)], "taken"),
    ],
)
def test_how_far_it_is(facts, state):
    """In a word; and once it has ended, how."""
    assert line(*facts)[6] == state


def test_one_whose_time_is_over_and_that_has_no_result():
    """It will not be sent any more; its end is still owed."""
    assert line(asked(1), now_ms=NOON + MINUTE)[6] == "waiting, past its time"
    assert line(asked(1), ended(2), now_ms=NOON + MINUTE)[6] == "answered"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"response": '{"status":"Rejected"}'}, "Rejected"),
        ({"response": '{"listVersion":4}'}, '{"listVersion":4}'),
        ({"response": '{"status":1}'}, '{"status":1}'),
        ({"response": "[]"}, "[]"),
        ({"response": "garbage"}, "garbage"),
        ({"response": '{"a":"' + "x" * 99 + '"}'}, '{"a":"' + "x" * 53 + "…"),
        (
            {"response": None, "error_code": "NotSupported", "error_description": "no such"},
            "NotSupported: no such",
        ),
        ({"response": None, "error_code": "NotSupported", "error_description": ""}, "NotSupported"),
        (
            {
                "response": '{"why": {"a": 1}}',
                "error_code": "SecurityError",
                "error_description": "not here",
            },
            'SecurityError: not here {"why": {"a": 1}}',
        ),
        (
            {"response": '{"status":"Odd"}', "error_code": "FormatViolation"},
            'FormatViolation {"status":"Odd"}',
        ),
        ({"response": None}, ""),
    ],
)
def test_what_the_station_said(said, shown):
    """Its status if it has one, or all of it; or the error, its description and its details."""
    assert line(asked(1), ended(2, **said))[7] == shown
