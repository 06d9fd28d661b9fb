"""What records say that are no frames: connections, commands, tokens and stations."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from consumers.meaning.facts import (
    At,
    CommandAsked,
    CommandEnded,
    CommandSettled,
    CommandTaken,
    Connected,
    Disconnected,
    Fact,
    StationListed,
    StationUnlisted,
    TokenIssued,
    TokenRemoved,
)
from consumers.meaning.payloads import Json, identifier, text
from schemas.identity import folded_token
from schemas.replying import Headers, reply_to, trace

ReadRecord = Callable[[Json, int, int], list[Fact]]
"""What a record says that stands at an offset, and was written at (epoch milliseconds)."""


def removed(topic: str, key: str, position: int, written_ms: int) -> list[Fact]:
    """What it says that a record without a value has this key; nothing but in compacted topics."""
    match topic:
        case "id-tokens":
            return [TokenRemoved(_at(topic, "", position, written_ms, key), key)]
        case "stations":
            return [StationUnlisted(_at(topic, key, position, written_ms, key))]
    return []


def _connection(record: Json, position: int, written_ms: int) -> list[Fact]:
    match record["type"]:
        case "connected":
            at = At(record["station"], position, 0, record["at"], record["event_id"])
            return [
                Connected(
                    at,
                    gateway=record["gateway"],
                    version=record["ocpp_version"],
                    remote_address=text(record["remote_address"]),
                    connection_id=record["connection_id"],
                    security_profile=record["security_profile"],
                )
            ]
        case "disconnected":
            epoch, sequence = record["epoch"], record["sequence"]
            at = At(
                record["station"],
                -1 if epoch is None else epoch,
                -1 if sequence is None else sequence,
                record["at"],
                record["event_id"],
            )
            end = record["connection_id"], record["close_code"], record["reason"]
            return [Disconnected(at, *end)]
        case "taken" | "settled" as claim if record["command_id"] is not None:
            at = At(record["station"], position, 0, record["at"], record["event_id"])
            return [_claim(claim, at, record)]
    return []


def _claim(kind: str, at: At, record: Json) -> Fact:
    command = _name(record["command_id"])
    attempt = 1 if record["attempt"] is None else record["attempt"]
    if kind == "settled":
        outcome, gateway = text(record["outcome"]), text(record["gateway"])
        return CommandSettled(
            at, command, attempt, outcome, gateway, record["epoch"], record["waiting"]
        )
    gateway = text(record["gateway"])
    return CommandTaken(at, command, attempt, gateway, record["epoch"], record["waiting"])


def _command(record: Json, position: int, written_ms: int) -> list[Fact]:
    exact = record["command_id"]
    return [
        CommandAsked(
            _at("commands", record["station"], position, written_ms),
            command=_name(record["command_id"]),
            action=text(record["action"]) or "",
            payload=text(record["payload"]) or "",
            expires_ms=record["expires_at"],
            when_offline=text(record["when_offline"]) or "fail",
            attempt=record["attempt"],
            requested_by=text(record["requested_by"]),
            exact=None if exact == _name(exact) else exact,
        )
    ]


def followed(facts: Iterable[Fact], headers: Headers) -> list[Fact]:
    """The facts of a record of commands, with what its headers want."""
    told = dict(headers)
    return [
        replace(fact, reply_to=reply_to(told), trace=trace(told))
        if isinstance(fact, CommandAsked)
        else fact
        for fact in facts
    ]


def _result(record: Json, position: int, written_ms: int) -> list[Fact]:
    return [
        CommandEnded(
            _at("command-results", record["station"], position, record["at"]),
            command=_name(record["command_id"]),
            action=text(record["action"]) or "",
            attempt=record["attempt"],
            outcome=text(record["outcome"]) or "",
            response=text(record["response"]),
            error_code=text(record["error_code"]),
            error_description=text(record["error_description"]),
            message_id=text(record["message_id"]),
        )
    ]


def _token(record: Json, position: int, written_ms: int) -> list[Fact]:
    folded = folded_token(record["token"])
    return [
        TokenIssued(
            _at("id-tokens", "", position, written_ms, folded),
            folded=folded,
            token=record["token"],
            token_type=text(record["type"]),
            status=text(record["status"]),
            expires_ms=record["expires_at"],
            group=text(record["group"]),
            lists=tuple(text(name) or "" for name in record["lists"] or ()),
        )
    ]


def _station(record: Json, position: int, written_ms: int) -> list[Fact]:
    changed_ms = written_ms if record["at"] is None else record["at"]
    at = _at("stations", record["station"], position, changed_ms)
    return [StationListed(at, text(record["group"]))]


def _at(topic: str, station: str, position: int, at_ms: int, key: str | None = None) -> At:
    """Where a record stands whose order is that of its own topic."""
    key = station if key is None else key
    return At(station, position, 0, at_ms, f"{topic}.{position}.{key}")


def _name(command_id: str) -> str:
    """The id of a command as it is a key of tables."""
    return identifier(command_id) or ""


RECORDS: Mapping[str, ReadRecord] = MappingProxyType(
    {
        "connections": _connection,
        "commands": _command,
        "command-results": _result,
        "id-tokens": _token,
        "stations": _station,
    }
)
"""Topic -> what reads its records."""
