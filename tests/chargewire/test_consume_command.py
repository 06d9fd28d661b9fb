"""`chargewire consume`: which consumers there are, and what is refused."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chargewire.cli import chargewire
from consumers import program
from consumers.services import SERVICES


def invoked(*arguments: str) -> Any:
    return CliRunner().invoke(chargewire, ["consume", *arguments])


def test_help_names_every_consumer_with_what_it_is_for() -> None:
    """So that nobody has to look elsewhere."""
    said = invoked("--help").output
    for name, service in SERVICES.items():
        assert name in said
        assert service.doc in said


def test_a_name_that_is_none() -> None:
    """The ones that exist are named."""
    found = invoked("transaction")
    assert found.exit_code == 2
    assert "'transactions'" in found.output


def test_a_store_that_is_none() -> None:
    """What is allowed is said, by the name of the flag and the variable."""
    found = invoked("stations", "--store", "stations.db")
    assert found.exit_code == 2
    assert "--store (CHARGEWIRE_STORE)" in found.output
    assert "sqlite:///path" in found.output


def test_what_is_left_goes_with_a_rebuild() -> None:
    """Alone it would mean nothing."""
    assert "--rebuild" in invoked("stations", "--from-what-is-left").output


def test_tables_are_migrated_or_thrown_away() -> None:
    """Not both; nothing is thrown away by who asks for both."""
    found = invoked("stations", "--migrate", "--rebuild")
    assert found.exit_code == 2
    assert "choose one" in found.output


def test_migrating_ends_with_the_tables_made(tmp_path: Path) -> None:
    """In the store of that consumer, without Kafka."""
    words = ["-m", "chargewire", "consume", "stations", "--data", f"{tmp_path}/data", "--migrate"]
    found = subprocess.run(
        [sys.executable, *words], check=False, capture_output=True, text=True, timeout=300
    )
    assert found.returncode == 0, found.stderr
    with closing(sqlite3.connect(tmp_path / "data" / "stations.db")) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert ("connectors",) in rows


def test_settings_and_wishes_reach_the_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration is complete; its exit code is ours."""
    asked: list[Any] = []

    def run(config: Any, projection: Any, **wishes: Any) -> int:
        asked.append((config.store, projection.name, wishes))
        return 7

    monkeypatch.setattr(program, "run", run)
    found = invoked("stations", "--data", "d", "--rebuild", "--from-what-is-left")
    assert found.exit_code == 7
    assert asked == [
        (
            "sqlite:///d/stations.db",
            "stations",
            {"sequels": (), "rebuilds": True, "whole_log": False},
        )
    ]
