"""Runs programs which do not outlive the one that starts them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

POLL_S = 0.05  # between looks at a process: none of its news reaches an event loop
_PAUSE_TIME_S = 60.0
_LOG_LIMIT_BYTES = 10 * 1024 * 1024

# PR_SET_PDEATHSIG survives execve, so a small Python in between sets it and becomes the program:
# no code of ours runs between fork and exec in a process that may have threads. Linux only;
# elsewhere a parent that is killed with -9 leaves its children.
_TETHERED = """
import ctypes, os, signal, sys
parent, *command = sys.argv[1:]
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(parent):
    sys.exit("the parent is gone")
os.execv(command[0], command)
"""


def _runs(stat: Path) -> bool:
    """Whether a thread runs, or is about to when its turn comes."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] not in "TtZX"
    except (FileNotFoundError, ProcessLookupError):  # it ended before it was opened, or read
        return False


class Process:
    """A running command; its output goes to the end of `log`, `keep` are open files for it.

    It is killed by the kernel when the thread that started it ends, so start it from one which
    lives as long as the process should. It has a session of its own: Ctrl-C in the terminal reaches
    only us, and we decide what ends first.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        keep: Sequence[int] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """With an `environ` of its own, or else with ours."""
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_name(log.name + ".1"))
        self.log = log
        tether = [sys.executable, "-I", "-S", "-c", _TETHERED, str(os.getpid())]
        with log.open("ab") as output:
            self._start = output.tell()
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                [*tether, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=keep,
                env=environ,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; the negative signal number when one ended it."""
        return self._process.poll()

    def output(self) -> str:
        """What it has printed since it was started."""
        with self.log.open("rb") as file:
            file.seek(self._start)
            return file.read().decode(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def pause(self) -> None:
        """SIGSTOP, and return when all its threads stand still (seen on Linux only)."""
        self.signal(signal.SIGSTOP)
        threads = Path("/proc", str(self.pid), "task")
        until_s = time.monotonic() + _PAUSE_TIME_S
        while any(_runs(thread) for thread in threads.glob("*/stat")):
            assert time.monotonic() < until_s, "the kernel stops threads at once, unless they write"

    def kill(self) -> None:
        """End it at once, paused or not, as a power cut would."""
        self._process.kill()
        self._process.wait()

    async def ended(self, timeout_s: float) -> int:
        """Wait for its end and return the exit code. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            # asyncio's own subprocesses have an event to wait for, but belong to one loop.
            while (code := self.exit_code) is None:  # noqa: ASYNC110
                await asyncio.sleep(POLL_S)
        return code
