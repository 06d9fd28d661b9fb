"""The records by which the arbiter of commands tells the log what it has found."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from consumers.commands.arbitration import AskAgain, End, Settle
from consumers.tables.projections import Row
from schemas.cloudevents import cloudevent, source
from schemas.replying import Headers, ReplyTo, handed_on

LOST = "gateway_lost"
_WHY = {
    "expired": "it was not sent before it expired",
    "timeout": "a gateway took it, and nobody told what became of it",
    "connection_lost": "the connection on which it was taken has ended; it may have been done",
}
AWAY = "no gateway has the station"
NOT_TAKEN = (
    "not_taken: the station is connected, but its gateway did not take the command in time: it"
    " is late, or the station connected after it was asked"
)
GIVEN_BACK = "given_back: a gateway took it, and went down or lost the connection before it asked"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record for a topic (without prefix), under the station as its key.

    `what` names the thing that it says, so that it is not said twice in a moment.
    """

    what: Hashable
    topic: str
    station: str
    record: Mapping[str, Any]
    headers: Headers


def settled(row: Row, step: Settle, now_ms: int) -> Outgoing:
    """What became of the newest attempt, as far as anybody can say."""
    name, attempt = _name(row), row["attempt"]
    record = {
        "event_id": f"{name}.{attempt}.settled.{step.outcome}" + ".waiting" * step.waiting,
        "type": "settled",
        "epoch": step.epoch,
        "command_id": name,
        "attempt": attempt,
        "outcome": step.outcome,
        "waiting": step.waiting,
    }
    told = _event("connections", row["station"], record, "ocpp.command.settled", now_ms)
    return replace(told, headers=[*told.headers, *_trace(row)])


def result(row: Row, step: End, now_ms: int) -> Outgoing:
    """The CommandResult of a command that no gateway has one of."""
    record = {
        "command_id": _name(row),
        "action": row["action"] or "",
        "attempt": row["attempt"],
        "outcome": step.outcome,
        "error_description": _why(row, step.outcome),
    }
    return _result(row["station"], record, _trace(row), now_ms)


def _why(row: Row, outcome: str) -> str | None:
    if outcome != "offline":
        return _WHY.get(outcome)
    if row["taken_by"] is not None:
        return GIVEN_BACK
    # Both are offsets of the connection log.
    return NOT_TAKEN if row["connected"] and row["epoch"] < row["settled_position"] else AWAY


def invalid(command: Mapping[str, Any], why: str, now_ms: int) -> Outgoing:
    """The CommandResult of a record of commands that is not where it belongs."""
    record = {name: command[name] for name in ("command_id", "action", "attempt")}
    record |= {"outcome": "invalid", "error_description": f"misplaced: {why}"}
    return _result(command["station"], record, [], now_ms)


def again(row: Row, step: AskAgain) -> Outgoing:
    """The command once more, with all that its first record wanted."""
    kept = ("station", "action", "payload", "when_offline", "requested_by")
    record = {name: row[name] for name in kept} | {
        "command_id": _name(row),
        "expires_at": row["expires_ms"],
        "attempt": step.attempt,
        "epoch": step.epoch,
    }
    headers = handed_on(reply_to(row), (row["traceparent"] or "").encode() or None)
    what = (row["command_id"], step)
    return Outgoing(what, "commands", row["station"], record, headers)


def disconnected(connection: Row, now_ms: int) -> Outgoing:
    """The end of a connection whose gateway is gone; how many frames it had is not known."""
    station, epoch = connection["station"], connection["epoch"]
    kept = ("epoch", "connection_id", "gateway", "ocpp_version")
    record = {name: connection[name] for name in kept} | {
        "event_id": f"{epoch}.lost.{station}",
        "type": "disconnected",
        "reason": LOST,
    }
    return _event("connections", station, record, "ocpp.connection.disconnected", now_ms)


def reply_to(row: Row) -> ReplyTo | None:
    """Where a copy of the result is wanted."""
    if row["reply_topic"] is None:
        return None
    correlation = row["reply_correlation"]
    number = row["reply_partition"]
    found = None if correlation is None else bytes.fromhex(correlation)
    return ReplyTo(row["reply_topic"], number, found)


def _result(
    station: str, record: Mapping[str, Any], trace: list[tuple[str, bytes]], now_ms: int
) -> Outgoing:
    event_id = f"{record['command_id']}.{record['attempt']}.result"
    headers = cloudevent(event_id, "ocpp.command.result", source(station), now_ms)
    told = {**record, "station": station, "at": now_ms}
    return Outgoing(event_id, "command-results", station, told, [*headers, *trace])


def _event(
    topic: str, station: str, record: Mapping[str, Any], ce_type: str, now_ms: int
) -> Outgoing:
    headers = cloudevent(record["event_id"], ce_type, source(station), now_ms)
    told = {**record, "station": station, "at": now_ms}
    return Outgoing(record["event_id"], topic, station, told, headers)


def _trace(row: Row) -> list[tuple[str, bytes]]:
    return handed_on(None, (row["traceparent"] or "").encode() or None)


def _name(row: Row) -> str:
    return str(row["exact_id"] or row["command_id"])
