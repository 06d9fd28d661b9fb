"""The slot for our own CALLs to one station: commands in, one at a time out, results."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from gateway import commands, outcomes
from gateway.attempts import LOG_SLOW, Attempt
from gateway.claims import Claim, Claims
from gateway.commands import Ask, Command, Secret, Verdict
from gateway.effects import Count, Effect, Instant, Record, Write
from gateway.frames import Error, FrameError, Result
from gateway.journal import Journal
from gateway.outcomes import Outcome, Told
from gateway.registration import asking

# Who arbitrates gives a command up no sooner than 2 s after the log has said that its connection is
# gone. A gateway that did not run for a while may not have read that: so what it asks has to have
# been claimed in less than this, and that claim read back. Else it is claimed once more.
CLAIM_TIME_S = 1.5
LATE_MAX = 16  # CALLs that ran out of time and may still be answered

_NOTHING = Told()
# What the gauge of commands calls the states.
_GAUGES = {"early": "claiming", "claiming": "claiming", "waiting": "queued"} | dict.fromkeys(
    ("renewing", "leaving", "proving", "open"), "outstanding"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds commands. Times in seconds, the frame in bytes."""

    call_time_s: float = 30.0
    queued_max: int = 100
    hold_s: float = 10.0
    frame_limit_bytes: int = 262_144
    secret: Secret = lambda name: None


@dataclass(slots=True)
class Calls:
    """Commands of one connection, from the log to the station and back.

    `since_ms` is when the connection began, `registration` what its last BootNotification was
    answered. Methods that return effects are the session's own, by the same rules.
    """

    journal: Journal
    limits: Limits
    since_ms: int = 0
    registration: str = ""
    _attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    _claims: Claims = field(default_factory=Claims)
    _slot: Attempt | None = None
    _late: dict[str, Attempt] = field(default_factory=dict)
    _held_until_s: float | None = None
    _stopping: bool = False
    _shown: dict[str, int] = field(default_factory=dict)

    @property
    def outstanding(self) -> bool:
        """Whether the station is being asked something, or is about to be."""
        return self._slot is not None

    @property
    def deadline_s(self) -> float | None:
        """When it wants to be woken at the latest."""
        if not self._attempts:
            return None
        waiting = [one for one in self._attempts.values() if one.state == "waiting"]
        times = [one.expires_s for one in waiting]
        if waiting and self._held_until_s is not None and self._slot is None:
            times.append(self._held_until_s)
        if self._slot is not None and self._slot.until_s is not None:
            times.append(self._slot.until_s)
        return min(times, default=None)

    # From the log.

    def commanded(self, command: Command, now: Instant) -> list[Effect]:
        """A command for this station: claimed at once, asked when the claim is read back."""
        if left := self._left(command, now):
            return [Count("commands_left", (left,))]
        self._claims.see(command.key)
        kept = msgspec.structs.replace(command, payload="")
        expires_s = now.s + (command.expires_ms - now.ms) / 1000
        attempt = Attempt(kept, self._judged(command), expires_s, began_s=now.s)
        self._attempts[command.key] = attempt
        effects = [] if self.journal.writer.epoch is None else self._claim(attempt, now)
        return effects + self._gauges()

    def _left(self, command: Command, now: Instant) -> str:
        """Why a command is not claimed here, if it is not."""
        if self._claims.seen(command.key):
            return "repeated"
        if command.epoch is None:
            if command.written_ms < self.since_ms:
                # Another gateway may have claimed it in a part of the log that was read here
                # before the station came, and so passed over.
                return "older"
        elif self.journal.writer.epoch not in (None, command.epoch):
            return "elsewhere"
        if command.expires_ms <= now.ms:
            return "expired"
        return "stopping" if self._stopping else ""

    def _judged(self, command: Command) -> Ask | Verdict:
        limits = self.limits
        asks = sum(isinstance(one.ask, Ask) for one in self._attempts.values())
        if asks > limits.queued_max:
            why = f"queue_full: {limits.queued_max} commands wait for the station already"
            return Verdict("expired", None, why)
        version = self.journal.writer.version
        return commands.asked(command, version, limits.secret, limits.frame_limit_bytes)

    def connected(self, now: Instant) -> list[Effect]:
        """The epoch of the connection is known."""
        self._held_until_s = now.s + self.limits.hold_s
        effects: list[Effect] = []
        for attempt in list(self._attempts.values()):
            if attempt.command.epoch in (None, self.journal.writer.epoch):
                effects += self._claim(attempt, now)
            else:
                effects += self._step(attempt, "lost", now)
        return effects + self._gauges()

    def _claim(self, attempt: Attempt, now: Instant) -> list[Effect]:
        attempt.step("connected")
        first = next(iter(self._attempts.values())) is attempt
        waits = isinstance(attempt.ask, Ask) and (not first or self._held(attempt, now))
        return self._take(attempt, now, waiting=waits)

    def _take(self, attempt: Attempt, now: Instant, *, waiting: bool = False) -> list[Effect]:
        attempt.claimed_s = now.s
        command, writer = attempt.command, self.journal.writer
        event = writer.claim("taken", *command.key, now.ms, waiting=waiting, trace=command.trace)
        return [Record(event)]

    def claimed(self, claim: Claim, now: Instant) -> list[Effect]:
        """A claim or settlement was read in the log, in its order with `connected`."""
        said = self._claims.read(claim, self.journal.writer)
        attempt = self._attempts.get(claim.key)
        if attempt is None or not said:
            return []
        # Past its claim an attempt is ours, and only that it was lost to us is news.
        ours = attempt.state not in ("early", "claiming")
        if said == "won" and not claim.waiting:
            attempt.firm = True
            if attempt.state in ("renewing", "proving"):
                return self._ask_again(attempt, now) + self._gauges()
        if ours and (said != "settled" or self._claims.overtaken(claim, attempt.firm)):
            return []
        effects = self._step(attempt, said, now)
        if said == "won" and isinstance(verdict := attempt.ask, Verdict):
            told = Told(None, verdict.code, verdict.description)
            effects += self._step(attempt, verdict.outcome, now, told)
        elif said == "won" and self._stopping:
            effects += self._step(attempt, "connection_lost", now)
        elif said == "won" and _expired(attempt, now):
            effects += self._expire(attempt, LOG_SLOW, now)
        return effects + self._go(now) + self._gauges()

    # To the station.

    def released(self, now: Instant) -> list[Effect]:
        """The first CALL of the connection is answered: from now on the station can be asked."""
        self._held_until_s = now.s
        return self._go(now) + self._gauges() if self._attempts else []

    def _go(self, now: Instant) -> list[Effect]:
        """Ask what comes next, if it may be asked now; end what has expired."""
        effects: list[Effect] = []
        for attempt in list(self._attempts.values()):
            if attempt.state != "waiting":
                continue
            attempt.held = self._held(attempt, now)
            if _expired(attempt, now):
                effects += self._expire(attempt, attempt.delay, now)
            elif self._slot is None and not attempt.held:
                self._slot = attempt
                if _old(attempt, now) or not attempt.firm:
                    self._step(attempt, "old", now)
                    effects += self._retake(attempt, now)
                    continue
                effects += self._ask(attempt, now)
        return effects

    def _held(self, attempt: Attempt, now: Instant) -> bool:
        may = asking(self.journal.writer.version.field_prefix, self.registration)
        held = self._held_until_s is None or self._held_until_s > now.s
        return held or not may.allows(attempt.command.action)

    def _expire(self, attempt: Attempt, why: str, now: Instant) -> list[Effect]:
        """A result as well needs more than a claim to wait: another attempt may be under way."""
        attempt.why = why
        if attempt.firm:
            return self._step(attempt, "expired", now)
        self._step(attempt, "old", now)
        return self._take(attempt, now)

    def _retake(self, attempt: Attempt, now: Instant) -> list[Effect]:
        # What is not firm yet ends when that claim is read back, and not before.
        attempt.until_s = attempt.expires_s if attempt.firm else None
        return self._take(attempt, now)

    def _ask_again(self, attempt: Attempt, now: Instant) -> list[Effect]:
        """The claim that was made once more is read back."""
        if _expired(attempt, now) or attempt is not self._slot:
            return self._step(attempt, "expired", now) + self._go(now)
        if self._stopping:
            return self._step(attempt, "connection_lost", now) + self._go(now)
        if _old(attempt, now):
            return self._retake(attempt, now)
        if attempt.state == "renewing":
            return self._ask(attempt, now)
        return [self._call(attempt, now)]

    def _ask(self, attempt: Attempt, now: Instant) -> list[Effect]:
        self._step(attempt, "turn", now)
        attempt.until_s = None
        event = outcomes.question(self.journal, attempt, now)
        return [Record(event), self._call(attempt, now)]

    @staticmethod
    def _call(attempt: Attempt, now: Instant) -> Write:
        command = attempt.command
        return Write(attempt.asks.text, now.s, command.action, command.message_id)

    def leaves(self, message_id: str, now: Instant) -> bool:
        """Whether the CALL with this id, whose event is in the log by now, is still to be sent.

        If so it counts as sent, and its time runs.
        """
        attempt = self._slot
        if attempt is None or attempt.command.message_id != message_id:
            return False
        if attempt.state not in ("leaving", "proving"):
            return False
        if _expired(attempt, now) or _old(attempt, now):
            attempt.until_s = now.s
            return False
        attempt.step("sent")
        attempt.asked_s, attempt.until_s = now.s, now.s + self.limits.call_time_s
        return True

    def unread(self, now: Instant) -> None:
        """Nothing is read from the station at present: its time to answer begins anew."""
        attempt = self._slot
        if attempt is not None and attempt.state == "open" and (attempt.until_s or 0.0) <= now.s:
            attempt.until_s = now.s + self.limits.call_time_s

    # From the station.

    def asked(self, message_id: str | None) -> Attempt | None:
        """What was asked by the CALL with this id, where it may still be answered."""
        slot = self._slot
        if slot is not None and slot.state == "open" and slot.command.message_id == message_id:
            return slot
        return self._late.get(message_id or "")

    def answered(
        self,
        attempt: Attempt,
        frame: Result | Error,
        text: str,
        quirks: frozenset[str],
        now: Instant,
    ) -> list[Effect]:
        """The station answers what was asked; `text` is the whole frame."""
        outcome = outcomes.outcome(self.journal, attempt, frame, text, quirks, now)
        return self._over(attempt, outcome, now)

    def broken(self, attempt: Attempt, error: FrameError, text: str, now: Instant) -> list[Effect]:
        """The station answers what was asked, by a frame that is none."""
        outcome = outcomes.misunderstood(self.journal, attempt, error, text, now)
        return self._over(attempt, outcome, now)

    def _over(self, attempt: Attempt, outcome: Outcome, now: Instant) -> list[Effect]:
        # The log has no result of a frame that it does not have.
        result = self._step(attempt, outcome.what, now, outcome.told)
        effects: list[Effect] = [Record(outcome.event, then=tuple(result))]
        return effects + self._go(now) + self._gauges()

    # Time, and the end.

    def woken(self, now: Instant) -> list[Effect]:
        """A deadline has passed: no answer in time, expired while waiting, or held long enough."""
        effects: list[Effect] = []
        slot = self._slot
        if slot is not None and slot.until_s is not None and slot.until_s <= now.s:
            if slot.state == "open":
                effects += self._step(slot, "timeout", now)
            elif _expired(slot, now):
                effects += self._step(slot, "expired", now)
            elif self._stopping:
                effects += self._step(slot, "connection_lost", now)
            else:
                if slot.state == "leaving":
                    self._step(slot, "old", now)
                effects += self._retake(slot, now)
        return effects + self._go(now) + self._gauges()

    def stopping(self, now: Instant) -> list[Effect]:
        """The gateway goes down: what is not asked yet is given back."""
        self._stopping = True
        waiting = [one for one in self._attempts.values() if one.state == "waiting"]
        return self._lost(waiting, now)

    def closed(self, now: Instant) -> list[Effect]:
        """The connection is gone."""
        return self._lost(list(self._attempts.values()), now)

    def _lost(self, attempts: Iterable[Attempt], now: Instant) -> list[Effect]:
        effects: list[Effect] = []
        for attempt in attempts:
            effects += self._step(attempt, "connection_lost", now)
        return effects + self._gauges()

    def _step(
        self, attempt: Attempt, what: str, now: Instant, told: Told = _NOTHING
    ) -> list[Effect]:
        if what == "expired" and told is _NOTHING:
            told = Told(error_description=attempt.delay)
        before, ending = attempt.state, attempt.step(what)
        command, writer = attempt.command, self.journal.writer
        ended = attempt.ended(before, what, now)
        if attempt.state in ("ended", "late"):
            self._forget(attempt)
        if ending == "back":
            event = writer.claim("settled", *command.key, now.ms, "offline", trace=command.trace)
            return [Record(event, keep=True), *ended]
        if not ending:
            return [*ended]
        record: dict[str, object] = {
            "command_id": command.command_id,
            "action": command.action,
            "attempt": command.attempt,
            "outcome": what,
            "message_id": command.message_id if attempt.sequence else None,
        } | msgspec.structs.asdict(told)
        event = writer.result(record, now.ms, command.trace)
        keep = what == "connection_lost"
        return [Count("command_results", (what,)), Record(event, keep, command.reply_to), *ended]

    def _forget(self, attempt: Attempt) -> None:
        command = attempt.command
        self._attempts.pop(command.key, None)
        self._late.pop(command.message_id, None)
        if self._slot is attempt:
            self._slot = None
        if attempt.state == "late":
            self._late[command.message_id] = attempt
            if len(self._late) > LATE_MAX:
                del self._late[next(iter(self._late))]

    def _gauges(self) -> list[Effect]:
        """How many attempts there are in each state, as differences."""
        if not self._attempts and not self._shown:
            return []
        found = Counter(
            "held" if one.state == "waiting" and one.held else _GAUGES[one.state]
            for one in self._attempts.values()
        )
        shown, self._shown = self._shown, dict(found)
        return [
            Count("commands", (state,), found[state] - shown.get(state, 0))
            for state in sorted(found.keys() | shown.keys())
            if found[state] != shown.get(state, 0)
        ]


def _expired(attempt: Attempt, now: Instant) -> bool:
    # By both clocks: one of them may be set, or stand still.
    return now.ms >= attempt.command.expires_ms or now.s >= attempt.expires_s


def _old(attempt: Attempt, now: Instant) -> bool:
    return now.s - attempt.claimed_s > CLAIM_TIME_S
