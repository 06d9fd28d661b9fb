"""The command itself: help that leads on, and commands that are found."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from chargewire.cli import chargewire

NAMES = [
    "up",
    "gateway",
    "transactions",
    "reservations",
    "commands",
    "stations",
    "tokens",
    "tail",
    "topics",
    "schemas",
    "config",
    "health",
    "simulate",
]


def test_the_help_lists_every_command_and_says_how_to_begin():
    """Without importing any of them, so that it is there at once."""
    result = CliRunner().invoke(chargewire, ["--help"])
    assert result.exit_code == 0
    assert "chargewire up" in result.output
    assert all(f"  {name} " in result.output for name in NAMES)


def test_a_misspelt_command_is_told_which_is_meant():
    """As its modules are not there yet, this takes a list of names."""
    result = CliRunner().invoke(chargewire, ["station"])
    assert result.exit_code == 2
    assert "'stations'" in result.output


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_a_help_with_examples(name):
    """Also those that are groups, in their own commands."""
    context = click.Context(chargewire)
    command = chargewire.get_command(context, name)
    assert command is not None
    inner = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    for one in inner:
        assert one.help
        assert "Example" in one.help, one.name


@pytest.mark.slow  # a process
def test_a_full_disk_is_a_line():
    """And not a traceback: who redirects a list to a file may have no room for it."""
    words = [sys.executable, "-m", "chargewire", "actions"]
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr.startswith("Error: what was found cannot be written: No space left")
    assert done.returncode != 0


def test_who_wants_no_colour_has_none():
    """By NO_COLOR, as other programs have it."""
    for environ, styled in (({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
        shown = CliRunner().invoke(chargewire, ["actions"], env=environ, color=True).output
        assert ("\x1b" in shown) is styled


def test_an_unknown_command_is_an_error_of_usage():
    """Code 2, as everywhere."""
    assert CliRunner().invoke(chargewire, ["sations"]).exit_code == 2


def test_the_version_is_that_of_the_distribution():
    """One place."""
    assert CliRunner().invoke(chargewire, ["--version"]).output.startswith("chargewire 0.")


def test_help_does_not_wait_for_kafka_clients():
    """aiokafka alone takes a quarter of a second to import."""
    program = (
        "import sys; from click.testing import CliRunner; from chargewire.cli import chargewire; "
        "run = CliRunner().invoke; run(chargewire, ['-h']); run(chargewire, ['tail', '-h']); "
        "sys.exit('aiokafka' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
