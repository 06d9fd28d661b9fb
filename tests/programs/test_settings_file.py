"""The configuration file: where it is named and what is wrong with it."""

from pathlib import Path

import pytest

from programs.settings import KafkaSettings, SettingsError
from programs.settings_file import load


def test_the_file_is_named_by_variable_or_flag(tmp_path: Path):
    """And the flag wins, as with every setting."""
    (tmp_path / "a.toml").write_text('prefix = "a."\n[kafka]\n"bootstrap.servers" = "k:1"\n')
    (tmp_path / "b.toml").write_text('prefix = "b."\n')
    environ = {"CHARGEWIRE_CONFIG": str(tmp_path / "a.toml")}
    made = load(KafkaSettings, {}, environ)
    assert (made.prefix, made.kafka) == ("a.", "k:1")
    assert load(KafkaSettings, {"config": tmp_path / "b.toml"}, environ).prefix == "b."


@pytest.mark.parametrize("content", [None, b"prefix = ", b"\xff"])
def test_a_file_that_cannot_be_read_is_a_problem_like_any_other(tmp_path: Path, content):
    """Missing, no TOML, no text: one line that names the file."""
    path = tmp_path / "c.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"c\.toml.*must be a TOML file"):
        load(KafkaSettings, {"config": path}, {})


def test_a_bad_file_of_certificates_stops_the_start(tmp_path: Path):
    """Not the first connection, long after somebody has looked: it is a setting like any other."""
    options = {"security.protocol": "SSL", "ssl.ca.location": str(tmp_path / "none.pem")}
    with pytest.raises(SettingsError, match=r"ssl\.ca\.location = '.*none\.pem'"):
        load(KafkaSettings, {"options": options}, {})
