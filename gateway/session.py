"""One station's connection as a machine of values: what happens in, effects out."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway import answers, frames, intake, replies
from gateway.answers import Decision
from gateway.calls import Calls, Limits
from gateway.claims import Claim
from gateway.commands import Command
from gateway.effects import Close, Count, Effect, Ended, Instant, Ping, Record, Write
from gateway.events import Event, FrameFacts, Writer
from gateway.frames import Call, Error, FrameError, Result
from gateway.journal import Journal
from gateway.outbox import UNANSWERED
from schemas.catalogue import Action
from schemas.traces import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a session is bound to: limits, and how it answers. Times in seconds."""

    quirks: frozenset[str]
    decided: frozenset[str]
    answers: replies.Policy
    decision_time_s: float
    frame_limit_bytes: int
    ping_interval_s: float = 0.0
    ping_time_s: float = 0.0
    commands: Limits = field(default_factory=Limits)


class _Pending(msgspec.Struct):
    """A CALL of the station that is not answered yet; `until_s` is None once it can be."""

    sequence: int
    event_id: str
    call: Call
    action: Action
    payload: dict[str, Any]
    since_s: float
    until_s: float | None
    reply: replies.Reply | None = None
    trace: Trace | None = None

    def ended(self, now: Instant | None, failure: str = "") -> Ended:
        """Its span is over now, or None: with the effects before it."""
        assert self.trace is not None, "only what is traced has a span"
        told = (("ocpp.action", self.action.name), ("ocpp.message.id", self.call.message_id))
        until_s = None if now is None else now.s
        return Ended(self.trace, self.action.name, "server", self.since_s, until_s, told, failure)

    def waited(self, outcome: str, now: Instant) -> list[Effect]:
        """The span of waiting for a decision is over."""
        if self.trace is None:
            return []
        place, told = self.trace.child("decision"), (("ocpp.decision", outcome),)
        return [Ended(place, "wait for decision", "internal", self.since_s, now.s, told)]


@dataclass(slots=True)
class Session:
    """The state of one connection. Every method returns the effects to perform, in order.

    `deadline_s` says when it wants to be `woken` at the latest. `calls` asks the station what
    commands want of it.
    """

    writer: Writer
    policy: Policy
    calls: Calls = field(init=False)
    _journal: Journal = field(init=False)
    _pending: deque[_Pending] = field(default_factory=deque)
    _unanswered: list[_Pending] = field(default_factory=list)  # of those, what was traced
    _heard_s: float = 0.0
    _pinged: bool = False
    _stopping: bool = False
    _over: bool = False

    def __post_init__(self) -> None:
        self._journal = Journal(self.writer, self.policy.frame_limit_bytes)
        self.calls = Calls(self._journal, self.policy.commands)

    @property
    def pending(self) -> int:
        """CALLs of the station that wait for their answer."""
        return len(self._pending)

    @property
    def deadline_s(self) -> float | None:
        if self._over:
            return None
        times = [call.until_s for call in self._pending if call.until_s is not None]
        if self.policy.ping_interval_s:
            times.append(self._silent_until_s)
        if (of_calls_s := self.calls.deadline_s) is not None:
            times.append(of_calls_s)
        return min(times, default=None)

    def opened(self, facts: Mapping[str, object], now: Instant) -> Event:
        """The handshake is accepted: `connected`, which goes to the log before anything else."""
        self.calls.since_ms = now.ms
        return self.writer.connection("connected", 0, now.ms, dict(facts))

    def recorded(self, position: int, now: Instant) -> list[Effect]:
        """`connected` is in the log at this offset: that is the epoch of the connection."""
        self.writer.epoch = position
        self._heard_s = now.s
        return self.calls.connected(now)

    def heard(self, now: Instant) -> None:
        """Something came from the station: it is alive."""
        self._heard_s = now.s
        self._pinged = False

    def received(self, text: str, now: Instant, trace: Trace | None = None) -> list[Effect]:
        """A text frame came; `trace` is the place of what is done about it, if that is traced.

        An answer to a CALL of ours belongs to the trace of its command instead.
        """
        self.heard(now)
        if self._over or (self._stopping and not self.calls.outstanding):
            return []
        try:
            frame = frames.decode(text, self.writer.version)
        except FrameError as error:
            # What gets no answer was one, or nothing.
            attempt = None if error.code else self.calls.asked(error.message_id)
            if attempt is None:
                return self._journal.rejected(error, text, now, trace=trace)
            return self.calls.broken(attempt, error, text, now) + self._end_of_calls()
        try:
            if isinstance(frame, Call):
                return [] if self._stopping else self._called(frame, text, now, trace)
            return self._answered_ours(frame, text, now) + self._end_of_calls()
        except FrameError as error:
            return self._journal.rejected(error, text, now, trace=trace)

    def _answered_ours(self, frame: Result | Error, text: str, now: Instant) -> list[Effect]:
        """An answer is taken at once, whatever waits: it is not in the order of the calls."""
        to_answer = isinstance(frame, Error) and frame.of_result
        attempt = None if to_answer else self.calls.asked(frame.message_id)
        if attempt is None:
            raise FrameError(
                "unsolicited_answer",
                None,
                "no call to the station is open with this message id",
                message_id=frame.message_id,
            )
        return self.calls.answered(attempt, frame, text, self.policy.quirks, now)

    def unreadable(
        self, rule: str, text: str, size: int, close: Close, now: Instant
    ) -> list[Effect]:
        """What came is no text frame within the limit: a dead letter, and the end."""
        if self._over:
            return []
        self.given_up()
        error = FrameError(rule, None, close.reason)
        return [*self._journal.rejected(error, text, now, size), close]

    def commanded(self, command: Command, now: Instant) -> list[Effect]:
        """The log has a command for this station."""
        return [] if self._over else self.calls.commanded(command, now)

    def claimed(self, claim: Claim, now: Instant) -> list[Effect]:
        """The connection log says who has an attempt of a command, or that it is over."""
        if self._over:
            return []
        return self.calls.claimed(claim, now) + self._end_of_calls()

    def leaves(self, message_id: str, now: Instant) -> bool:
        """Whether our own CALL is still to be sent, now that its event is in the log."""
        return not self._over and self.calls.leaves(message_id, now)

    def decided(self, decision: Decision, now: Instant) -> list[Effect]:
        """A service decided one of the CALLs; the first valid decision in time counts."""
        for pending in self._pending:
            if pending.event_id == decision.event_id and (pending.until_s or 0.0) > now.s:
                break
        else:
            return [Count("decisions", ("late",))]
        writer, name = self.writer, pending.action.name
        reply = answers.judged(writer.version, name, writer.station, pending.payload, decision)
        if reply is None:
            return [Count("decisions", ("invalid",))]
        pending.reply, pending.until_s = reply, None
        waited = pending.waited("taken", now)
        return [Count("decisions", ("taken",)), *waited, *self._answered(now)]

    def woken(self, now: Instant) -> list[Effect]:
        """A deadline has passed: fallbacks for what nobody decided, a ping for the silent."""
        if self._over:
            return []
        effects: list[Effect] = []
        for pending in self._pending:
            if pending.until_s is not None and pending.until_s <= now.s:
                pending.until_s = None
                effects.append(Count("fallbacks", (pending.action.name,)))
                effects += pending.waited("fallback", now)
        effects += self.calls.woken(now) + self._answered(now)
        if self.policy.ping_interval_s and self._silent_until_s <= now.s:
            if self._pinged:
                self.given_up()
                return [*effects, Close(1011, "ping_time")]
            # From here on, silence is counted anew: the deadline of the pong.
            self._pinged, self._heard_s = True, now.s
            effects.append(Ping())
        return effects

    @property
    def _silent_until_s(self) -> float:
        """When silence has lasted long enough for a ping, or after a ping for the end."""
        policy = self.policy
        return self._heard_s + (policy.ping_time_s if self._pinged else policy.ping_interval_s)

    def unread(self, now: Instant) -> None:
        """Nothing is read from the station at present: its silence says nothing."""
        self.heard(now)
        self.calls.unread(now)

    def stopping(self, now: Instant) -> list[Effect]:
        """The gateway goes down: finish the calls in hand, take no more, then close."""
        self._stopping = True
        return self.calls.stopping(now) + self._end_of_calls()

    def given_up(self) -> None:
        """The connection is to be closed: nothing more is taken from it, or answered."""
        self._over = True
        self._unanswered += (one for one in self._pending if one.trace is not None)
        self._pending.clear()

    def closed(self, code: int, reason: str, now: Instant) -> list[Effect]:
        """The websocket is gone: the last event of the connection.

        To be called once it is known what became of `connected`; where that is never known, the
        event has no epoch, and belongs to its `connected` by the connection id.
        """
        self.given_up()
        more: dict[str, object] = {"close_code": code, "reason": reason}
        effects = self.calls.closed(now)
        effects += (one.ended(now, UNANSWERED) for one in self._unanswered)
        event = self.writer.connection("disconnected", self._journal.number(), now.ms, more)
        return [*effects, Record(event, keep=True)]

    def _called(self, call: Call, text: str, now: Instant, trace: Trace | None) -> list[Effect]:
        version, policy = self.writer.version, self.policy
        taken = intake.take(call, text, version, policy.quirks)
        waits = not call.send and replies.waits(
            version.name, call.action, taken.payload, policy.decided
        )
        facts = FrameFacts(
            sequence=self._journal.number(),
            at_ms=now.ms,
            direction="from_station",
            kind="send" if call.send else "call",
            block=taken.action.block,
            action=call.action,
            message_id=call.message_id,
            decision_by_ms=now.ms + round(policy.decision_time_s * 1000) if waits else None,
            deviations=taken.deviations,
            raw=None if taken.holds_all else self._journal.text(text),
            trace=trace,
        )
        event = self._journal.frame(facts, taken.record, text)
        # Nobody can see in a dead letter that there is something to decide.
        waits = waits and not event.rule
        effects: list[Effect] = [Record(event)]
        pending = _Pending(
            facts.sequence,
            self.writer.event_id(facts.sequence),
            call,
            taken.action,
            taken.payload,
            now.s,
            now.s + policy.decision_time_s if waits else None,
            None,
            trace,
        )
        if not call.send:
            if self._pending:
                effects.append(Count("pipelined"))
            self._pending.append(pending)
            effects += self._answered(now)
        elif trace is not None:
            effects.append(pending.ended(None))
        return effects

    def _answered(self, now: Instant) -> list[Effect]:
        """Answers in the order of the CALLs, as far as there is nothing left to wait for."""
        effects: list[Effect] = []
        while self._pending and self._pending[0].until_s is None:
            effects += self._reply(self._pending.popleft(), now)
        return effects + self._end_of_calls()

    def _reply(self, pending: _Pending, now: Instant) -> list[Effect]:
        version, name = self.writer.version, pending.action.name
        reply = pending.reply
        if reply is None:
            context = replies.Context(self.writer.station, now.ms, self.policy.answers)
            reply = replies.reply(version.name, name, pending.payload, context)
        answer = answers.answer(version, name, pending.call.message_id, reply)
        facts = FrameFacts(
            sequence=self._journal.number(),
            at_ms=now.ms,
            direction="to_station",
            kind=answer.kind,
            block=pending.action.block,
            action=name,
            message_id=pending.call.message_id,
            call_sequence=pending.sequence,
            deviations=answer.deviations,
            raw=self._journal.text(answer.text) if answer.deviations else None,
            trace=pending.trace,
        )
        record = self._journal.frame(facts, answer.record, answer.text)
        effects: list[Effect] = [Record(record), Write(answer.text, pending.since_s, name)]
        if pending.trace is not None:
            effects.append(pending.ended(None))
        if name == "BootNotification" and isinstance(reply, dict):
            self.calls.registration = str(reply.get("status"))
        return effects + self.calls.released(now)

    def _end_of_calls(self) -> list[Effect]:
        if self._over or self._pending or self.calls.outstanding or not self._stopping:
            return []
        self._over = True
        return [Close(1012, "restart")]
