"""`chargewire actions`, as an operator runs it."""

from click.testing import CliRunner

from chargewire.calls.actions import actions


def run(*arguments):
    return CliRunner().invoke(actions, arguments, terminal_width=200)


def test_all_actions_with_their_versions():
    """Or those of one version."""
    lines = run().stdout.splitlines()
    assert lines[0].split() == ["ACTION", "OCPP", "BLOCK"]
    assert "Reset                        1.6, 2.0.1, 2.1  provisioning" in lines
    old = run("--ocpp", "1.6").stdout
    assert "RemoteStartTransaction" in old
    assert "RequestStartTransaction" not in old


def test_one_action_with_its_fields():
    """Once for versions that have it alike."""
    told = run("getlocallistversion").stdout
    assert [line for line in told.splitlines() if "OCPP" in line] == [
        "GetLocalListVersion, OCPP 1.6",
        "GetLocalListVersion, OCPP 2.0.1, 2.1",
    ]
    only = run("Reset", "--ocpp", "2.0.1").stdout
    assert only.startswith("Reset, OCPP 2.0.1\n")
    assert "  type                required  one of Immediate, OnIdle\n" in only


def test_what_there_is_not():
    """A version that lacks it, an action that nobody has."""
    missed = run("Reset", "--ocpp", "1.5")
    assert missed.exit_code == 2
    missed = run("RemoteStartTransaction", "--ocpp", "2.1")
    assert "OCPP 2.1 has no RemoteStartTransaction" in missed.stderr
    assert "did you mean Reset?" in run("Rset").stderr
