"""Java archives by name, version and hash, fetched once and kept for good.

A lock file has one archive a line, `group:artifact:version[:classifier:packaging] sha256`, and
above them, after `# roots:`, what they were resolved from. Where the archives come from is not its
business: that is Maven Central, or the mirror which the user has set in jgo's own configuration.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import click

_AT_ONCE = 4  # downloads; the repository is slow to answer rather than slow to send
_ANSWER_TIME_S = 30


class FetchError(Exception):
    """An archive cannot be had; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One archive of a Maven repository; `sha256` in hexadecimal."""

    group: str
    name: str
    version: str
    classifier: str
    packaging: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies below a cache: the layout of Maven repositories."""
        tail = f"-{self.classifier}" if self.classifier else ""
        file = f"{self.name}-{self.version}{tail}.{self.packaging}"
        return Path(*self.group.split("."), self.name, self.version, file)

    @property
    def coordinate(self) -> str:
        parts = [self.group, self.name, self.version]
        if self.classifier:
            parts += [self.classifier, self.packaging]
        return ":".join(parts)


def report(line: str) -> None:
    """Tell the user how far a download is, away from the standard output."""
    click.echo(line, err=True)


def default_cache() -> Path:
    """The user's cache folder (XDG base directories), shared by all checkouts."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "chargewire" / "java"


def read_lock(text: str) -> tuple[Artifact, ...]:
    """The archives of a lock file. Raises ValueError for a line that is none."""
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        coordinate, sha256 = line.split()
        group, name, version, *rest = coordinate.split(":")
        classifier, packaging = rest or ("", "jar")
        found.append(Artifact(group, name, version, classifier, packaging, sha256))
    return tuple(found)


def relock(lock: Path) -> None:
    """Resolve the roots of a lock file again and rewrite it (`make locks`). Needs the network."""
    from jgo.maven import MavenContext  # noqa: PLC0415 - see _download

    roots = lock.read_text().partition("# roots: ")[2].partition("\n")[0].split()
    lines: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder), timeout=_ANSWER_TIME_S)
        # One by one, the first wins: jgo lets each root manage the versions of all the others.
        for root in roots:
            inputs, others = context.resolver.resolve([context.create_dependency(root)])
            for each in [*inputs, *others]:
                if each.scope in {None, "compile", "runtime"}:
                    sha256 = _sha256(each.artifact.resolve())
                    line = f"{each.groupId}:{each.artifactId}:{each.version} {sha256}"
                    lines.setdefault(f"{each.groupId}:{each.artifactId}", line)
    head = "# Written by `make locks`.\n# roots: " + " ".join(roots)
    lock.write_text("\n".join([head, *sorted(lines.values())]) + "\n")


def fetch(
    what: str,
    artifacts: Iterable[Artifact],
    cache: Path,
    progress: Callable[[str], None] = report,
) -> tuple[Path, ...]:
    """The archives' paths below `cache`, in order; those that are missing or damaged are fetched.

    Needs no network when all are there. Raises FetchError.
    """
    wanted = tuple(artifacts)
    missing = [artifact for artifact in wanted if not _intact(cache / artifact.path, artifact)]
    if missing:
        progress(f"Fetching {what}: {len(missing)} files, this once ...")
        _fetch_all(what, missing, cache, progress)
    return tuple(cache / artifact.path for artifact in wanted)


def _intact(path: Path, artifact: Artifact) -> bool:
    return path.is_file() and _sha256(path) == artifact.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch_all(
    what: str, artifacts: list[Artifact], cache: Path, progress: Callable[[str], None]
) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # Beside the final place, so that the last step is a rename: a file that is there is whole.
        staging = Path(tempfile.mkdtemp(dir=cache, prefix=".part-"))
    except OSError as error:
        raise FetchError(
            f"The cache folder for {what} cannot be written: {error}. "
            "Set XDG_CACHE_HOME to a folder of yours."
        ) from error
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        waits = [pool.submit(_fetch_one, artifact, staging, cache) for artifact in artifacts]
        size = 0
        for done, wait in enumerate(as_completed(waits), start=1):
            size += wait.result()
            if done % 10 == 0 or done == len(artifacts):
                progress(f"  {done} of {len(artifacts)} files, {size / 1e6:.0f} MB")
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(staging, ignore_errors=True)


def _fetch_one(artifact: Artifact, staging: Path, cache: Path) -> int:
    """Fetch, verify and put in place; returns the size in bytes."""
    part = _download(artifact, staging)
    found = _sha256(part)
    if found != artifact.sha256:
        raise FetchError(
            f"{artifact.coordinate} is not what the lock file says: SHA-256 {found}, "
            f"expected {artifact.sha256}. Something between here and Maven Central altered it."
        )
    size = part.stat().st_size
    final = cache / artifact.path
    final.parent.mkdir(parents=True, exist_ok=True)
    part.replace(final)
    return size


def _download(artifact: Artifact, staging: Path) -> Path:
    # Imported here: half a second, wanted only when something is missing.
    try:
        from jgo.config import GlobalSettings  # noqa: PLC0415
        from jgo.maven import MavenContext  # noqa: PLC0415
    except ImportError as error:
        raise FetchError(
            "Fetching Java archives needs more packages: pip install 'chargewire[local]'."
        ) from error
    context = MavenContext(repo_cache=staging, timeout=_ANSWER_TIME_S)
    context.remote_repos = {**GlobalSettings.load().repositories, **context.remote_repos}
    try:
        component = context.project(artifact.group, artifact.name).at_version(artifact.version)
        path: Path = component.artifact(artifact.classifier, artifact.packaging).resolve()
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
        raise FetchError(
            f"{artifact.coordinate} cannot be fetched from Maven Central: {_first_line(error)}\n"
            "The first run needs a network. Check it, or the proxy (HTTPS_PROXY), and try again; "
            "what was fetched is kept."
        ) from error
    return path


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
