"""What is wrong with a store so that waiting does not help, told from how its opening failed."""

import sqlite3
from pathlib import Path

import asyncpg
from sqlalchemy.engine import URL, make_url

from consumers.stores.engines import shown

# Primary result codes (sqlite.org/rescode.html); the reasons are the user's or the disk's.
_FILE = {
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened or made: may this user write in {folder}?",
    sqlite3.SQLITE_READONLY: "it cannot be written: may this user, and is its disk writable?",
    sqlite3.SQLITE_NOTADB: "the file is no database of SQLite",
}
_SERVER = (
    asyncpg.InvalidAuthorizationSpecificationError,  # also a wrong password
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ClientConfigurationError,
    TypeError,  # of the driver: a parameter in the URL that it does not have
)
_ADVICE = "Mend that, or name another with --store (CHARGEWIRE_STORE)"


class Unusable(Exception):  # noqa: N818 - a mistake in what was named, not an outage
    """A store that no waiting will open; the text says which, why, and what to do."""

    def __init__(self, url: str, why: str) -> None:
        advice = f"{_ADVICE} or its folder with --data" if _is_file(url) else _ADVICE
        super().__init__(f"{shown(url)}: {why}{'' if why.endswith('?') else '.'} {advice}.")


def make_folder(url: str) -> None:
    """Make the folder that the store's file lies in, if it is one. Raises Unusable."""
    if not _is_file(url):
        return
    try:
        _path(url).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unusable(
            url, f"{error.filename} cannot be made a folder: {error.strerror}"
        ) from error


def check(url: str, error: BaseException) -> None:
    """Raise Unusable, because of the error of opening a store, where no waiting mends that.

    It does mend a server that is away, a name that nobody knows yet, a file that another instance
    has locked.
    """
    if why := _reason(url, error):
        raise Unusable(url, why) from error


def _reason(url: str, error: BaseException) -> str:
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_CANTOPEN and _path(url).is_dir():
            return "it is a folder; a store is a file in one"
        return _FILE.get(code, "").format(folder=_path(url).parent)
    return words(cause) if isinstance(cause, _SERVER) else ""


def told(url: URL, error: BaseException) -> str:
    """The name of an engine's database, without its password, and what went wrong there."""
    name = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
    return f"{name}: {words(error)}"


def words(error: BaseException) -> str:
    """What went wrong, in a line for a person: without SQLAlchemy's statement and its links."""
    found = getattr(error, "orig", None) or error
    if isinstance(found, TimeoutError):
        return "it does not answer in time"
    if isinstance(found, OSError) and found.strerror:
        return f"{found.filename}: {found.strerror}" if found.filename else found.strerror
    return (str(found) or repr(found)).partition("\n")[0]


def _cause(error: BaseException) -> BaseException:
    """What the driver raised: whoever wrapped it, once or twice, has said so."""
    while error.__cause__ is not None and not isinstance(error, (sqlite3.Error, *_SERVER)):
        error = error.__cause__
    return error


def _is_file(url: str) -> bool:
    return make_url(url).drivername == "sqlite"


def _path(url: str) -> Path:
    return Path(str(make_url(url).database))
