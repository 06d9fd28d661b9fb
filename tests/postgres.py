"""A real PostgreSQL (Debian's package) on this machine, on a unix socket in a folder of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local.process import POLL_S, Process

_PACKAGED = Path("/usr/lib/postgresql")
_PACKAGES_OWN_USER = "postgres"
_START_TIME_S = 180
_STOP_TIME_S = 120
# Tests end before the machine does, and are many.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def programs() -> Path:
    """The folder of initdb and postgres, the newest of Debian's; the test fails where none is."""
    found = [path.parent for path in _PACKAGED.glob("*/bin/postgres") if _initdb(path).exists()]
    if not found and (config := shutil.which("pg_config")):
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)
        folder = Path(said.stdout.strip())
        found = [folder] if _initdb(folder / "postgres").exists() else []
    if not found:
        pytest.fail(
            "PostgreSQL is MISSING on this machine, and needed by the tests. "
            "On Debian and Ubuntu: sudo apt-get install postgresql",
            pytrace=False,
        )
    return max(found, key=lambda folder: [int(p) for p in folder.parts if p.isdigit()])


def _initdb(postgres: Path) -> Path:
    return postgres.with_name("initdb")


class Postgres:
    """A server that only this machine reaches; it may be stopped, killed and started again.

    It refuses to be root, so then the package's own user runs it. All of it goes with `remove`.
    """

    def __init__(self, options: Sequence[str] = _FAST) -> None:
        """With settings of PostgreSQL's, as in `fsync=off`."""
        self._programs = programs()
        self._options = options
        # Not below pytest's folders, which only their owner may enter; and the path of a unix
        # socket has 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._as: tuple[str, ...] = ()
        if os.geteuid() == 0:
            user = pwd.getpwnam(_PACKAGES_OWN_USER)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            # A change of the user id takes back that it dies with us (prctl(2)).
            ids = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
            self._as = (_found("setpriv"), *ids, "--pdeathsig=KILL")
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Return when it takes connections. Raises RuntimeError with what it says."""
        data = self.folder / "data"
        if not data.exists():
            self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "-D", str(data))
        options = [f"--{option}" for option in self._options]
        self._process = Process(
            [
                *(*self._as, str(self._programs / "postgres"), "-D", str(data)),
                *("-k", str(self.folder), "-h", "", *options),
            ],
            log=Path(f"{self.folder}.log"),
        )
        end_s = time.monotonic() + _START_TIME_S
        while self._process.exit_code is None and time.monotonic() < end_s:
            if "ready to accept connections" in self._process.output():
                return
            time.sleep(POLL_S)  # another process: there is no event to await
        said = self._process.output()
        self.kill()
        raise RuntimeError(f"PostgreSQL did not start:\n{said[-2000:]}")

    def stop(self) -> None:
        """End it in order, its connections at once ("fast shutdown")."""
        assert self._process is not None
        self._process.signal(signal.SIGINT)
        end_s = time.monotonic() + _STOP_TIME_S
        while self._process.exit_code is None and time.monotonic() < end_s:
            time.sleep(POLL_S)
        self.kill()

    def kill(self) -> None:
        """kill -9 of all its processes: one that is left keeps the next server from the data."""
        if self._process is None or self._process.exit_code is not None:
            return
        with suppress(psutil.NoSuchProcess):
            self._process.signal(signal.SIGSTOP)  # so that it starts no more
            others = psutil.Process(self._process.pid).children(recursive=True)
            self._process.kill()
            for one in others:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            while any(map(_is_there, others)):
                time.sleep(POLL_S)

    def remove(self) -> None:
        """End it, and take away all that it has written."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        Path(f"{self.folder}.log").unlink(missing_ok=True)

    async def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        connection = await asyncpg.connect(host=str(self.folder), user="postgres")
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        finally:
            await connection.close()
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = [*self._as, str(self._programs / program), *arguments]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")


def _is_there(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _found(program: str) -> str:
    path = shutil.which(program)
    assert path is not None, f"{program} of util-linux is missing"
    return path
