"""What a simulated station knows of itself: connectors, settings, and all it was told to keep."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deploy.local.calls import Call, Moment, Payload, Session
from deploy.local.days import Model, Status
from deploy.local.profiles import Profile

AVAILABLE, UNAVAILABLE, RESERVED = Status("Available"), Status("Unavailable"), Status("Reserved")


@dataclass(frozen=True, slots=True)
class Reservation:
    """A connector kept free for a token, or for whoever is of its group, until a moment."""

    id: int
    token: str
    group: str | None
    until: datetime


@dataclass(slots=True)
class Plug:
    """One connector (2.x: one EVSE with one connector) as it is now."""

    number: int
    status: Status = AVAILABLE
    meter_wh: int = 0
    session: Session | None = None
    reservation: Reservation | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A token of the local list, as the central system spells it."""

    token: str
    status: str
    group: str | None


@dataclass(slots=True)
class Memory:
    """What a station knows of itself; all of it outlives a reset.

    `settings` are 1.6 keys or 2.x `Component.Variable`, `tokens` by folded token. `errands` are
    those that are on their way, by name, and `told` the last that was said on each. `shelves` keep
    by name what needs no rule of its own: payloads by their ids, as received.
    """

    model: Model
    serial: str
    plugs: dict[int, Plug]
    settings: dict[str, str]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    firmware: str = ""
    list_version: int = 0
    tokens: dict[str, Listed] = field(default_factory=dict)
    profiles: list[Profile] = field(default_factory=list)
    errands: dict[str, object] = field(default_factory=dict)
    told: dict[str, Call] = field(default_factory=dict)
    shelves: dict[str, dict[Any, Payload]] = field(default_factory=dict)
    signing: bool = False  # whether a certificate was asked for and has not come yet

    def __post_init__(self) -> None:
        self.firmware = self.firmware or self.model.firmware

    def now(self) -> str:
        """The time on the wire."""
        return str(Moment(self.clock()))

    def shelf(self, name: str) -> dict[Any, Payload]:
        """What is kept under this name."""
        return self.shelves.setdefault(name, {})

    def sessions(self) -> Iterator[tuple[Plug, Session]]:
        """The connectors that charge."""
        for plug in self.plugs.values():
            if plug.session is not None:
                yield plug, plug.session

    def charging(self, transaction_id: object) -> Plug | None:
        """Where the transaction of this id is under way."""
        return next((p for p, s in self.sessions() if s.transaction_id == transaction_id), None)

    def welcome(self, plug: Plug, token: str) -> bool:
        """Whether this token may charge there: not where another one has a reservation."""
        kept = plug.reservation
        if kept is None or kept.token.casefold() == token.casefold():
            return True
        listed = self.tokens.get(token.casefold())
        return kept.group is not None and listed is not None and listed.group == kept.group
