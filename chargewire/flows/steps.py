"""What a flow is: a machine that says what to ask, what to show, and when it is over.

    flow.begin()            -> [Ask("Reset", {...})]
    flow.answered(answer)   -> [Say("the station restarts"), Within(60)]
    flow.told(event)        -> [Over(True, "it is back")]      or flow.late(), after 60 s

It knows no socket, no broker and no clock; `chargewire.flows.driving` has them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chargewire.flows.events import Event
from consumers.meaning.payloads import NOTHING, Json, members

_ACCEPTED = "Accepted"
SILENT = "no result"
"""The outcome of an Ask of which no result has come."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a command, and give its result to `answered`; one at a time."""

    action: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Say:
    """Tell how it goes; `data` says the same to a program. None: it happened now."""

    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """Show a table: rows with the same columns, of texts, numbers and nulls."""

    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Within:
    """Call `late` in so many seconds, unless another Within comes before."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Look:
    """Call `found`, with what a consumer's store has now, in so many seconds."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Over:
    """The end, and whether what was wanted is reached."""

    reached: bool
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


Step = Ask | Say | Listed | Within | Look | Over
Steps = Iterable[Step]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an Ask: the outcome of its CommandResult, and what the station said."""

    outcome: str
    said: Json = field(default_factory=dict)
    error: str = ""

    @property
    def status(self) -> str:
        """The station's own word; empty where its answer has none."""
        found = self.said.get("status")
        return found if isinstance(found, str) else ""

    @property
    def is_answered(self) -> bool:
        return self.outcome == "answered"

    @property
    def is_accepted(self) -> bool:
        """Whether the station does it; an answer without a status has no way to refuse."""
        return self.is_answered and self.status in ("", _ACCEPTED)

    def __str__(self) -> str:
        if not self.is_answered:
            return ": ".join(filter(None, (self.outcome.replace("_", " "), self.error)))
        info = members(self.said.get("statusInfo"))
        why = ", ".join(
            str(info[name]) for name in ("reasonCode", "additionalInfo") if name in info
        )
        return f"{self.status} ({why})" if why else self.status


def answer(result: Mapping[str, Any]) -> Answer:
    """What a record of command-results says."""
    try:
        said = members(json.loads(result["response"] or "{}"))
    except ValueError:
        said = NOTHING
    error = (result["error_code"], result["error_description"])
    return Answer(result["outcome"], said, ": ".join(filter(None, error)))


class Flow:
    """One flow with one station; whatever a flow does not care about does nothing.

    `topics` are those whose events it wants. With `since_s` it is told first, by `remember`, what
    they have of the last so many seconds.
    """

    topics: tuple[str, ...] = ()
    since_s: float | None = None

    def remember(self, event: Event) -> None:
        """An event of before the beginning."""

    def begin(self) -> Steps:
        """What to do first."""
        return ()

    def answered(self, answer: Answer) -> Steps:
        """What came of the last Ask. It may be told after events that followed from it."""
        return ()

    def told(self, event: Event) -> Steps:
        """An event of the station. Those of one topic come in order."""
        return ()

    def late(self) -> Steps:
        """The time of the last Within is over."""
        return ()

    def found(self, row: Mapping[str, Any] | None) -> Steps:
        """What the store has after a Look; None: nothing of this station."""
        return ()


def refused(answer: Answer) -> Over:
    """The end where the station does not do it."""
    if answer.is_answered:
        return Over(False, f"the station refuses: {answer}", {"status": answer.status})
    return Over(False, f"the station was asked in vain: {answer}", {"outcome": answer.outcome})
