"""Java archives are what the lock file says, or they are not there."""

import hashlib
from pathlib import Path

import pytest

from deploy.local.artifacts import Artifact, FetchError, default_cache, fetch, read_lock

ROOT = Path(__file__).parents[2]
# Ours, and not what git, pip or another test calls a lock just now.
LOCKS = sorted(path for part in ("deploy", "tests") for path in (ROOT / part).glob("**/*.lock"))


def _artifact(content: bytes) -> Artifact:
    return Artifact("org.example", "thing", "1.0", "", "jar", hashlib.sha256(content).hexdigest())


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # nobody listens there


def test_lock_lines_name_version_and_hash() -> None:
    """A line is a coordinate, with classifier and packaging if it is no plain jar, and a hash."""
    plain, other = read_lock("# roots: a:b:1\na.b:c:1.0 ff\n\na:d:2:all:tar.gz ee\n")
    assert plain == Artifact("a.b", "c", "1.0", "", "jar", "ff")
    assert plain.path == Path("a/b/c/1.0/c-1.0.jar")
    assert other.path == Path("a/d/2/d-2-all.tar.gz")
    assert other.coordinate == "a:d:2:all:tar.gz"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_our_locks_are_complete(lock: Path) -> None:
    """Each archive that we lock has a SHA-256, and is locked once."""
    locked = read_lock(lock.read_text())
    assert locked
    assert all(len(bytes.fromhex(artifact.sha256)) == 32 for artifact in locked)
    assert len({(each.group, each.name) for each in locked}) == len(locked)


@pytest.mark.usefixtures("_no_network")
def test_what_is_there_needs_no_network(tmp_path: Path) -> None:
    """An archive in the cache is taken from there, and nothing is said."""
    artifact = _artifact(b"whole")
    path = tmp_path / artifact.path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"whole")
    said: list[str] = []
    assert fetch("things", [artifact], tmp_path, said.append) == (path,)
    assert said == []


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("content", [None, b"", b"cut off"])
def test_what_cannot_be_fetched_says_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    """A missing or damaged archive is fetched; without a network the error says what to check."""
    artifact = _artifact(b"whole")
    if content is not None:
        (tmp_path / artifact.path).parent.mkdir(parents=True)
        (tmp_path / artifact.path).write_bytes(content)
    said: list[str] = []
    with pytest.raises(FetchError, match=r"org\.example:thing:1\.0 (.|\n)*HTTPS_PROXY"):
        fetch("things", [artifact], tmp_path, said.append)
    assert said == ["Fetching things: 1 files, this once ..."]
    assert list(tmp_path.glob(".part-*")) == []


def test_an_altered_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes from the network with another hash than the lock's never enters the cache."""

    def altered(artifact: Artifact, staging: Path) -> Path:
        part = staging / artifact.path.name
        part.write_bytes(b"altered")
        return part

    monkeypatch.setattr("deploy.local.artifacts._download", altered)
    artifact = _artifact(b"whole")
    with pytest.raises(FetchError, match="not what the lock file says"):
        fetch("things", [artifact], tmp_path, lambda _: None)
    assert not (tmp_path / artifact.path).exists()


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error names the variable by which another folder is chosen."""
    (tmp_path / "file").touch()
    with pytest.raises(FetchError, match="XDG_CACHE_HOME"):
        fetch("things", [_artifact(b"")], tmp_path / "file" / "below", lambda _: None)


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME says where the cache is; an empty one counts as unset (XDG basedir)."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache() == Path("/somewhere/chargewire/java")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert default_cache() == Path.home() / ".cache/chargewire/java"
