"""The names of all settings: the table is complete, and has no more."""

from dataclasses import fields

from chargewire.console.config import Config as Console
from consumers.config import Config
from deploy.local.plan import Plan
from programs.variables import VARIABLES


def test_the_table_has_every_setting_that_some_program_reads_and_no_other():
    """One that is missing would be refused where it is meant, and one too many taken for nothing.

    `config` alone is read before there are settings.
    """
    settings = {
        known.name
        for program in (Plan, Config, Console)
        for known in fields(program)
        if "setting" in known.metadata
    }
    assert settings | {"config"} == VARIABLES
