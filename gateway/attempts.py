"""What may become of an attempt of a command while a gateway has it, as a table.

```
 early ──▶ claiming ──▶ waiting (──▶ renewing) ──▶ leaving (──▶ proving) ──▶ open ──▶ ended
```
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from gateway.commands import Ask, Command, Verdict
from gateway.effects import Ended, Instant
from schemas.traces import Trace

State = Literal[
    "early", "claiming", "waiting", "renewing", "leaving", "proving", "open", "late", "ended"
]
Ending = Literal["", "result", "back"]
"""Whether a result follows, or `settled`, which gives the attempt back to whoever arbitrates."""

LOG_SLOW = "log_slow: Kafka took too long with its claim or its event"

# What is no failure of the gateway or the station.
_WELL = ("answered", "won", "lost", "settled")

# early: the connection's epoch is not known yet. claiming: `taken` is on its way to the log, and
# back. waiting: ours, and it is not its turn, or not allowed yet. renewing: its turn, or its end,
# but the claim is old, or was made to wait, and so it is made once more. leaving: its event is on
# its way to the log. proving: that took so long that the claim is old again. open: asked, and not
# answered. late: over, but an answer would still be its own.
STEPS: Mapping[tuple[State, str], tuple[State, Ending]] = MappingProxyType(
    {
        ("early", "connected"): ("claiming", ""),
        ("early", "lost"): ("ended", ""),
        ("early", "settled"): ("ended", ""),
        ("early", "connection_lost"): ("ended", ""),
        ("claiming", "won"): ("waiting", ""),
        ("claiming", "lost"): ("ended", ""),
        ("claiming", "settled"): ("ended", ""),
        # Whose it is, is not known here.
        ("claiming", "connection_lost"): ("ended", ""),
        ("waiting", "turn"): ("leaving", ""),
        ("waiting", "invalid"): ("ended", "result"),
        ("waiting", "unsupported"): ("ended", "result"),
        ("waiting", "expired"): ("ended", "result"),
        ("waiting", "settled"): ("ended", ""),
        ("waiting", "connection_lost"): ("ended", "back"),
        ("waiting", "old"): ("renewing", ""),
        ("renewing", "turn"): ("leaving", ""),
        ("renewing", "settled"): ("ended", ""),
        ("renewing", "expired"): ("ended", "result"),
        ("renewing", "connection_lost"): ("ended", "back"),
        ("leaving", "sent"): ("open", ""),
        ("leaving", "expired"): ("ended", "result"),
        ("leaving", "settled"): ("ended", ""),
        ("leaving", "connection_lost"): ("ended", "back"),
        ("leaving", "old"): ("proving", ""),
        ("proving", "sent"): ("open", ""),
        ("proving", "expired"): ("ended", "result"),
        ("proving", "settled"): ("ended", ""),
        ("proving", "connection_lost"): ("ended", "back"),
        ("open", "answered"): ("ended", "result"),
        ("open", "call_error"): ("ended", "result"),
        ("open", "bad_answer"): ("ended", "result"),
        ("open", "timeout"): ("late", "result"),
        ("open", "settled"): ("late", ""),
        ("open", "connection_lost"): ("ended", "result"),
        ("late", "answered"): ("ended", ""),
        ("late", "call_error"): ("ended", ""),
        ("late", "bad_answer"): ("ended", ""),
    }
)
"""(state, what happens) -> (next state, what is told of it); a result has the name of what happens.

Anything that is not here cannot happen.
"""


class Attempt(msgspec.Struct):
    """One attempt; times are on the session's clock, in seconds.

    `expires_s` is when the command does, `until_s` when its state does, `claimed_s` when its
    newest claim was written, `began_s` when it came and `asked_s` when it went to the station.
    `held` tells that it is not others that it waits for, but the station to be ready for it.
    `firm` tells that it was claimed, and that read back, by more than a claim to wait: before that
    who arbitrates may give it up as not asked. `why` is what kept it from being asked in time.
    """

    command: Command
    ask: Ask | Verdict
    expires_s: float
    state: State = "early"
    sequence: int = 0
    until_s: float | None = None
    claimed_s: float = 0.0
    began_s: float = 0.0
    asked_s: float = 0.0
    held: bool = False
    firm: bool = False
    why: str = ""

    @property
    def asks(self) -> Ask:
        """What is asked, where that is no verdict: one of those never waits to be asked."""
        assert isinstance(self.ask, Ask), "a verdict ends before it is asked"
        return self.ask

    @property
    def delay(self) -> str:
        """What keeps it from being asked: a name, and the same for people."""
        if self.why or self.state != "waiting":
            return self.why or LOG_SLOW
        if self.held:
            return "held: the station was not ready to be asked"
        return "queued: the station was being asked something else"

    def step(self, what: str) -> Ending:
        """Something happens. KeyError: it cannot, now."""
        self.state, ending = STEPS[self.state, what]
        return ending

    def ended(self, before: State, what: str, now: Instant) -> list[Ended]:
        """The spans that are over now that `what` has happened in the state `before`.

        Claiming it, asking the station, and last all of it; nothing where it is not traced.
        """
        place = self.command.trace
        if not isinstance(place, Trace) or before == "late":
            return []
        told = (
            ("ocpp.action", self.command.action),
            ("ocpp.command.id", self.command.command_id),
            ("ocpp.command.outcome", what),
        )
        spans = []
        if before == "claiming":
            claim = place.child("claim")
            spans.append(Ended(claim, "claim", "internal", self.claimed_s, now.s, told))
        failure = "" if what in _WELL else what
        if before == "open":
            name, told_id = self.command.action, ("ocpp.message.id", self.command.message_id)
            asked = place.child("ask")
            more = (*told, told_id)
            spans.append(Ended(asked, name, "client", self.asked_s, now.s, more, failure))
        if self.state in ("ended", "late"):
            spans.append(Ended(place, "commands", "consumer", self.began_s, None, told, failure))
        return spans
