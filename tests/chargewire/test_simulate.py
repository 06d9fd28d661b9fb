"""`chargewire simulate`: what reaches the stations, and what is said when nothing may."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from chargewire.simulate import simulate_command as command
from deploy.local.simulation import Simulation


@pytest.mark.parametrize("url", ["http://localhost:9000/ocpp", "localhost:9000"])
def test_stations_speak_over_websockets(url: str, tmp_path: Path):
    """Another address is an error of usage, before anything is written anywhere."""
    result = CliRunner().invoke(command, [url, "--no-tokens", "--data", str(tmp_path / "data")])
    assert result.exit_code == 2
    assert "ws://" in result.output
    assert not (tmp_path / "data").exists()


def test_wrong_settings_are_told_as_by_every_other_command():
    """All of them, with code 2."""
    environ = {"CHARGEWIRE_STATIONS": "0", "CHARGEWIRE_PREFIX": "a b"}
    result = CliRunner().invoke(command, ["ws://localhost:9/ocpp"], env=environ)
    assert result.exit_code == 2
    assert "CHARGEWIRE_STATIONS" in result.output
    assert "CHARGEWIRE_PREFIX" in result.output


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    """By its name, with code 1."""
    (file := tmp_path / "file").touch()
    words = ["ws://127.0.0.1:9/ocpp", "--no-tokens", "--data", str(file)]
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "4 simulated stations for ws://127.0.0.1:9/ocpp",
        f"Error: {file}: File exists",
    ]


def test_flags_are_settings_of_the_simulation():
    """A flag that no setting has would be lost in silence."""
    known = set(Simulation.__dataclass_fields__) | {"url", "no_tokens", "config"}
    assert {parameter.name for parameter in command.params} <= known
