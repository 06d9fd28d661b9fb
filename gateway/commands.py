"""A command of the log as the CALL that asks it, or as the verdict that it cannot be asked."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from gateway import frames, redaction, validation
from schemas import catalogue
from schemas.catalogue import Action, Version
from schemas.derive import shape
from schemas.forms import Form, form
from schemas.replying import ReplyTo, reply_to, trace
from schemas.traces import Context

Secret = Callable[[str], str | None]
"""Name -> what the operator's store holds under it."""


class Command(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One attempt of a command, as it stands in the log.

    Times are epoch milliseconds; `written_ms` is when it came into the log. `message_id` is chosen
    for the CALL that asks it. `trace` is the traceparent that came with it, or the place of what is
    done about it. With an `epoch` it is for the connection with that one, and for no other.
    """

    command_id: str
    action: str
    payload: str
    expires_ms: int
    attempt: int
    written_ms: int
    message_id: str
    reply_to: ReplyTo | None = None
    trace: Context | None = None
    epoch: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Which attempt of which command."""
        return self.command_id, self.attempt


class Ask(msgspec.Struct, frozen=True, gc=False):
    """The frame that asks a command; `shown` and `record` are for the log, without secrets.

    `holds_all` is False where the record does not hold all that is in the frame.
    """

    action: Action
    text: str
    shown: str
    record: dict[str, Any]
    deviations: tuple[str, ...]
    holds_all: bool


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """A command that is not asked: its outcome, and why (`code` is an error word)."""

    outcome: str
    code: str | None
    description: str


def command_of(
    record: Mapping[str, Any],
    headers: Iterable[tuple[str, bytes]],
    written_ms: int,
    message_id: str,
    follow: Callable[[bytes | None], Context | None] = lambda traceparent: traceparent,
) -> Command:
    """The command in a decoded record; `headers` are those of its Kafka record.

    `follow` makes its place in a trace of the traceparent that came with it.
    """
    told = dict(headers)
    return Command(
        command_id=record["command_id"],
        action=record["action"],
        payload=record["payload"],
        expires_ms=record["expires_at"],
        attempt=record["attempt"],
        written_ms=written_ms,
        message_id=message_id,
        reply_to=reply_to(told),
        trace=follow(trace(told)),
        epoch=record.get("epoch"),
    )


def asked(command: Command, version: Version, secret: Secret, limit: int) -> Ask | Verdict:
    """What asks a command of a station of this version; `limit` is that of a frame, in bytes.

    Checked by the schema without any quirk, and written in the order of the OCA's schema: some
    stations compare texts.
    """
    action = catalogue.action(version.name, command.action)
    if action is None or not action.to_station:
        why = "has no such action" if action is None else "has no station that is asked this"
        return Verdict("unsupported", None, f"OCPP {version.name} {why}")
    hidden = _Hidden(secret)
    try:
        sent = msgspec.json.decode(command.payload)
        payload = hidden.filled(sent)
        raw = msgspec.json.encode(payload) if hidden.used else command.payload.encode()
        checked = validation.check(version.name, action.name, "request", raw, frozenset())
    except validation.PayloadError as error:
        broken = error.violation
        told = f"{broken.rule}: {broken.description}"
        return Verdict("invalid", version.error_codes[broken.code], told)
    except _SecretError as error:
        return Verdict("invalid", None, f"no secret of this name is held: {error}")
    except (ValueError, RecursionError):
        return Verdict("invalid", None, "not_json: the payload is not JSON that can be read")
    whole = form(version.name, action.name, "request")
    text = frames.encode_call(command.message_id, action.name, ordered(whole, checked.payload))
    if len(text.encode()) > limit:
        return Verdict("invalid", None, f"frame_too_large: more than {limit} bytes")
    record, shown = checked.record, text
    if hidden.used or redaction.suspicious(text, action.name):
        veiled = redaction.redact(hidden.veiled(sent))
        shown = frames.encode_call(command.message_id, action.name, ordered(whole, veiled))
        record, _ = validation.record_of(shape(version.name, action.name, "request"), veiled)
    return Ask(action, text, shown, record, checked.deviations, checked.holds_all)


class _SecretError(Exception):
    """A secret is named that nobody holds."""


class _Hidden:
    """Puts secrets in the place of their names, or a word that says no more."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self.used = False

    def filled(self, value: Any) -> Any:
        """The value with all its secrets. _SecretError: one of them is not held."""
        return self._walked(value, self._found)

    def veiled(self, value: Any) -> Any:
        """The value as the log may have it."""
        return self._walked(value, lambda _: redaction.REDACTED)

    def _found(self, name: str) -> str:
        self.used = True
        text = self._secret(name)
        if text is None:
            raise _SecretError(name)
        return text

    def _walked(self, value: Any, put: Callable[[str], str]) -> Any:
        match value:
            case {"$secret": str() as name, **rest} if not rest:
                return put(name)
            case dict():
                return {key: self._walked(item, put) for key, item in value.items()}
            case list():
                return [self._walked(item, put) for item in value]
        return value


def ordered(whole: Form, value: Any) -> Any:
    """A payload with the keys of each object in the order of the schema, the vendor's own last."""
    if whole.items is not None and isinstance(value, list):
        return [ordered(whole.items, item) for item in value]
    if not isinstance(value, dict) or not whole.fields:
        return value
    known = {
        field.name: ordered(field.form, value[field.name])
        for field in whole.fields
        if field.name in value
    }
    return known | {name: item for name, item in value.items() if name not in known}
