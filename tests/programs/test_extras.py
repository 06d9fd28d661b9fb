"""Extras: what is not installed is said at once, and what is not wanted is not imported."""

import subprocess
import sys

import pytest

from programs.extras import has_tracing

PROGRAMS = "gateway.program, consumers.program, consumers.authorizations.decider"
COMMANDS = "chargewire.calls.command, chargewire.calls.asking"
WITHOUT = f"""
import sys, {PROGRAMS}, {COMMANDS}
from programs.settings import KafkaSettings
from programs.tracing import begun
assert begun(KafkaSettings(), "test") is None
assert not [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]
"""
MISSING = """
import sys
sys.modules["opentelemetry"] = None  # as if it were not installed
from {package}.__main__ import main
sys.exit(main())
"""


def ran(code, *words, **environ):
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={"PATH": "", **environ},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_tests_have_the_extra():
    """Or they would test nothing."""
    assert has_tracing()


@pytest.mark.slow
def test_without_the_setting_no_part_of_opentelemetry_is_imported():
    """By none of the programs, however they are started."""
    assert ran(WITHOUT) == (0, "")


@pytest.mark.slow
def test_the_setting_without_the_extra_is_a_clear_error():
    """It names the variable, and what to install; so also `chargewire gateway --check`."""
    told = "CHARGEWIRE_TRACING=http://c:4318: 'chargewire[tracing]' is not installed: pip install"
    code, said = ran(MISSING.format(package="gateway"), CHARGEWIRE_TRACING="http://c:4318")
    assert (code, told in said) == (2, True), said
    command = MISSING.format(package="chargewire"), "gateway", "--check"
    code, said = ran(*command, CHARGEWIRE_TRACING="http://c:4318")
    assert (code, told in said) == (2, True), said
