"""`chargewire size`: a column for each number of stations."""

import inspect

import pytest
from click.testing import CliRunner

from chargewire.size.command import size
from chargewire.size.sizing import Fleet


def test_a_column_for_each() -> None:
    """Under a heading with the numbers, in lines of one width."""
    result = CliRunner().invoke(size, ["1000", "100000"])
    assert result.exit_code == 0, result.output
    head, *lines = result.output.splitlines()
    assert head.split() == ["STATIONS", "1,000", "100,000"]
    (calls,) = (line for line in lines if line.startswith("calls per second, mean"))
    assert calls.split()[-2:] == ["4.1", "410"]
    assert len({len(line) for line in lines}) == 1


def test_the_day_is_what_is_said_of_it() -> None:
    """Every option is a part of the fleet, with the same default."""
    once, often = (
        CliRunner().invoke(size, ["1000", *more]).output for more in ([], ["--sample-s", "10"])
    )
    assert once != often
    defaults = {name: one.default for name, one in inspect.signature(Fleet).parameters.items()}
    del defaults["stations"]
    assert {one.name: one.default for one in size.params if one.name != "stations"} == defaults


def test_no_stations_need_nothing() -> None:
    """It is an error to ask."""
    assert CliRunner().invoke(size, []).exit_code == 2
    assert CliRunner().invoke(size, ["0"]).exit_code == 2


@pytest.mark.parametrize("option", ["--sessions", "--commands", "--readings-kept-days"])
def test_nothing_is_less_than_none(option: str) -> None:
    """There may be no sessions, no commands; fewer are an error."""
    assert CliRunner().invoke(size, ["1000", option, "0"]).exit_code == 0
    done = CliRunner().invoke(size, ["1000", option, "-1"])
    assert done.exit_code == 2
    assert option in done.output
