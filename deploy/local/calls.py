"""What a simulated station may have to say, whatever the version of OCPP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from deploy.local.days import Model, Sample, Status

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened by the station's clock (aware), and whether it was cut off then."""

    at: datetime
    offline: bool = False

    def __str__(self) -> str:
        """Milliseconds and Z, as most stations write it."""
        text = self.at.astimezone(UTC).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z")


@dataclass(slots=True)
class Session:
    """A transaction as the station knows it; `transaction_id` of 1.6 comes with an answer."""

    station: str
    connector: int
    token: str
    begun_at: datetime
    meter_start_wh: int
    transaction_id: int | str | None = None
    next_number: int = 0  # seqNo of 2.x: counts the events of this transaction
    phases: int = 1
    remote_id: int | None = None  # remoteStartId of 2.x
    reservation_id: int | None = None
    shown: tuple[Sample, Sample] | None = None  # the last sample: without a limit, and as it was


@dataclass(frozen=True, slots=True)
class Call:
    """Something to say; with a `session` it is kept, in order, until it has been answered."""

    action: str
    payload: Payload = field(default_factory=dict)
    session: Session | None = None


class Dialect(Protocol):
    """How one family of versions says it."""

    def boot(self, model: Model, firmware: str, serial: str, reason: str) -> Call: ...
    def status(self, connector: int, status: Status, moment: Moment) -> tuple[Call, ...]: ...
    def authorize(self, token: str) -> Call: ...
    def begin(self, session: Session, moment: Moment) -> Call: ...
    def charging(self, session: Session, word: str, moment: Moment) -> tuple[Call, ...]: ...
    def sample(self, session: Session, sample: Sample, moment: Moment) -> Call: ...
    def end(self, session: Session, reason: str, meter_wh: int, moment: Moment) -> Call: ...
    def reading(self, connector: int, meter_wh: int, moment: Moment) -> Call: ...
    def triggered(self, session: Session, meter_wh: int, moment: Moment) -> tuple[Call, ...]: ...
    def unreserved(self, reservation_id: int, word: str) -> tuple[Call, ...]: ...
    def payload(self, call: Call) -> Payload: ...
    def word(self, status: Status) -> str: ...
    def accepted(self, answer: Mapping[str, Any]) -> bool: ...


HEARTBEAT = Call("Heartbeat")
