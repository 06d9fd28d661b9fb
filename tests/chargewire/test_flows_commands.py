"""`chargewire flow`, as far as it needs no station; tests/end_to_end/test_flows.py has the rest."""

import pytest
from click.testing import CliRunner

from chargewire.cli import chargewire
from chargewire.flows.running import Moment, a_number, now_ms


def run(*words, given=None):
    return CliRunner().invoke(chargewire, ["flow", *words], input=given)


def test_every_flow_teaches_what_it_does() -> None:
    """With examples that name it."""
    listed = run("--help").stdout
    names = (
        *("start", "stop", "reserve", "cancel-reservation", "configuration", "firmware"),
        *("diagnostics", "profile", "local-list"),
    )
    for name in names:
        assert f"  {name} " in listed
        assert f"chargewire flow {name} CW-000" in run(name, "--help").stdout.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["start", "CS-1"], "Missing option '--token'"),
        (["start", "CS-1", "--token", "T", "--wait", "soon"], "is none of 30s"),
        (["start", "CS-1", "--token", "T", "--type", "Ring"], "is not one of"),
        (["reserve", "CS-1", "--token", "T"], "Missing option '--for'"),
        (["configuration", "CS-1", "--json", "--csv"], "not both"),
        (["firmware", "CS-1", "--url", "u", "--signature", "S"], "belong together"),
        (["firmware", "CS-1", "--url", "u", "--at", "never"], "is none of 2027"),
        (["profile", "CS-1", "-"], "is no JSON"),
        (["profile", "CS-1", "no.json"], "no.json: No such file"),
    ],
)
def test_what_cannot_be_is_not_tried(words, said: str) -> None:
    """The text says what is wrong."""
    done = run(*words)
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())


def test_a_profile_is_an_object() -> None:
    """A list is none."""
    assert "has no JSON object" in run("profile", "CS-1", "-", given="[]").stderr


def test_a_moment_may_be_said_from_now_on() -> None:
    """Or as it is."""
    assert Moment().convert("2026-11-21T12:00:00Z", None, None) == 1_795_262_400_000
    found = Moment().convert("1h", None, None) - now_ms()
    assert 3_590_000 < found <= 3_600_000


def test_numbers_are_such_as_stations_take() -> None:
    """Positive, of 32 bits with a sign, and not the same twice."""
    found = {a_number() for _ in range(100)}
    assert len(found) > 90
    assert all(0 < one < 2**31 for one in found)
