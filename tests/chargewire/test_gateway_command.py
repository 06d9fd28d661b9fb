"""`chargewire gateway`: what reaches the gateway."""

from click.testing import CliRunner

from chargewire.gateway_command import gateway
from gateway.config import Config


def test_a_right_configuration_is_confirmed_without_starting():
    """For a pipeline, before it rolls out."""
    result = CliRunner().invoke(gateway, ["--check", "--workers", "2"])
    assert (result.exit_code, result.output) == (0, "The configuration is right.\n")


def test_the_certificate_files_are_looked_at_too(tmp_path):
    """A pipeline learns of them before a gateway does."""
    environ = {"CHARGEWIRE_TLS_CERTIFICATE": str(tmp_path / "none.pem")}
    result = CliRunner().invoke(gateway, ["--check"], env=environ)
    assert (result.exit_code, "none.pem" in result.output) == (1, True)


def test_every_error_is_in_one_list():
    """Flags and environment alike; nothing is started."""
    environ = {"CHARGEWIRE_DECIDED": "Autorize", "CHARGEWIRE_DRAIN_TIME_S": "x"}
    result = CliRunner().invoke(gateway, ["--workers", "none"], env=environ)
    assert result.exit_code == 2
    assert "--workers" in result.output
    assert "CHARGEWIRE_DECIDED=Autorize" in result.output
    assert "CHARGEWIRE_DRAIN_TIME_S" in result.output


def test_flags_are_settings_of_the_gateway():
    """A flag that no setting has would be lost in silence."""
    known = set(Config.__dataclass_fields__) | {"check", "config"}
    assert {parameter.name for parameter in gateway.params} <= known
