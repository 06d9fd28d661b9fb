"""The container image, built and run without a container engine: by buildah, and by namespaces."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from deploy.local.process import POLL_S, Process
from tests.end_to_end.gateways import ROOT, START_TIME_S, Gateway

BASE, IMAGE = "localhost/base", "localhost/chargewire"
DATA = "var/lib/chargewire"
_TIME_S = 3600
_CACHE = ROOT / ".cache" / "image"
# A Debian with what the official slim images have of it and a program of ours needs.
_PACKAGES = "base-files,coreutils,dash,libc-bin,libstdc++6,python3-venv"
# What `pip config` has that is of this machine's folders, and nothing of the way to packages.
_LEFT_OUT = {"cache-dir", "cert", "disable-pip-version-check", "find-links"}
_PATH = os.pathsep.join([os.environ["PATH"], "/usr/local/sbin", "/usr/sbin", "/sbin"])

# As a container engine has it with a read-only root: the folder of the data and /tmp are all that
# can be written, nobody is root, and the program is the first process.
_CONTAINED = f"""
set -e
root=$1 data=$2
shift 2
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --bind "$data" "$root/{DATA}"
mount -o remount,bind,ro "$root"
exec chroot --userspec=10001:10001 --groups= "$root" "$@"
"""


class Image:
    """The image of deploy/Dockerfile, on a Debian made for it; `remove` takes all of it away.

    `marker` stands in what pip was told for the build, and may not be found in the image.
    """

    marker = "7e0c5a52-no-secret-stays"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="image-"))
        self._policy = self.folder / "policy.json"
        self._policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self._temporary = self.folder / "temporary"
        self._temporary.mkdir()
        self._store = self._buildah("overlay")
        if self._ran([*self._store, "info"], check=False).returncode:
            self._store = self._buildah("vfs")  # slower, but wherever there is a folder

    def build(self) -> None:
        """Make it, from the working tree. Fails the test with what buildah says."""
        policy = f"--signature-policy={self._policy}"
        made = self._said("from", policy, "scratch")
        self._said("add", "--quiet", made, str(_base()), "/")
        self._said("commit", "--quiet", "--rm", policy, made, BASE)
        self._said(
            *("build", "--format=docker", "--isolation=chroot", "--pull-never", policy),
            *(f"--build-arg=BASE={BASE}", "--build-arg=REVISION=0123abc"),
            *self._secrets(),
            *("--file", str(ROOT / "deploy/Dockerfile"), "--tag", IMAGE, str(ROOT)),
        )
        container = self._said("from", "--pull-never", policy, IMAGE)
        self.root = Path(self._said("mount", container))

    def remove(self) -> None:
        """Unmount it, and take away all that was written."""
        for words in (("umount", "--all"), ("rm", "--all")):
            self._ran([*self._store, *words], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    @cached_property
    def described(self) -> dict[str, Any]:
        """What `inspect` says of the image."""
        described: dict[str, Any] = json.loads(self._said("inspect", "--type=image", IMAGE))
        return described

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration, under docker's names."""
        found: dict[str, Any] = self.described["Docker"]["config"]
        return found

    def command(self, data: Path, words: Sequence[str], environ: Mapping[str, str]) -> list[str]:
        """What runs `words` in it, as the first process of its own; `data` is what it may write."""
        data.mkdir(exist_ok=True)
        os.chown(data, 10001, 10001)
        variables = [*self.config["Env"], *(f"{name}={value}" for name, value in environ.items())]
        return [
            *(_program("unshare"), "--mount", "--pid", "--fork", "--kill-child"),
            *("sh", "-c", _CONTAINED, "sh", str(self.root), str(data)),
            *("env", "-i", f"--chdir={self.config['WorkingDir']}", *variables, *words),
        ]

    def run(self, data: Path, *words: str, **environ: str) -> str:
        """What the image's program says to these words. Fails the test when it ends with another
        code than 0."""
        return self.sh(data, *self.config["Entrypoint"], *words, **environ)

    def sh(self, data: Path, *words: str, **environ: str) -> str:
        """As `run`, of any program in the image."""
        return self._ran(self.command(data, words, environ)).stdout

    def _buildah(self, driver: str) -> list[str]:
        folders = {"root": self.folder / driver, "runroot": self.folder / f"{driver}-run"}
        where = [f"--{name}={folder}" for name, folder in folders.items()]
        return [_program("buildah"), f"--storage-driver={driver}", *where]

    def _secrets(self) -> list[str]:
        """How pip reaches its packages here, as secrets for the build."""
        said = self._ran([sys.executable, "-m", "pip", "config", "list"]).stdout
        told = dict(line.split("=", 1) for line in said.splitlines())
        values = {name.rpartition(".")[2]: ast.literal_eval(text) for name, text in told.items()}
        lines = [f"# {self.marker}", "[global]"]
        lines += [f"{name} = {value}" for name, value in values.items() if name not in _LEFT_OUT]
        certificates = values.get("cert") or os.environ.get("SSL_CERT_FILE")
        secrets = {}
        if certificates:
            lines.append("cert = /run/secrets/certificates")
            secrets["certificates"] = certificates
        (pip := self.folder / "pip.conf").write_text("\n".join(lines))
        secrets["pip"] = str(pip)
        return [f"--secret=id={name},src={source}" for name, source in secrets.items()]

    def _said(self, *words: str) -> str:
        return self._ran([*self._store, *words]).stdout.strip()

    def _ran(self, command: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        environ = os.environ | {"TMPDIR": str(self._temporary), "PATH": _PATH}
        done = subprocess.run(
            command, capture_output=True, text=True, env=environ, timeout=_TIME_S, check=False
        )
        if check and done.returncode:
            shown = f"{' '.join(command)[:200]} ended with {done.returncode}"
            pytest.fail(f"{shown}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}", pytrace=False)
        return done


class Contained(Gateway):
    """A program of ours in the image, to be asked and ended as a gateway is."""

    def __init__(
        self, image: Image, folder: Path, words: Sequence[str], environ: Mapping[str, str]
    ) -> None:
        super().__init__(dict(environ), folder / "log")
        self._image, self._data, self._words = image, folder / "data", words
        self.environ = self._environ

    def launch(self) -> None:
        words = [*self._image.config["Entrypoint"], *self._words]
        command = self._image.command(self._data, words, self.environ)
        self._process = Process(command, log=self.log, environ={"PATH": _PATH})

    @property
    def first(self) -> int:
        """Of its first process, the number by which we know it."""
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children")
        end_s = time.monotonic() + START_TIME_S
        while time.monotonic() < end_s:
            if found := children.read_text().split():
                return int(found[0])
            time.sleep(POLL_S)  # another process: there is no event to await
        raise TimeoutError("nothing was started")

    def terminate(self) -> None:
        os.kill(self.first, signal.SIGTERM)


def _program(name: str) -> str:
    """Where a program is; the test fails where it is not."""
    if found := shutil.which(name, path=_PATH):
        return found
    pytest.fail(
        f"{name} is MISSING on this machine, and needed by the tests. "
        f"On Debian and Ubuntu: sudo apt-get install {name}",
        pytrace=False,
    )


def _base() -> Path:
    """The file system of this machine's Debian with Python and little else, kept for next time.

    Unpacked alone: it is done in seconds, and nothing of what is left out is needed here.
    """
    release = Path("/etc/os-release").read_text().splitlines()
    facts = dict(line.split("=", 1) for line in release if "=" in line)
    suite = facts.get("VERSION_CODENAME", "bookworm").strip('"')
    made = _CACHE / f"{suite}-{_PACKAGES}.tar"
    if not made.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        part = made.with_suffix(f".{os.getpid()}.tar")
        command = [_program("mmdebstrap"), "--variant=extract", f"--include={_PACKAGES}"]
        done = subprocess.run(
            [*command, suite, str(part)],
            capture_output=True,
            text=True,
            env=os.environ | {"PATH": _PATH},
            timeout=_TIME_S,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"mmdebstrap: {done.stderr[-3000:]}", pytrace=False)
        part.replace(made)
    return made
