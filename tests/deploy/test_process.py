"""Programs that we start say where they are, and end with us."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from deploy.local import process
from deploy.local.process import Process

SAYS = ["/bin/echo", "well"]
WAITS = ["/bin/sleep", "600"]


async def test_output_since_the_start(tmp_path: Path) -> None:
    """The log keeps what earlier processes said; `output` is what this one says."""
    log = tmp_path / "some.log"
    log.write_text("before\n")
    said = Process(SAYS, log=log)
    assert await said.ended(60) == 0
    assert said.output() == "well\n"
    assert log.read_text() == "before\n" + said.output()


async def test_a_long_log_makes_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a log past its limit the last one is kept beside."""
    monkeypatch.setattr(process, "_LOG_LIMIT_BYTES", 3)
    log = tmp_path / "some.log"
    log.write_text("long")
    said = Process(SAYS, log=log)
    assert await said.ended(60) == 0
    assert (tmp_path / "some.log.1").read_text() == "long"
    assert log.read_text() == said.output()


async def test_a_killed_process_says_by_what(tmp_path: Path) -> None:
    """The exit code is the negative signal, also of a paused process."""
    waiting = Process(WAITS, log=tmp_path / "log")
    with pytest.raises(TimeoutError):
        await waiting.ended(0.01)
    waiting.signal(signal.SIGSTOP)
    waiting.kill()
    assert waiting.exit_code == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_the_process_dies_with_its_parent(tmp_path: Path) -> None:
    """Killed with -9 we leave nothing behind."""
    parent = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from deploy.local.process import Process
        process = Process({WAITS!r}, log=Path({str(tmp_path / "log")!r}))
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
    assert psutil.wait_procs([child], timeout=60)[1] == []
