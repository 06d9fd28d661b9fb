"""A disk that is slow for a while: a control group of the run's own, whose writes are counted out.

Kafka and PostgreSQL wait for the disk with every batch and commit (fsync), so it is them who wait.
"""

import os
import time
import uuid
from contextlib import suppress
from pathlib import Path

import psutil

_ROOT = Path("/sys/fs/cgroup")


class Disk:
    """The disk below a folder; `how` tells in words what slow means here, or why it cannot be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._group: Path | None = None
        self._limit = ""
        self._device = _device(folder)
        self.how = ""
        if not self._device:
            self.how = f"{folder} is on no disk of its own that can be slowed"
            return
        name = f"chaos-{uuid.uuid4().hex[:8]}"
        for make in (self._first, self._second):
            try:
                make(name)
                return
            except OSError as error:
                self.how = f"no control group for it: {error.strerror} ({error.filename})"
        self._group = None

    @property
    def works(self) -> bool:
        return self._group is not None

    def _first(self, name: str) -> None:
        """Control groups as they were first: a controller has a tree of its own."""
        group = _ROOT / "blkio" / name
        group.mkdir()
        self._group, self._limit = group, "blkio.throttle.write_iops_device"
        self.how = "blkio: so many writes per second for Kafka and PostgreSQL together"

    def _second(self, name: str) -> None:
        """One tree for all."""
        if "io" not in (_ROOT / "cgroup.controllers").read_text().split():
            raise OSError(0, "no io controller", str(_ROOT))
        (_ROOT / "cgroup.subtree_control").write_text("+io")
        group = _ROOT / name
        group.mkdir()
        self._group, self._limit = group, "io.max"
        self.how = "io.max: so many writes per second for Kafka and PostgreSQL together"

    def take(self, pid: int) -> None:
        """A process, what it has started and what it will start, are to wait for this disk."""
        if self._group is None:
            return
        for one in (pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))):
            with suppress(ProcessLookupError):  # PostgreSQL's workers come and go
                (self._group / "cgroup.procs").write_text(str(one))

    def slow(self, writes_per_s: int) -> None:
        self._set(str(writes_per_s))

    def mend(self) -> None:
        """As it was."""
        self._set("max")

    def _set(self, writes: str) -> None:
        assert self._group is not None
        if self._limit == "io.max":
            text = f"{self._device} wiops={writes}"
        else:
            text = f"{self._device} {writes.replace('max', '0')}"
        (self._group / self._limit).write_text(text)

    def remove(self) -> None:
        """Take the group away, when its processes have ended."""
        if self._group is None:
            return
        deadline_s = time.monotonic() + 10
        while self._group.exists() and time.monotonic() < deadline_s:
            with suppress(OSError):
                self._group.rmdir()
                return
            time.sleep(0.05)  # a process that was killed takes a moment to be gone


def _device(folder: Path) -> str:
    """major:minor of the whole disk that a folder is on; empty where there is none."""
    number = folder.stat().st_dev
    name = f"{os.major(number)}:{os.minor(number)}"
    entry = Path("/sys/dev/block", name)
    if not entry.exists():
        return ""
    if (entry / "partition").exists():
        return (entry.resolve().parent / "dev").read_text().strip()
    return name
