"""A record of the log as the console keeps it: what its pages need, small, and ready to be sent."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from chargewire.log.summary import Entry, clipped, order, pairs, payload
from consumers.meaning.payloads import Json

PAYLOAD_MAX_BYTES = 65_536
"""A larger payload is not kept, but for its beginning as text."""
TEXT_MAX = 16_384  # characters of a dead letter
_SUMMARY_MAX = 200
_USUAL_BYTES = 4096
_ID_MAX = 2**53  # what lies beyond is no number to JavaScript

_encode = msgspec.json.Encoder(decimal_format="string").encode
NULL = msgspec.Raw(b"null")
# What stands in columns of its own, or tells a person nothing.
_ENVELOPE = frozenset(
    {
        *("event_id", "station", "connection_id", "epoch", "sequence", "call_sequence", "gateway"),
        *("ocpp_version", "direction", "kind", "action", "message_id", "observed_at", "at", "type"),
        *("deviations", "raw", "command_id"),
    }
)


class Told(msgspec.Struct, kw_only=True, gc=False):
    """An event, whichever topic it is from. `no` is its number among all, 0: none yet.

    `payload` and `letter` (what a dead letter has beside) are JSON already.
    """

    topic: str
    station: str
    at_ms: int
    place: tuple[int, int]
    action: str
    summary: str
    payload: msgspec.Raw
    no: int = 0
    event_id: str | None = None
    direction: str | None = None
    kind: str | None = None
    message_id: str | None = None
    call_sequence: int | None = None
    command_id: str | None = None
    deviations: list[str] = []
    decided: bool = False  # a service was asked for the answer to this call
    text: str | None = None
    letter: msgspec.Raw | None = None

    @property
    def is_frame(self) -> bool:
        """Whether it went over the websocket."""
        return self.direction is not None

    @property
    def weight(self) -> int:
        """How many usual events take as much room."""
        size = len(bytes(self.payload)) + len(self.text or "")
        if self.letter is not None:
            size += len(bytes(self.letter))
        return 1 + size // _USUAL_BYTES

    def event(self) -> dict[str, Any]:
        """As lists of events and the stream have it."""
        return {
            "id": self.no,
            "topic": self.topic,
            "station": self.station,
            "at_ms": self.at_ms,
            "direction": self.direction,
            "kind": self.kind,
            "action": self.action,
            "summary": self.summary,
            "payload": self.payload,
            "event_id": self.event_id,
            "epoch": self.place[0],
            "sequence": self.place[1],
            "deviations": self.deviations,
            "rejected": self._rejected(),
        }

    def _rejected(self) -> dict[str, Any] | None:
        """What was wrong with a dead letter."""
        letter = None if self.letter is None else msgspec.json.decode(self.letter)
        return letter and {"rule": letter["rule"], "path": letter["path"]}

    def frame(self) -> dict[str, Any]:
        """As the conversation with a station has it."""
        epoch, sequence = self.place
        is_error = self.kind in _ERRORS
        shown = {
            "event_id": self.event_id,
            "sequence": sequence,
            "epoch": epoch,
            "at_ms": self.at_ms,
            "direction": self.direction,
            "kind": self.kind,
            "action": self.action,
            "message_id": self.message_id,
            "call_sequence": self.call_sequence,
            "payload": NULL if is_error else self.payload,
            "error": self.payload if is_error else None,
            "deviations": self.deviations,
            "command_id": self.command_id,
            "decided": self.decided,
            "rejected": self._rejected(),
        }
        text = self.text if self.letter is None else msgspec.json.decode(self.letter)["text"]
        return shown if text is None else shown | {"text": text}

    def dead_letter(self) -> dict[str, Any]:
        """As the list of dead letters has it."""
        letter = {} if self.letter is None else msgspec.json.decode(self.letter)
        return {
            "event_id": self.event_id,
            "station": self.station,
            "at_ms": self.at_ms,
            "direction": self.direction,
        } | letter


_ERRORS = frozenset({"error", "result_error"})


def told(entry: Entry) -> Told | None:
    """The event that a record is; None for one that is none: claims of commands, bytes unread."""
    record = entry.record
    if record is None or not record.get("station"):
        return None
    if entry.topic == "connections":
        return _connection(entry, record)
    if "rule" in record:
        return _dead_letter(entry, record)
    return _frame(entry, record)


def _connection(entry: Entry, record: Json) -> Told | None:
    if record["type"] not in ("connected", "disconnected"):
        return None
    said = {
        name: value for name, value in record.items() if value is not None and name not in _ENVELOPE
    }
    for name in ("gateway", "ocpp_version"):
        if record.get(name):
            said[name] = record[name]
    return Told(**_place(entry, record), action=record["type"], **_said(said))


def _frame(entry: Entry, record: Json) -> Told:
    try:
        said: Any = payload(record)
    except (ValueError, OverflowError, RecursionError):
        said = None  # a time or text that is none: the rest is kept
    shown = _said(said)
    if (raw := record.get("raw")) is not None:
        shown["text"] = _cut(raw, TEXT_MAX)
    return Told(**_place(entry, record), **_envelope(record), **shown)


def _dead_letter(entry: Entry, record: Json) -> Told:
    letter = {name: record.get(name) for name in ("rule", "path", "size", "answer", "ocpp_version")}
    letter["text"] = _cut(record.get("text") or "", TEXT_MAX)
    summary = f"rule={letter['rule']}" + (f" path={letter['path']}" if letter["path"] else "")
    return Told(
        **_place(entry, record),
        **_envelope(record),
        summary=summary,
        payload=NULL,
        letter=msgspec.Raw(_encode(letter)),
    )


def _place(entry: Entry, record: Json) -> dict[str, Any]:
    return {
        "topic": entry.topic,
        "station": record["station"],
        "event_id": record.get("event_id"),
        "at_ms": record.get("observed_at") or record.get("at") or entry.timestamp_ms,
        "place": order(entry),
    }


def _envelope(record: Json) -> dict[str, Any]:
    return {
        "action": record.get("action") or "?",
        "direction": record["direction"],
        "kind": record.get("kind"),
        "message_id": record.get("message_id"),
        "call_sequence": record.get("call_sequence"),
        "command_id": record.get("command_id"),
        "deviations": list(record.get("deviations") or ()),
        "decided": record.get("decision_by") is not None,
    }


def _said(said: Mapping[str, Any] | None) -> dict[str, Any]:
    """Payload, and its summary in a line."""
    summary = "" if said is None else clipped(" ".join(pairs(said)), _SUMMARY_MAX)
    raw = b"null" if said is None else _encode(whole(said))
    if len(raw) <= PAYLOAD_MAX_BYTES:
        return {"summary": summary, "payload": msgspec.Raw(raw)}
    text = _cut(raw.decode(), TEXT_MAX)
    return {"summary": summary, "payload": NULL, "text": text}


def whole(value: Any) -> Any:
    """The value with numbers that JavaScript cannot hold as texts."""
    match value:
        case bool():
            return value
        case int() if not -_ID_MAX < value < _ID_MAX:
            return str(value)
        case dict():
            return {name: whole(inner) for name, inner in value.items()}
        case list():
            return [whole(inner) for inner in value]
    return value


def as_value(text: str | None) -> Any:
    """The value of a JSON text; the text itself where it is none."""
    try:
        value = None if text is None else whole(json.loads(text))
        _encode(value)  # half a surrogate pair, for one, cannot be sent as it is
    except (ValueError, RecursionError):
        return text
    return value


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + "…"
