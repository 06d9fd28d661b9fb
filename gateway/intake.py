"""Whether a CALL of a station is taken: what may be asked, in which form, without its secrets."""

from typing import Any

import msgspec

from gateway import redaction, validation
from gateway.frames import MESSAGE_ID_LENGTH, Call, FrameError
from schemas import catalogue
from schemas.catalogue import Action, Version
from schemas.derive import shape


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A CALL that was taken: `payload` for replies, `record` for the log, secrets redacted."""

    action: Action
    payload: dict[str, Any]
    record: dict[str, Any]
    deviations: tuple[str, ...]
    holds_all: bool


def take(call: Call, text: str, version: Version, quirks: frozenset[str]) -> Taken:
    """Check a CALL or SEND; `text` is its whole frame, `quirks` the rules that are bent.

    Raises FrameError with the answer it deserves (none for a SEND).
    """
    action = _permitted(call, version, quirks)
    part = _part(call)
    try:
        checked = validation.check(version.name, call.action, part, call.payload, quirks)
    except validation.PayloadError as error:
        broken = error.violation
        raise _refusal(
            call, broken.rule, broken.code, broken.description, path=broken.path
        ) from None
    deviations, record = checked.deviations, checked.record
    if len(call.message_id) > MESSAGE_ID_LENGTH:
        deviations = (*deviations, "over_long_message_id")
    if redaction.suspicious(text, "" if deviations else call.action):
        redacted = redaction.redact(checked.payload)
        record, _ = validation.record_of(shape(version.name, call.action, part), redacted)
    return Taken(action, checked.payload, record, deviations, checked.holds_all)


def _permitted(call: Call, version: Version, quirks: frozenset[str]) -> Action:
    """The catalogue's row for the action, if a station may ask for it in this way."""
    known = catalogue.action(version.name, call.action)
    if known is None:
        raise _refusal(call, "unknown_action", "NotImplemented", "the action is not known")
    if not known.from_station:
        raise _refusal(call, "wrong_direction", "NotSupported", "only stations are asked this")
    if _part(call) not in known.parts:
        raise _refusal(call, "wrong_frame_kind", "NotSupported", "the action is not sent like this")
    if len(call.message_id) > MESSAGE_ID_LENGTH and "over_long_message_id" not in quirks:
        raise _refusal(call, "over_long_message_id", "FormatViolation", "over 36 characters")
    return known


def _part(call: Call) -> str:
    return "send" if call.send else "request"


def _refusal(
    call: Call, rule: str, code: str, description: str, path: str | None = None
) -> FrameError:
    return FrameError(
        rule,
        None if call.send else code,
        description,
        message_id=call.message_id,
        action=call.action,
        path=path,
    )
