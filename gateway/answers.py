"""What answers a CALL of a station: text for the station, and the same as a record of the log."""

from dataclasses import dataclass
from typing import Any

import msgspec

from gateway import frames, redaction, replies, validation
from gateway.deviations import deviations
from gateway.replies import ErrorReply, Reply
from schemas.catalogue import Version
from schemas.derive import shape


@dataclass(frozen=True, slots=True)
class Decision:
    """A service's answer to a CALL: `response` is JSON text, or `error_code` says no."""

    event_id: str
    response: str | None
    error_code: str | None = None
    error_description: str | None = None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An answer, ready to go: `kind` is result or error, `record` is for the log, without secrets.

    `deviations` names what of the text the record cannot hold.
    """

    kind: str
    text: str
    record: dict[str, Any]
    deviations: tuple[str, ...] = ()


def judged(
    version: Version, action: str, station: str, payload: dict[str, Any], decision: Decision
) -> Reply | None:
    """What a decision answers to a CALL with this payload; None where it cannot be sent.

    The response has to be valid by the schema, also for a station with quirks.
    """
    if decision.error_code is not None:
        if decision.error_code not in version.error_codes:
            return None
        # OCPP-J 4.2.3: a description has at most 255 characters.
        return ErrorReply(decision.error_code, (decision.error_description or "")[:255])
    try:
        response = msgspec.json.decode(decision.response or "")
        response = replies.completed(version.name, action, station, payload, response)
        raw = msgspec.json.encode(response)
        checked = validation.check(version.name, action, "response", raw, frozenset())
    except (validation.PayloadError, ValueError, RecursionError):
        return None
    return checked.payload


def answer(version: Version, action: str, message_id: str, reply: Reply) -> Answer:
    """The answer that says `reply` to the CALL with this id."""
    if isinstance(reply, ErrorReply):
        text = frames.encode_error(version, message_id, reply.code, reply.description)
        assert text is not None, "only an error without a message id has no text"
        code = version.error_codes[reply.code]
        record = {"code": code, "description": reply.description, "details": "{}"}
        return Answer("error", text, record)
    text = frames.encode_result(message_id, reply)
    form = shape(version.name, action, "response")
    record, holds_all = validation.record_of(form, reply)
    bent: tuple[str, ...] = ()
    if not holds_all:
        bent = tuple(deviations(version.name, action, "response", reply)[1])
    if redaction.suspicious(text, action):
        record, _ = validation.record_of(form, redaction.redact(reply))
    return Answer("result", text, record, bent)
