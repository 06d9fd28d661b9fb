"""Writes the frames of one connection down as events, in their one order."""

from typing import Any

from gateway import frames, redaction
from gateway.effects import Effect, Ended, Instant, Record, Write
from gateway.events import Event, FrameFacts, UnencodableError, Writer
from gateway.frames import FrameError
from schemas.traces import Trace


class Journal:
    """The events of a connection's frames; `limit` bounds the text kept of one, in characters."""

    __slots__ = ("_sequence", "limit", "writer")

    def __init__(self, writer: Writer, limit: int) -> None:
        self.writer = writer
        self.limit = limit
        self._sequence = 0

    def number(self) -> int:
        """The next place in the order; frames of both directions share it."""
        self._sequence += 1
        return self._sequence

    def text(self, text: str) -> str:
        """The text of a frame as the log may have it: without secrets, and not too long."""
        return redaction.redact_text(text)[: self.limit]

    def frame(self, facts: FrameFacts, record: dict[str, Any], text: str) -> Event:
        """The event of a frame; a dead letter where Avro cannot hold its payload."""
        try:
            return self.writer.frame(facts, record)
        except UnencodableError as error:
            # The dead letter is as durable as the event would be, so the reply is not touched.
            letter = FrameError(
                "unencodable",
                None,
                str(error),
                message_id=facts.message_id,
                action=facts.action,
            )
            return self.letter(letter, text, facts)

    def letter(self, error: FrameError, text: str, facts: FrameFacts) -> Event:
        """The dead letter of a frame of which all is known that an event would say."""
        return self.writer.rejected(
            error,
            self.text(text),
            _size(text),
            facts.sequence,
            facts.at_ms,
            kind=facts.kind,
            call_sequence=facts.call_sequence,
            command_id=facts.command_id,
            trace=facts.trace,
        )

    def rejected(
        self,
        error: FrameError,
        text: str,
        now: Instant,
        size: int | None = None,
        *,
        trace: Trace | None = None,
    ) -> list[Effect]:
        """One dead letter holds the frame and the answer to it; both count in the sequence.

        With a `trace` that is the place of what was done about the frame.
        """
        sequence = self.number()
        answer = None
        if error.code is not None:
            answer = frames.encode_error(
                self.writer.version, error.message_id, error.code, error.description
            )
        letter = self.writer.rejected(
            error,
            self.text(text),
            _size(text) if size is None else size,
            sequence,
            now.ms,
            answer=answer,
            answer_sequence=None if answer is None else self.number(),
            trace=trace,
        )
        effects: list[Effect] = [Record(letter)]
        # Without the action: it may be any word that a station makes up.
        if answer is not None:
            effects.append(Write(answer, now.s))
        if trace is not None:
            effects.append(Ended(trace, "rejected", "server", now.s, failure=error.rule))
        return effects


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
