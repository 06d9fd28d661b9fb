"""What a station's answer to one of our CALLs says of the command, and how the log has it."""

from typing import Any

import msgspec

from gateway import redaction, validation
from gateway.attempts import Attempt
from gateway.commands import Ask
from gateway.effects import Instant
from gateway.events import Event, FrameFacts
from gateway.frames import Error, FrameError, Result
from gateway.journal import Journal
from schemas.derive import shape

# A done Reset must not count as failed for a null: nobody answers an answer, so there is nothing
# to be strict about.
_ALWAYS_BENT = frozenset({"null_field"})


class Told(msgspec.Struct, frozen=True, gc=False):
    """What a result says besides its outcome; see CommandResult."""

    response: str | None = None
    error_code: str | None = None
    error_description: str | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """An answer that was read: the outcome in the words of CommandResult, the event of the frame,
    and what the result tells."""

    what: str
    event: Event
    told: Told


def question(journal: Journal, attempt: Attempt, now: Instant) -> Event:
    """The event of the CALL that asks the command; the attempt gets its place in the order."""
    ask = attempt.asks
    attempt.sequence = journal.number()
    raw = None if ask.holds_all else journal.text(ask.shown)
    facts = _facts(attempt, ask, "call", attempt.sequence, now)
    facts = msgspec.structs.replace(
        facts, direction="to_station", call_sequence=None, deviations=ask.deviations, raw=raw
    )
    return journal.frame(facts, ask.record, ask.shown)


def outcome(  # noqa: PLR0913 - an answer, and what it is the answer to
    journal: Journal,
    attempt: Attempt,
    frame: Result | Error,
    text: str,
    quirks: frozenset[str],
    now: Instant,
) -> Outcome:
    """What the answer says; `text` is its whole frame."""
    if isinstance(frame, Error):
        return _refused(journal, attempt, frame, text, now)
    ask, version = attempt.asks, journal.writer.version
    name, response = ask.action.name, frame.payload.decode()
    try:
        bent = quirks | _ALWAYS_BENT
        checked = validation.check(version.name, name, "response", frame.payload, bent)
    except validation.PayloadError as error:
        broken = error.violation
        letter = FrameError(broken.rule, broken.code, broken.description, path=broken.path)
        return misunderstood(journal, attempt, letter, text, now, response)
    record = checked.record
    if redaction.suspicious(text):
        shown = redaction.redact(checked.payload)
        record, _ = validation.record_of(shape(version.name, name, "response"), shown)
    facts = _facts(attempt, ask, "result", journal.number(), now)
    raw = None if checked.holds_all else journal.text(text)
    facts = msgspec.structs.replace(facts, deviations=checked.deviations, raw=raw)
    event = journal.frame(facts, record, text)
    return Outcome("answered", event, Told(redaction.redact_text(response)))


def _refused(journal: Journal, attempt: Attempt, frame: Error, text: str, now: Instant) -> Outcome:
    details = redaction.redact_text(frame.details.decode())
    description = redaction.redact_text(frame.description)
    record: dict[str, Any] = {"code": frame.code, "description": description, "details": details}
    facts = _facts(attempt, attempt.asks, "error", journal.number(), now)
    event = journal.frame(facts, record, text)
    response = None if details in ("{}", "null") else details
    return Outcome("call_error", event, Told(response, frame.code, description))


def misunderstood(  # noqa: PLR0913 - an answer, and what it is the answer to
    journal: Journal,
    attempt: Attempt,
    error: FrameError,
    text: str,
    now: Instant,
    response: str = "",
) -> Outcome:
    """An answer that cannot be taken: a dead letter that belongs to the command."""
    facts = _facts(attempt, attempt.asks, "result", journal.number(), now)
    letter = FrameError(
        error.rule,
        None,
        error.description,
        message_id=facts.message_id,
        action=facts.action,
        path=error.path,
    )
    code = None if error.code is None else journal.writer.version.error_codes[error.code]
    why = f"{error.rule}: {error.description}"
    told = Told(redaction.redact_text(response) or None, code, why)
    return Outcome("bad_answer", journal.letter(letter, text, facts), told)


def _facts(attempt: Attempt, ask: Ask, kind: str, sequence: int, now: Instant) -> FrameFacts:
    command = attempt.command
    return FrameFacts(
        sequence=sequence,
        at_ms=now.ms,
        direction="from_station",
        kind=kind,
        block=ask.action.block,
        action=command.action,
        message_id=command.message_id,
        call_sequence=attempt.sequence,
        command_id=command.command_id,
        trace=command.trace,
    )
