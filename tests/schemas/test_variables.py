"""The names of all settings: the table is complete."""

from dataclasses import fields

from gateway.config import Config
from schemas.variables import VARIABLES


def test_every_setting_of_the_gateway_is_in_the_table():
    """A setting that is missing here would be refused as misspelt in its own program."""
    assert {known.name for known in fields(Config) if "setting" in known.metadata} <= VARIABLES
