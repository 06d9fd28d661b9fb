"""OCPP-J text to frame values, and frame values to text."""

import json
import re
from typing import Annotated, Literal

import msgspec

from schemas.catalogue import Version

CALL, RESULT, ERROR, RESULT_ERROR, SEND = 2, 3, 4, 5, 6

MESSAGE_ID_LENGTH = 36  # OCPP-J 1.6 section 4.1.4, OCPP 2.x part 4 section 4.1.4
MESSAGE_ID_LENGTH_TAKEN = 255  # what the `over_long_message_id` quirk bends it to
UNREADABLE_ID = "-1"  # OCPP 2.x part 4, section 4.2.3: the id of an answer to what has none


class Call(msgspec.Struct, frozen=True, gc=False):
    """A CALL (or a SEND, OCPP 2.1): a request and its name; `payload` is JSON text."""

    message_id: str
    action: str
    payload: bytes
    send: bool = False


class Result(msgspec.Struct, frozen=True, gc=False):
    """A CALLRESULT: `payload` is JSON text, to be read by the schema of the call it answers."""

    message_id: str
    payload: bytes


class Error(msgspec.Struct, frozen=True, gc=False):
    """A CALLERROR, or (`of_result`, OCPP 2.1) a CALLRESULTERROR; `details` is JSON text."""

    message_id: str
    code: str
    description: str
    details: bytes
    of_result: bool = False


Frame = Call | Result | Error


class FrameError(Exception):
    """A frame that cannot be taken, with the answer it deserves.

    `rule` names what was broken; `code` is the OCPP error word in its 2.x spelling, None where
    the station gets no answer; `message_id` and `action` are what could be read of them.
    """

    def __init__(  # noqa: PLR0913 - the columns of a dead letter
        self,
        rule: str,
        code: str | None,
        description: str,
        *,
        message_id: str | None = None,
        action: str | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(description)
        self.rule = rule
        self.code = code
        self.description = description
        self.message_id = message_id
        self.action = action
        self.path = path


_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MESSAGE_ID_LENGTH_TAKEN)]
_plain_call = msgspec.json.Decoder(tuple[Literal[2], _Name, _Name, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]").search
# The head of a CALL whose rest is no JSON: enough to answer it by its id.
_call_head = re.compile(r'\s*\[\s*2\s*,\s*"([^"\\]{1,255})"\s*(?:,\s*"([^"\\]{1,50})")?')
# Answers and SENDs are never answered, however broken they are.
_unanswered_head = re.compile(r"\s*\[\s*[3-6]\s*,")


def decode(text: str, version: Version) -> Frame:
    """The frame in one text message (OCPP-J 1.6 section 4, OCPP 2.x part 4 section 4).

    Raises FrameError for everything that is no frame of `version`.
    """
    try:
        _, message_id, action, payload = _plain_call.decode(text)
        return Call(message_id, action, bytes(payload))
    except (ValueError, RecursionError):
        return _by_elements(text, version)


def _by_elements(text: str, version: Version) -> Frame:
    if not text or text.isspace():
        raise FrameError("empty_frame", None, "the frame is empty")
    try:
        elements = _split(text)
        kind = _integer(elements[0]) if elements else None
    except (ValueError, RecursionError) as error:
        raise _unreadable(text, version, error) from None
    match kind:
        case 2 | 6 if kind in version.message_types:
            return _call(elements, version, send=kind == SEND)
        case 3:
            _arity(elements, (3,), version)
            return Result(_answered_id(elements[1]), bytes(elements[2]))
        case 4 | 5 if kind in version.message_types:
            return _error(elements, version, of_result=kind == RESULT_ERROR)
        case _:
            # OCPP-J 1.6 section 4.1.3: an unknown message type is ignored; 2.x has a word for it.
            raise FrameError(
                "unknown_message_type",
                "MessageTypeNotSupported" if version.framework_errors else None,
                "the first element is no message type of this version",
                message_id=_echoed(elements, version),
            )


def _split(text: str) -> list[msgspec.Raw]:
    try:
        return _elements.decode(text)
    except msgspec.DecodeError:
        if _SURROGATE(text) is None:
            raise
    # Half a surrogate pair is JSON by its grammar (RFC 8259, 8.2), but msgspec refuses it, and no
    # frame is refused here for what its payload says: that is for the rules of payloads.
    elements = json.loads(text)
    if not isinstance(elements, list):
        raise msgspec.DecodeError("Expected `array`")
    return [msgspec.Raw(json.dumps(element).encode()) for element in elements]


def _call(elements: list[msgspec.Raw], version: Version, *, send: bool = False) -> Call:
    _arity(elements, (4,), version)
    message_id, action = _text(elements[1]), _text(elements[2])
    code = None if send else _framework(version)
    if not message_id or len(message_id) > MESSAGE_ID_LENGTH_TAKEN:
        raise FrameError(
            "message_id",
            code,
            f"a message id is a text of 1 to {MESSAGE_ID_LENGTH} characters",
            message_id=_echoed(elements, version),
            action=action,
        )
    if not action:
        raise FrameError("action", code, "the action is no text", message_id=message_id)
    return Call(message_id, action, bytes(elements[3]), send)


def _error(elements: list[msgspec.Raw], version: Version, *, of_result: bool) -> Error:
    # Stations leave out the details or the description, or send null for them.
    _arity(elements, (3, 4, 5), version)
    parts = [_text(element) or "" for element in elements[2:4]]
    return Error(
        _answered_id(elements[1]),
        parts[0],
        parts[1] if len(parts) > 1 else "",
        bytes(elements[4]) if len(elements) > 4 else b"{}",
        of_result,
    )


def _arity(elements: list[msgspec.Raw], allowed: tuple[int, ...], version: Version) -> None:
    if len(elements) in allowed:
        return
    # Only a CALL is answered: an answer to an answer would never end.
    answered = _integer(elements[0]) == CALL
    raise FrameError(
        "arity",
        _framework(version) if answered else None,
        f"the frame has {len(elements)} elements",
        message_id=_echoed(elements, version),
    )


def _echoed(elements: list[msgspec.Raw], version: Version) -> str | None:
    """What an answer can carry of a message id, even of one that is a number or too long."""
    if len(elements) < 2:
        return None
    sent, raw = _text(elements[1]), bytes(elements[1])
    if raw.lstrip(b"-")[:1].isdigit():
        sent = raw.decode()
    if not sent:
        # There is nothing to answer to: 2.x has an id for that (part 4, 4.2.3), 1.6 has not.
        return None if version.framework_errors else ""
    return sent[:MESSAGE_ID_LENGTH_TAKEN]


def _answered_id(element: msgspec.Raw) -> str:
    message_id = _text(element)
    if not message_id:
        raise FrameError("message_id", None, "an answer needs the message id of its call")
    return message_id


def _framework(version: Version) -> str:
    return "RpcFrameworkError" if version.framework_errors else "FormatViolation"


def _unreadable(text: str, version: Version, error: Exception) -> FrameError:
    head = _call_head.match(text)
    code = "FormatViolation" if head else _framework(version)
    if isinstance(error, RecursionError):
        rule, description = "nesting", "the frame is nested too deeply"
    else:
        rule, description = "malformed_json", f"no JSON array: {error}"
    return FrameError(
        rule,
        None if _unanswered_head.match(text) else code,
        description,
        message_id=head[1] if head else None,
        action=head[2] if head else None,
    )


def _text(raw: msgspec.Raw) -> str | None:
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _integer(raw: msgspec.Raw) -> int | None:
    try:
        return msgspec.json.decode(raw, type=int)
    except msgspec.ValidationError:
        return None


def encode_call(message_id: str, action: str, payload: dict[str, object]) -> str:
    """The text of a CALL; key order as given, which is the order of the OCA's schema."""
    return msgspec.json.encode((CALL, message_id, action, payload)).decode()


def encode_result(message_id: str, payload: dict[str, object]) -> str:
    """The text of a CALLRESULT; key order as given, which is the order of the OCA's schema."""
    return msgspec.json.encode((RESULT, message_id, payload)).decode()


def encode_error(
    version: Version, message_id: str | None, code: str, description: str
) -> str | None:
    """The text of a CALLERROR with the word of this version for `code` (2.x spelling).

    None where the version has no way to say it: OCPP 1.6 knows no id for what has none.
    """
    if message_id is None:
        if not version.framework_errors:
            return None
        message_id = UNREADABLE_ID
    word = version.error_codes.get(code, code)
    # 1.6 and 2.x alike: at most 255 characters of description, details always an object.
    return msgspec.json.encode((ERROR, message_id, word, description[:255], {})).decode()
