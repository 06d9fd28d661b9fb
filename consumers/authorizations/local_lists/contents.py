"""The local authorization list of each station: what it holds, and what it was asked by us."""

import hashlib
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, Table, Text

from consumers.authorizations.local_lists import stations
from consumers.authorizations.tokens import METADATA, compared
from consumers.meaning.facts import Fact, ListEntry, LocalListAnswered, LocalListVersionTold
from consumers.meaning.list_commands import is_ours
from consumers.tables.columns import key, station, time, whole, words
from consumers.tables.projections import Key, Projection, Row, Rows, found, newer, order, put

LISTS = Table(
    "local_lists",
    METADATA,
    station(),
    whole("version", "version of its list, where we know what is in that; null: we do not"),
    whole("entries", "how many tokens it holds; null: unknown"),
    words("digest", "of these tokens, to compare lists by; null: unknown"),
    Column("ours", Boolean, comment="whether what it holds may be from here"),
    Column("supported", Boolean, comment="false: it said that it has no such list; null: unknown"),
    words("status", "its last answer to a SendLocalList, such as Accepted; null: an error"),
    whole("told_version", "version that it told since that answer"),
    whole("top_version", "the highest version that it may have heard of"),
    whole("too_many", "entries of a whole list that were too many for one call; null: none known"),
    time("answered_ms", "when it last answered anything about its list"),
    words("command_id", "the command that it answered then; null: none"),
    whole("epoch", "order of that answer"),
    whole("sequence", "order of that answer"),
    comment="What each station said of its local authorization list.",
)
ENTRIES = Table(
    "local_list_entries",
    METADATA,
    station(),
    key("token", Text, "the token as it is compared: A to Z as a to z"),
    words("spelling", "the token as it was sent"),
    words("token_type", "its type, as sent (2.x)"),
    words("status", "Accepted, Blocked ... as sent"),
    time("expires_ms", "it is not valid after this; null: without end"),
    words("group_token", "the group that it belongs to, as sent"),
    comment="The tokens in the local authorization list of each station, as far as known.",
)

_UNKNOWN = {"version": None, "entries": None, "digest": None}


# Lists are long: the rows of tokens that stay are taken as they are.
SAID = ("token", "spelling", "token_type", "status", "expires_ms", "group_token")
_said = itemgetter(*SAID)


def digest(entries: Mapping[str, ListEntry]) -> str:
    """A short text that is the same for the same entries, by their tokens as compared."""
    return _digest([_told_of(*one) for one in sorted(entries.items())])


def _digest(listed: Sequence[tuple[Any, ...]]) -> str:
    return hashlib.blake2b(msgspec.json.encode(listed), digest_size=16).hexdigest()


def _told_of(token: str, one: ListEntry) -> tuple[Any, ...]:
    return token, one.token, one.token_type, one.status, one.expires_ms, one.group


def entry(row: Row) -> ListEntry:
    """The entry that a row of `local_list_entries` tells of."""
    return ListEntry(*_said(row)[1:])


def group(fact: Fact) -> Key | None:
    """The list of a station."""
    return (fact.at.station,) if isinstance(fact, _TAKEN) else None


_TAKEN = (LocalListAnswered, LocalListVersionTold)


def evolve(rows: Rows, fact: Fact) -> Rows:
    """The list of a station after it has answered once more; what comes late is a repetition."""
    assert isinstance(fact, _TAKEN), "the group has chosen"
    row = found(rows, LISTS, (fact.at.station,))
    if not newer(row, fact.at) or (isinstance(fact, LocalListVersionTold) and fact.version is None):
        return rows
    row = row | order(fact.at) | {"answered_ms": fact.at.observed_ms, "command_id": fact.command}
    if isinstance(fact, LocalListVersionTold):
        return _told(rows, row, fact)
    return _answered(rows, row, fact)


def _answered(rows: Rows, row: Row, fact: LocalListAnswered) -> Rows:
    row |= {"status": fact.status, "told_version": None}
    if fact.status != "Accepted":
        # OCPP 1.6, 5.15 and 2.0.1, D01: what Failed leaves behind is not said.
        top = max(row["top_version"] or 0, fact.version or 0)
        row |= {"top_version": top}
        if fact.status == "NotSupported":
            row["supported"] = False
        if fact.status == "Failed" and is_ours(fact.command):
            row["ours"] = True
        if fact.full and fact.status in ("Failed", None):
            # One alone that fails shows that it is not their number.
            row["too_many"] = len(fact.entries) if len(fact.entries) > 1 else None
        return _forgotten(rows, row)
    row |= {"supported": True, "ours": is_ours(fact.command), "top_version": fact.version}
    if fact.version is None or (row["version"] is None and not fact.full):
        return _forgotten(rows, row)
    held = {} if fact.full else {there["token"]: there for there in rows.get(ENTRIES.name, ())}
    for one in fact.entries:
        token = compared(one.token)
        if token is None:
            continue
        if one.status is None and not fact.full:
            held.pop(token, None)
        else:
            said = zip(SAID, _told_of(token, one), strict=True)
            held[token] = {"station": row["station"], **dict(said)}
    return _held(rows, row, fact.version, held)


def _told(rows: Rows, row: Row, fact: LocalListVersionTold) -> Rows:
    """OCPP 1.6, 6.24: 0 is an empty list, -1 none at all. So is 0 in 2.0.1 (D02)."""
    version = fact.version
    assert version is not None, "such a fact tells nothing"
    row |= {"told_version": version, "supported": version >= 0, "top_version": max(version, 0)}
    if version == row["version"]:
        return put(rows, LISTS, row)
    if version == 0:
        return _held(rows, row, 0, {})
    return _forgotten(rows, row)


def _forgotten(rows: Rows, row: Row) -> Rows:
    return {**put(rows, LISTS, row | _UNKNOWN), ENTRIES.name: ()}


def _held(rows: Rows, row: Row, version: int, held: Mapping[str, Row]) -> Rows:
    listed = tuple(held[token] for token in sorted(held))
    found = _digest([_said(one) for one in listed])
    row |= {"version": version, "entries": len(listed), "digest": found}
    return {**put(rows, LISTS, row), ENTRIES.name: listed}


HELD = Projection(
    topics=("local-list",),
    tables=(LISTS, ENTRIES),
    group=group,
    evolve=evolve,
    joins=True,
    published=frozenset({LISTS.name}),
)
PROJECTIONS = (HELD, stations.PROJECTION)
