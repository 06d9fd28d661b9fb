"""The commands to all stations: what was asked, how far it is, and the one result of each."""

from sqlalchemy import Index, MetaData, Table, Text, text

from consumers.commands import live_connections
from consumers.meaning.facts import (
    At,
    CommandAsked,
    CommandEnded,
    CommandSettled,
    CommandTaken,
    Fact,
)
from consumers.tables.columns import key, station, time, whole, words
from consumers.tables.projections import Consumer, Key, Projection, Row, Rows, found, put

METADATA = MetaData()
COMMANDS = Table(
    "commands",
    METADATA,
    station(),
    key("command_id", Text, "chosen by who asked"),
    words("state", "waiting, taken, settled or ended: how far the newest attempt is"),
    words("action", "OCPP action"),
    words("payload", "JSON text, as asked: secrets are named in it, not written"),
    words("requested_by", "who asked"),
    words("when_offline", "fail or wait"),
    time("asked_ms", "when it was first asked; null: that record is not where it belongs"),
    time("expires_ms", "it is never sent after this"),
    whole("attempt", "the newest attempt that anything was said of, from 1"),
    time("issued_ms", "when the newest attempt was asked for"),
    whole("issued_attempt", "that attempt"),
    words("taken_by", "gateway that holds the newest attempt"),
    whole("taken_epoch", "epoch of the connection on which it does"),
    time("taken_ms", "when it took it"),
    words("settled_outcome", "outcome of the newest attempt, in the connection log"),
    time("settled_ms", "when that was settled"),
    whole("claimed_attempt", "the attempt that was taken, settled or both"),
    words("outcome", "of the command: that of its first result"),
    whole("outcome_attempt", "the attempt that had it"),
    words("response", "the station's payload as JSON text"),
    words("error_code", "error word of the CALLERROR, or of the violation"),
    words("error_description", "the same for people"),
    words("message_id", "OCPP-J message id, if it was sent"),
    time("ended_ms", "when it ended; null: it has not"),
    whole("void_results", "how many results came after the first: they count for nothing"),
    whole("asked_position", "offset of the first record in commands"),
    whole("taken_position", "offset of the claim in connections"),
    whole("turn_position", "offset of the claim after which it may be asked; null: it waits"),
    whole("settled_position", "offset of the settlement in connections"),
    whole("result_position", "offset of the first record in command-results"),
    whole("last_result_position", "offset of the last one"),
    Index("commands_by_state", "state", "expires_ms"),
    Index(
        "commands_open",
        *("station", "command_id"),
        postgresql_where=text("state <> 'ended'"),
        sqlite_where=text("state <> 'ended'"),
    ),
    comment="One row for each command",
)
COMMAND_HISTORY = Table(
    "command_history",
    METADATA,
    station(),
    key("command_id", Text),
    key("kind", Text),  # asked, taken, settled or result
    key("position"),  # offset in commands, connections or command-results
    whole("attempt", "the attempt that it is about"),
    words("gateway", "that took it"),
    whole("connection_epoch", "epoch of the connection on which it was taken"),
    words("outcome", "of a settlement or result"),
    time("at_ms", "when"),
    comment="Every record that said something of a command: append-only",
)
COMMAND_ORIGINS = Table(
    "command_origins",
    METADATA,
    station(),
    key("command_id", Text),
    words("exact_id", "the command's id, where it is too long for a key"),
    words("reply_topic", "where a copy of the result is wanted"),
    whole("reply_partition", "in that partition; null: that of the key"),
    words("reply_correlation", "with these bytes, as hex digits"),
    words("traceparent", "W3C Trace Context"),
    comment="What the first record of a command wants beside what it asks; few have anything",
)
WAITING, TAKEN, SETTLED, ENDED = "waiting", "taken", "settled", "ended"
"""The values of `state`. Whatever is not ended is open, and its end is owed."""
UNASKED = ("offline", "expired")
"""Outcomes of an attempt that nobody has sent."""

_ASKED = ("action", "payload", "requested_by", "when_offline", "expires_ms")
_RESULT = ("outcome", "response", "error_code", "error_description", "message_id")
_CLAIM = (
    *("taken_by", "taken_epoch", "taken_ms", "taken_position", "turn_position"),
    *("settled_outcome", "settled_ms", "settled_position"),
)
_KINDS: dict[type[Fact], str] = {
    CommandAsked: "asked",
    CommandTaken: TAKEN,
    CommandSettled: SETTLED,
    CommandEnded: "result",
}


def group(fact: Fact) -> Key | None:
    """All that is known of a command."""
    if isinstance(fact, CommandAsked | CommandTaken | CommandSettled | CommandEnded):
        return fact.at.station, fact.command
    return None


def evolve(rows: Rows, fact: Fact) -> Rows:
    """The rows of a command after one more fact.

    Facts of one topic come in its order, but for repetitions; topics in any.
    """
    assert isinstance(fact, CommandAsked | CommandTaken | CommandSettled | CommandEnded)
    at = fact.at
    row = dict(found(rows, COMMANDS, (at.station, fact.command)))
    row["attempt"] = max(row["attempt"] or fact.attempt, fact.attempt)
    row["void_results"] = row["void_results"] or 0
    match fact:
        case CommandAsked():
            if row["asked_position"] is None and (fact.reply_to or fact.trace or fact.exact):
                rows = put(rows, COMMAND_ORIGINS, _origin(fact))
            _asked(row, fact)
        case CommandTaken() | CommandSettled():
            _claimed(row, fact)
        case CommandEnded():
            _ended(row, fact)
    row["state"] = _state(row)
    return put(put(rows, COMMANDS, row), COMMAND_HISTORY, _entry(at, fact))


def _asked(row: Row, fact: CommandAsked) -> None:
    """The first record says what is asked; later ones ask for another attempt of the same."""
    if row["asked_position"] is None:
        row |= {name: getattr(fact, name) for name in _ASKED}
        row |= {"asked_ms": fact.at.observed_ms, "asked_position": fact.at.epoch}
    if row["issued_attempt"] is None or fact.attempt > row["issued_attempt"]:
        row |= {"issued_ms": fact.at.observed_ms, "issued_attempt": fact.attempt}


def _claimed(row: Row, fact: CommandTaken | CommandSettled) -> None:
    """Of an attempt the first claim counts, and none after it was settled.

    As gateways have it: who arbitrates may say of what was not taken alone that it was not asked,
    or of what was taken to wait alone; and the claim of a connection is void that is made after a
    newer one began.
    """
    if row["claimed_attempt"] is None or fact.attempt > row["claimed_attempt"]:
        row |= dict.fromkeys(_CLAIM) | {"claimed_attempt": fact.attempt}
    if fact.attempt < row["claimed_attempt"] or row["settled_position"] is not None:
        return
    if row["taken_position"] is not None and is_void(row, fact.connection_epoch):
        row |= dict.fromkeys(_CLAIM)
    if isinstance(fact, CommandSettled):
        unasked = fact.gateway is None and fact.outcome in UNASKED
        before = row["turn_position" if fact.waiting else "taken_position"]
        if unasked and before is not None:
            return
        row |= {"settled_outcome": fact.outcome, "settled_ms": fact.at.observed_ms}
        row["settled_position"] = fact.at.epoch
    elif row["taken_position"] is None:
        row |= {"taken_by": fact.gateway, "taken_epoch": fact.connection_epoch}
        row |= {"taken_ms": fact.at.observed_ms, "taken_position": fact.at.epoch}
        row["turn_position"] = None if fact.waiting else fact.at.epoch
    elif row["turn_position"] is None and row["taken_epoch"] == fact.connection_epoch:
        row["turn_position"] = None if fact.waiting else fact.at.epoch


def is_void(row: Row, newest: int | None) -> bool:
    """Whether the attempt was taken on a connection after the one with this epoch had begun.

    An epoch is an offset in the same partition, so both are in one order.
    """
    epoch = row["taken_epoch"]
    return None not in (epoch, newest) and bool(epoch < newest < row["taken_position"])


def _ended(row: Row, fact: CommandEnded) -> None:
    """The first record is the result; others are void, and counted."""
    if row["result_position"] is None:
        row |= {name: getattr(fact, name) for name in _RESULT}
        row |= {"outcome_attempt": fact.attempt, "ended_ms": fact.at.observed_ms}
        row |= {"result_position": fact.at.epoch, "last_result_position": fact.at.epoch}
        if row["asked_position"] is None:
            row["action"] = fact.action
    elif fact.at.epoch > row["last_result_position"]:
        row["void_results"] += 1
        row["last_result_position"] = fact.at.epoch


def _state(row: Row) -> str:
    if row["result_position"] is not None:
        return ENDED
    if row["claimed_attempt"] != row["attempt"]:
        return WAITING
    return TAKEN if row["settled_position"] is None else SETTLED


def _origin(fact: CommandAsked) -> Row:
    origin: Row = dict.fromkeys(COMMAND_ORIGINS.columns.keys())
    origin |= {"station": fact.at.station, "command_id": fact.command, "exact_id": fact.exact}
    origin["traceparent"] = fact.trace and fact.trace.decode()
    if (to := fact.reply_to) is not None:
        origin |= {"reply_topic": to.topic, "reply_partition": to.partition}
        if to.correlation is not None:
            origin["reply_correlation"] = to.correlation.hex()
    return origin


def _entry(at: At, fact: CommandAsked | CommandTaken | CommandSettled | CommandEnded) -> Row:
    entry: Row = dict.fromkeys(COMMAND_HISTORY.columns.keys())
    for name in ("gateway", "connection_epoch", "outcome"):
        entry[name] = getattr(fact, name, None)
    entry |= {"station": at.station, "command_id": fact.command, "kind": _KINDS[type(fact)]}
    return entry | {"position": at.epoch, "attempt": fact.attempt, "at_ms": at.observed_ms}


PROJECTION = Projection(
    topics=("commands", "connections", "command-results"),
    tables=(COMMANDS, COMMAND_HISTORY, COMMAND_ORIGINS),
    group=group,
    evolve=evolve,
    appended=frozenset({COMMAND_HISTORY.name, COMMAND_ORIGINS.name}),
    published=frozenset({COMMANDS.name}),
)
CONSUMER = Consumer("commands", (PROJECTION, live_connections.PROJECTION))
