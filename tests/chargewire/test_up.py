"""`chargewire up`: what reaches the composition, and what is said when nothing may."""

import inspect

import pytest
from click.testing import CliRunner

from chargewire.up import up
from deploy.local.up import run


def test_every_option_is_an_argument_of_the_composition():
    """An option that it does not know would end the start with a traceback."""
    assert {parameter.name for parameter in up.params} <= set(inspect.signature(run).parameters)


def test_wrong_settings_are_told_as_by_every_other_command(
    tmp_path, monkeypatch: pytest.MonkeyPatch
):
    """All of them, with code 2 and where to look, and nothing is started."""
    monkeypatch.setenv("CHARGEWIRE_WORKERS", "none")
    monkeypatch.setenv("CHARGEWIRE_LISTEN", "here")
    result = CliRunner().invoke(up, ["--data", str(tmp_path / "data")])
    assert result.exit_code == 2
    assert "CHARGEWIRE_WORKERS" in result.output
    assert "CHARGEWIRE_LISTEN" in result.output
    assert "chargewire config show --all" in result.output
    assert not (tmp_path / "data").exists()
