"""`chargewire up`: what reaches the composition, and what is said when nothing may."""

import pytest
from click.testing import CliRunner

from chargewire.up import up


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
