"""Which chargewire this is."""

import tomllib
from pathlib import Path

from programs.about import VERSION


def test_the_version_is_that_of_the_project():
    """As it was installed."""
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == VERSION
