"""What to do next about a station's local list, so that it comes to hold what it should."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from consumers.authorizations.local_lists.contents import digest
from consumers.authorizations.local_lists.wording import CALL_BYTES, VERSIONS, entry_bytes, fitting
from consumers.authorizations.tokens import compared
from consumers.meaning.facts import ListEntry
from consumers.tables.projections import Row
from schemas.topics import FRAME_LIMIT_BYTES

ENTRIES_PER_CALL = 20  # where a station does not tell: few enough for most
PAUSES_MS = tuple(60_000 * minutes for minutes in (1, 2, 5, 15, 60))
"""How long after so many failures nothing is tried."""
ANSWER_TIME_MS = 60_000  # from a command's end of validity to its result, at most
EVENT_TIME_MS = 30_000  # from the result to the event of the answer, at most, read from two topics
VERSION_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What a station can take; `entries_max` None: it did not tell how much its list holds."""

    entries_per_call: int = ENTRIES_PER_CALL
    bytes_per_call: int = FRAME_LIMIT_BYTES
    entries_max: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is to hold, by tokens as compared; `left_out` is what does not fit it."""

    entries: Mapping[str, ListEntry]
    digest: str
    left_out: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is to be done before then."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class Check:
    """Ask the station for the version of its list."""


@dataclass(frozen=True, slots=True)
class Learn:
    """Ask the station what its list can take."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a list, or changes of it, with this version."""

    version: int
    full: bool


Asking = Check | Learn | Send
Step = Wait | Asking | None


def limits(row: Row) -> Limits:
    """The limits of a station, from its row as `step` takes it.

    Where it does not tell how many fit one call, it is half of those that were too many.
    """
    per_call, most_bytes, most = (
        row[name] for name in ("entries_per_call", "bytes_per_call", "entries_max")
    )
    if not per_call or per_call < 0:
        too_many = row["too_many"]
        per_call = min(ENTRIES_PER_CALL, too_many // 2) if too_many else ENTRIES_PER_CALL
    return Limits(
        entries_per_call=per_call,
        bytes_per_call=min(most_bytes, FRAME_LIMIT_BYTES)
        if most_bytes and most_bytes > 0
        else FRAME_LIMIT_BYTES,
        entries_max=None if most is None else max(most, 0),
    )


def wanted(tokens: Iterable[ListEntry], version: str, limits: Limits) -> Wanted:
    """What a station's list is to hold of these tokens, in the words of its OCPP version.

    Where there are more than it can hold, those that may charge come first, then the order of the
    tokens as compared decides.
    """
    found = {compared(token.token) or "": fitting(version, token) for token in tokens}
    room = limits.bytes_per_call - CALL_BYTES
    listed = [
        (token, entry)
        for token, entry in sorted(found.items())
        if entry is not None and entry_bytes(version, entry) <= room
    ]
    if limits.entries_max is not None and len(listed) > limits.entries_max:
        listed.sort(key=lambda one: one[1].status != "Accepted")
        listed = sorted(listed[: limits.entries_max])
    entries = dict(listed)
    return Wanted(entries, digest(entries), len(found) - len(entries))


def step(row: Row, wanted_digest: str, *, anything_wanted: bool, now_ms: int) -> Step:
    """What to do next; None: nothing, before some fact or token changes.

    `row` has the columns of `local_list_stations` and `local_lists` (those of its own that begin
    alike: `list_epoch`), null where a station has no row there.
    """
    if not row["connected"] or row["ocpp_version"] not in VERSIONS:
        return None
    if row["enabled"] is False or row["supported"] is False:
        return None
    if not anything_wanted and not _is_ours(row):
        return None
    until_ms = _busy_until_ms(row, now_ms)
    if now_ms < until_ms:
        return Wait(until_ms)
    found = _step(row, wanted_digest)
    return Learn() if isinstance(found, Send) and not _has_told(row) else found


def _has_told(row: Row) -> bool:
    """Whether it told its limits on this connection, or was asked for them."""
    epoch = row["connection_epoch"]
    if row["entries_per_call"] is not None and row["limits_epoch"] == epoch:
        return True
    return row["learned_epoch"] is not None and row["learned_epoch"] >= epoch


def _is_ours(row: Row) -> bool:
    """Whether the station may hold what it was sent from here, and not by somebody else since."""
    if row["lost_ms"] is None or row["ours"]:
        return bool(row["ours"])
    return row["ours"] is None or row["answered_ms"] <= row["lost_ms"]


def _busy_until_ms(row: Row, now_ms: int) -> int:
    """Until when something is awaited, or a pause lasts; 0: it is not so."""
    if row["asked_id"] is not None and row["asked_id"] not in (row["ended_ids"] or "").split():
        until_ms: int = row["asked_until_ms"] + ANSWER_TIME_MS
        if now_ms < until_ms:
            return until_ms
    until_ms = 0
    if row["outcome"] == "answered" and row["ended_id"] not in (row["command_id"], row["told_id"]):
        until_ms = row["ended_ms"] + EVENT_TIME_MS
    if row["failures"]:
        pause_ms = PAUSES_MS[min(row["setbacks"], len(PAUSES_MS)) - 1]
        until_ms = max(until_ms, row["failed_ms"] + pause_ms)
    return until_ms


def _step(row: Row, wanted_digest: str) -> Step:
    top = max(row["top_version"] or 0, row["asked_version"] or 0)
    full = Send(1 if top >= VERSION_MAX else top + 1, full=True)
    if row["version"] is None:
        if row["status"] == "VersionMismatch" and row["told_version"] is None:
            return full if _in_vain(row, row["answered_ms"]) else Check()
        return full
    lost_ms = row["lost_ms"]
    if lost_ms is not None and row["answered_ms"] <= lost_ms:
        # It may have taken what it was sent then.
        return full if _in_vain(row, lost_ms) else Check()
    if row["list_epoch"] != row["connection_epoch"] and not _in_vain(row, row["connected_ms"]):
        # It may have been repaired, reset or exchanged since.
        return Check()
    if row["digest"] == wanted_digest:
        return None
    return full if full.version == 1 else Send(full.version, full=False)


def _in_vain(row: Row, since_ms: int) -> bool:
    """Whether it was asked for its version since then, and cannot tell."""
    return row["vain_ms"] is not None and row["vain_ms"] >= since_ms


def piece(
    held: Mapping[str, ListEntry] | None,
    wanted: Wanted,
    version: str,
    limits: Limits,
) -> tuple[bool, tuple[ListEntry, ...]]:
    """Whether to send a full list, and the entries of the next SendLocalList.

    `held` is what the station is known to hold; None: start anew. A list too long for one call
    begins with a full one of its first entries; the rest are changes to that. So what is to go goes
    first, and the list is never longer than it may be. A list that fits one call replaces the old
    one at once, where changes would need several.
    """
    if held is None:
        return True, tuple(_first(wanted.entries.values(), version, limits))
    changes = list(_changes(held, wanted.entries))
    part = tuple(_first(changes, version, limits))
    if len(part) < len(changes):
        whole = tuple(_first(wanted.entries.values(), version, limits))
        if len(whole) == len(wanted.entries):
            return True, whole
    return False, part


def _changes(held: Mapping[str, ListEntry], wanted: Mapping[str, ListEntry]) -> Iterator[ListEntry]:
    # In 2.x the type is part of what an entry is known by: another type is another entry.
    gone = {
        token: entry
        for token, entry in held.items()
        if token not in wanted or wanted[token].token_type != entry.token_type
    }
    for entry in gone.values():
        yield ListEntry(entry.token, entry.token_type)
    for there in (True, False):
        for token, entry in wanted.items():
            if (token in held) is there and token not in gone and held.get(token) != entry:
                yield entry


def _first(entries: Iterable[ListEntry], version: str, limits: Limits) -> Iterator[ListEntry]:
    """As many as one call takes, and at least one."""
    room = limits.bytes_per_call - CALL_BYTES
    for number, entry in enumerate(entries):
        room -= entry_bytes(version, entry)
        if number and (number >= limits.entries_per_call or room < 0):
            return
        yield entry
