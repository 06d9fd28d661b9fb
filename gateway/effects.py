"""What a session asks its rim to do, as values."""

from typing import NamedTuple

import msgspec

from gateway.events import Event


class Instant(NamedTuple):
    """A moment: `s` counts seconds and never goes back, `ms` is UTC in epoch milliseconds."""

    s: float
    ms: int


class Record(msgspec.Struct, frozen=True, gc=False):
    """Put the event into the log; what follows in the list waits for its acknowledgement.

    `keep` holds it in memory while the bus is away, instead of giving the connection up.
    """

    event: Event
    keep: bool = False


class Write(msgspec.Struct, frozen=True, gc=False):
    """Send the text to the station; `since_s` is when the CALL came that it answers."""

    text: str
    since_s: float
    action: str = ""


class Close(msgspec.Struct, frozen=True, gc=False):
    """Close the websocket after the writes before it; code as in RFC 6455 section 7.4.

    `reason` is a name: it goes to the station, and into the log as that of `disconnected`.
    """

    code: int
    reason: str


class Ping(msgspec.Struct, frozen=True, gc=False):
    """Send a websocket ping."""


class Count(msgspec.Struct, frozen=True, gc=False):
    """Count something that no event tells."""

    metric: str
    labels: tuple[str, ...] = ()


Effect = Record | Write | Close | Ping | Count
