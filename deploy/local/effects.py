"""What follows from a call once it is answered: the vocabulary between answers and a station."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy.local.calls import Call
from deploy.local.days import Wait
from deploy.local.memory import Memory, Reservation

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Restart:
    """Stop what is charging, go away, boot again.

    `manner` is "Hard", "Soft" or "OnIdle", which waits until nobody charges; `reason` is what the
    next boot gives.
    """

    manner: str
    reason: str = "RemoteReset"


@dataclass(frozen=True, slots=True)
class Start:
    """Begin a session that was asked for from afar, with a charging profile of its own or not."""

    connector: int
    token: str
    remote_id: int | None = None
    profile: Payload | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """End the session of a connector."""

    connector: int
    reason: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Send what a TriggerMessage asked for."""

    what: str
    connector: int | None


@dataclass(frozen=True, slots=True)
class Operate:
    """Take connectors out of service or back into it."""

    connectors: tuple[int, ...]
    operative: bool


@dataclass(frozen=True, slots=True)
class Rest:
    """Show what a connector is when nobody charges there: a reservation has come or gone."""

    connector: int


@dataclass(frozen=True, slots=True)
class Expire:
    """Let a reservation lapse at its time, unless it was used or cancelled."""

    connector: int
    reservation: Reservation


@dataclass(frozen=True, slots=True)
class Until:
    """Let time pass until the station's clock shows this."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Install:
    """Have another firmware from the next boot on."""

    version: str


Step = Call | Wait | Until | Install | Restart


@dataclass(frozen=True, slots=True, eq=False)
class Errand:
    """Something that takes its time, step by step; a new one of the same name replaces it."""

    steps: tuple[Step, ...]
    name: str = ""


Effect = Restart | Start | Stop | Tell | Operate | Rest | Expire | Errand
Answer = tuple[Payload, tuple[Effect, ...]]
Rule = Callable[[Payload, Memory], Answer]

ACCEPTED: Payload = {"status": "Accepted"}


def status(word: str, *effects: Effect) -> Answer:
    """A response that is one word."""
    return {"status": word}, effects


def accepted(condition: object, *effects: Effect) -> Answer:
    """Accepted with its effects, or Rejected without."""
    return status("Accepted", *effects) if condition else status("Rejected")


def always(word: str) -> Rule:
    """The same word whatever is asked."""
    return lambda payload, memory: status(word)
