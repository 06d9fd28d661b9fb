"""What keeping a station's local list depends on: its connection, limits, group, our commands."""

from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, Table

from consumers.authorizations.local_lists.wording import token_length
from consumers.authorizations.tokens import METADATA
from consumers.meaning.facts import (
    At,
    CommandAsked,
    CommandEnded,
    Connected,
    Disconnected,
    Fact,
    LocalListLimitsTold,
    StationListed,
    StationUnlisted,
)
from consumers.meaning.list_commands import CHECK, LEARN, SEND, connection, is_ours
from consumers.meaning.payloads import integer, members, text
from consumers.tables.columns import station, time, whole, words
from consumers.tables.projections import Key, Projection, Row, Rows, found, newer, order, put

STATIONS = Table(
    "local_list_stations",
    METADATA,
    station(),
    words("station_group", "its group, which names its list; null: none"),
    whole("group_epoch", "order of the record that says so"),
    whole("group_sequence", "order of the record that says so"),
    Column("connected", Boolean, comment="null: no connection was ever logged"),
    time("connected_ms", "when the newest connection was made"),
    words("connection_id", "id of the newest connection"),
    words("ocpp_version", "version that it speaks"),
    whole("token_length", "characters of the longest token that it can have; null: not known"),
    whole("connection_epoch", "epoch of the newest connection"),
    Column("enabled", Boolean, comment="whether it uses its list; null: it did not tell"),
    whole("entries_max", "how many tokens its list can hold; null: it did not tell"),
    whole("entries_per_call", "how many fit one SendLocalList; null: it did not tell"),
    whole("bytes_per_call", "how many bytes fit one SendLocalList; null: it did not tell"),
    whole("limits_epoch", "order of what it last told of these"),
    whole("limits_sequence", "order of what it last told of these"),
    words("told_id", "the last command from here that asked for these, and was answered"),
    whole("learned_epoch", "epoch of the connection on which these were last asked for"),
    words("asked_id", "the last command about its list from here"),
    words("asked_action", "its action, such as SendLocalList"),
    whole("asked_version", "the version that a SendLocalList gave to its list"),
    time("asked_until_ms", "it is not sent after this"),
    whole("asked_epoch", "order of its record"),
    whole("asked_sequence", "order of its record"),
    words("ended_id", "the last of these commands that has ended"),
    words("ended_ids", "the last few of them"),
    words("outcome", "how it ended, such as answered or timeout"),
    time("ended_ms", "when it ended"),
    whole("ended_epoch", "order of its result"),
    whole("ended_sequence", "order of its result"),
    whole("failures", "commands in a row that did not do what they should; null: none"),
    words("failed_action", "action of the last of them"),
    whole("setbacks", "such commands, also with good ones between, while they come often"),
    time("failed_ms", "when the last of them ended"),
    time("lost_ms", "when a SendLocalList last ended of which nobody knows what became"),
    time("vain_ms", "when it last could not tell the version of its list, and never will"),
    comment="What keeping the local list of each station depends on.",
)

LOST = frozenset({"timeout", "connection_lost", "bad_answer"})
"""Outcomes after which the station may have done what it was asked, or not."""
OFTEN_MS = 7_200_000
"""Between two failures; one after so long stands alone.

A list that the station has no room for is taken piece by piece, and fails each time at its end.
"""
# Outcomes that would be the same if we asked again.
_FOR_GOOD = frozenset({"call_error", "bad_answer", "invalid", "unsupported"})
# A gateway that was slow may tell once more of a command that is done with.
_KEPT_IDS = 4


def group(fact: Fact) -> Key | None:
    """All of it that is known of a station; commands of others are no concern."""
    match fact:
        case CommandAsked() | CommandEnded():
            return (fact.at.station,) if is_ours(fact.command) else None
        case Connected() | Disconnected() | LocalListLimitsTold():
            return (fact.at.station,)
        case StationListed() | StationUnlisted():
            return (fact.at.station,)
    return None


def evolve(rows: Rows, fact: Fact) -> Rows:
    """The row of a station after one more fact."""
    row = found(rows, STATIONS, (fact.at.station,))
    match fact:
        case Connected():
            changed = _connected(row, fact)
        case Disconnected():
            changed = _disconnected(row, fact)
        case StationListed():
            changed = _grouped(row, fact.at, fact.group)
        case StationUnlisted():
            changed = _grouped(row, fact.at, None)
        case LocalListLimitsTold():
            changed = _limited(row, fact)
        case CommandAsked():
            changed = _asked(row, fact)
        case CommandEnded():
            changed = _ended(row, fact)
        case _:
            changed = row
    return rows if changed is row else put(rows, STATIONS, changed)


def _connected(row: Row, fact: Connected) -> Row:
    if row["connection_epoch"] is not None and fact.at.epoch <= row["connection_epoch"]:
        return row
    return row | {
        "connected": True,
        "connected_ms": fact.at.observed_ms,
        "connection_id": fact.connection_id,
        "ocpp_version": fact.version,
        "token_length": token_length(fact.version),
        "connection_epoch": fact.at.epoch,
    }


def _disconnected(row: Row, fact: Disconnected) -> Row:
    """One whose epoch its gateway never learned is known by the connection's id."""
    if fact.at.epoch >= 0:
        mine = fact.at.epoch == row["connection_epoch"]
    else:
        mine = fact.connection_id is not None and fact.connection_id == row["connection_id"]
    return row | {"connected": False} if mine else row


def _grouped(row: Row, at: At, name: str | None) -> Row:
    if not newer(row, at, "group_"):
        return row
    return row | order(at, "group_") | {"station_group": name or None}


def _limited(row: Row, fact: LocalListLimitsTold) -> Row:
    if row["limits_epoch"] is not None and (fact.at.epoch, fact.at.sequence) < (
        row["limits_epoch"],
        row["limits_sequence"],
    ):
        return row
    told = {
        "enabled": fact.enabled,
        "entries_max": fact.entries_max,
        "entries_per_call": fact.entries_per_call,
        "bytes_per_call": fact.bytes_per_call,
    }
    known: Row = {name: value for name, value in told.items() if value is not None}
    if is_ours(fact.command):
        known["told_id"] = fact.command
    return row | order(fact.at, "limits_") | known


def _asked(row: Row, fact: CommandAsked) -> Row:
    if not newer(row, fact.at, "asked_"):
        return row
    said = _json(fact.payload)
    if fact.action in LEARN:
        # Whatever becomes of it: lists do not wait for what few stations tell.
        row = row | {"learned_epoch": connection(fact.command)}
    return row | {
        "asked_id": fact.command,
        "asked_action": fact.action,
        "asked_version": integer(said.get("versionNumber", said.get("listVersion"))),
        "asked_until_ms": fact.expires_ms,
        **order(fact.at, "asked_"),
    }


def _ended(row: Row, fact: CommandEnded) -> Row:
    """The first result of a command is its result; a later one is void."""
    recent = (row["ended_ids"] or "").split()
    if not newer(row, fact.at, "ended_") or fact.command in recent:
        return row
    ended_ms = fact.at.observed_ms
    row = row | order(fact.at, "ended_")
    row |= {
        "ended_id": fact.command,
        "ended_ids": " ".join([*recent, fact.command][-_KEPT_IDS:]),
        "outcome": fact.outcome,
        "ended_ms": ended_ms,
    }
    if fact.action in LEARN:
        return row
    if fact.action == SEND and fact.outcome in LOST:
        row["lost_ms"] = ended_ms
    if fact.action == CHECK and fact.outcome in _FOR_GOOD:
        row["vain_ms"] = ended_ms
    status = text(_json(fact.response).get("status")) if fact.response else None
    if fact.outcome != "answered" or status not in (None, "Accepted"):
        often = row["failed_ms"] is not None and ended_ms - row["failed_ms"] <= OFTEN_MS
        row |= {
            "failures": (row["failures"] or 0) + 1,
            "setbacks": (row["setbacks"] if often else 0) + 1,
            "failed_action": fact.action,
            "failed_ms": ended_ms,
        }
    elif fact.action == SEND or fact.action == row["failed_action"]:
        # A version that is told mends no list: the pauses between tries go on growing.
        row |= {"failures": None, "failed_action": None}
    return row


def _json(payload: str | None) -> Any:
    try:
        return members(msgspec.json.decode(payload or ""))
    except msgspec.DecodeError:
        return {}


PROJECTION = Projection(
    topics=("connections", "stations", "provisioning", "commands", "command-results"),
    tables=(STATIONS,),
    group=group,
    evolve=evolve,
)
