"""A decoded record as one readable line, or as one JSON object."""

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click

from schemas.catalogue import VERSIONS
from schemas.derive import shape
from schemas.times import timestamp

_PART = {"call": "request", "result": "response", "send": "send"}
_ARROWS = {"from_station": "→", "to_station": "←"}
_COLOURS = {"error": "red", "result_error": "red", "rejected": "red", "refused": "red"}
# What every line shows in its own column, or what tells a person nothing.
_ENVELOPE = {
    "event_id",
    "station",
    "connection_id",
    "epoch",
    "sequence",
    "call_sequence",
    "gateway",
    "ocpp_version",
    "direction",
    "kind",
    "action",
    "message_id",
    "observed_at",
    "at",
    "type",
    "deviations",
    "raw",
    "address",
}


class Entry(NamedTuple):
    """One record of the log: its place (topic without prefix), and what it says.

    `record` is None where the bytes mean nothing to us, and `problem` says why.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    record: Mapping[str, Any] | None
    problem: str = ""


def order(entry: Entry) -> tuple[int, int]:
    """Where an event stands among those of its station: (epoch, sequence).

    The epoch of `connected` is its own offset; what has no epoch comes first.
    """
    record = entry.record or {}
    epoch = record.get("epoch")
    if epoch is None and entry.topic == "connections":
        epoch = entry.offset
    return (-1 if epoch is None else epoch), record.get("sequence") or 0


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Events of one station: those that have a sequence by it, the others among them by time."""
    told: tuple[list[Entry], list[Entry]] = ([], [])
    for entry in entries:
        told[(entry.record or {}).get("sequence") is None].append(entry)
    frames, others = told
    return list(heapq.merge(sorted(frames, key=order), sorted(others, key=at_ms), key=at_ms))


def at_ms(entry: Entry) -> int:
    """When it happened, by the clock of whoever told, else by Kafka's; epoch milliseconds."""
    record = entry.record or {}
    return record.get("observed_at") or record.get("at") or entry.timestamp_ms


def payload(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The OCPP payload of a frame as the JSON object that it was; None where there is none."""
    kind = record.get("kind")
    if kind in ("error", "result_error"):
        error = record.get("error")
        return None if error is None else {k: v for k, v in error.items() if v is not None}
    part, version = _PART.get(str(kind)), VERSIONS.get(str(record.get("ocpp_version")))
    if part is None or version is None:
        return None
    ending = f"_{part}"
    for name, value in record.items():
        if value is not None and name.startswith(version.field_prefix) and name.endswith(ending):
            return shape(version.name, record["action"], part).from_avro(value)
    return None


def as_json(entry: Entry) -> str:
    """The record as one JSON object: its place, its envelope, and the payload as OCPP has it."""
    found: dict[str, Any] = {
        "topic": entry.topic,
        "partition": entry.partition,
        "offset": entry.offset,
    }
    if entry.record is None:
        key = entry.key.decode(errors="replace") if entry.key else None
        return json.dumps(found | {"key": key, "problem": entry.problem}, ensure_ascii=False)
    body = payload(entry.record)
    for name, value in entry.record.items():
        if value is not None and not (body is not None and isinstance(value, Mapping)):
            found[name] = timestamp(value) if _is_time(name) else value
    if body is not None:
        found["payload"] = body
    return json.dumps(found, ensure_ascii=False, default=str)


def line(entry: Entry, width: int = 160) -> str:
    """The record as one line of at most about `width` characters, styled for a terminal."""
    record = entry.record
    if record is None:
        key = entry.key.decode(errors="replace") if entry.key else "-"
        at = _clock(entry.timestamp_ms)
        return f"{at} {safe(key):<20} {click.style(safe(f'unreadable: {entry.problem}'), fg='red')}"
    arrow = _ARROWS.get(str(record.get("direction")), "·")
    who = record.get("station") or record.get("address") or record.get("gateway") or ""
    word, kind = _words(entry.topic, record)
    start = safe(f"{_clock(at_ms(entry))} {who:<20} {arrow} {word:<26} {kind:<9} ")
    bent = " ".join(record.get("deviations") or ())
    room = max(width - len(start) - (len(bent) + 3 if bent else 0), 20)
    told = clipped(" ".join(pairs(_told(entry.topic, record))), room)
    colour = _COLOURS.get(kind)
    text = start + told
    styled = click.style(text, fg=colour) if colour else text
    return styled + (" " + click.style(f"[{bent}]", fg="yellow") if bent else "")


def pairs(value: Any, name: str = "") -> Iterator[str]:
    """Flatten a JSON value to `name=value`; of a list the first item: `name[1/8]` is one of 8."""
    match value:
        case Mapping():
            for key, inner in value.items():
                yield from pairs(inner, f"{name}.{key}" if name else str(key))
        case [first, *rest]:
            yield from pairs(first, f"{name}[1/{len(rest) + 1}]" if rest else name)
        case None | [] | "":
            return
        case bool():
            yield f"{name}={str(value).lower()}"
        case _:
            text = " ".join(str(value).split())
            yield f"{name}={text}"


def safe(text: str) -> str:
    """The text without control characters: what a station wrote must not steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def clipped(text: str, width: int) -> str:
    """The text, cut with an ellipsis where it is longer."""
    shown = safe(text)
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def _clock(at_ms: int) -> str:
    """The time of day, in UTC, without the Z."""
    return timestamp(at_ms)[11:-1]


def _words(topic: str, record: Mapping[str, Any]) -> tuple[str, str]:
    """What happened, and of which kind it is."""
    match topic:
        case "connections":
            return str(record["type"]), ""
        case "rejected":
            return str(record.get("action") or "?"), "rejected"
        case "refusals":
            return str(record["reason"]), "refused"
    if "kind" in record and "action" in record:
        return str(record["action"]), str(record["kind"])
    return str(record.get("action") or topic), ""


def _told(topic: str, record: Mapping[str, Any]) -> Any:
    body = payload(record)
    if body is not None:
        return body
    told = {name: value for name, value in record.items() if name not in _ENVELOPE}
    if topic == "refusals":
        del told["reason"]  # it stands in the column of actions
    if topic == "connections":
        first = {"version": record.get("ocpp_version"), "gateway": record.get("gateway")}
        return first | {name: value for name, value in told.items() if value is not False}
    return told


def _is_time(name: str) -> bool:
    return name == "at" or name.endswith(("_at", "_by"))


def merged(batches: Sequence[Sequence[Entry]]) -> list[Entry]:
    """Records of several partitions by time, those of one partition in their own order."""
    return list(heapq.merge(*batches, key=lambda entry: entry.timestamp_ms))
