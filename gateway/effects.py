"""What a session asks its rim to do, as values."""

from typing import NamedTuple

import msgspec

from gateway.events import Event
from programs.spans import Kind
from schemas.replying import ReplyTo
from schemas.traces import Trace


class Instant(NamedTuple):
    """A moment: `s` counts seconds and never goes back, `ms` is UTC in epoch milliseconds."""

    s: float
    ms: int


class Record(msgspec.Struct, frozen=True, gc=False):
    """Put the event into the log; what follows in the list waits for its acknowledgement.

    `keep` holds it in memory while the bus is away, instead of giving the connection up. Once it
    is in the log, a copy goes to the topic that `copy_to` names, whatever becomes of that; and what
    may not be in the log without it follows (`then`), also where the connection is gone by then.
    """

    event: Event
    keep: bool = False
    copy_to: ReplyTo | None = None
    then: tuple["Effect", ...] = ()


class Write(msgspec.Struct, frozen=True, gc=False):
    """Send the text to the station; `since_s` is when the CALL came that it answers.

    `call` is the message id where it is a CALL of ours: the session is then asked once more
    whether it may leave, since the events before it may have taken long.
    """

    text: str
    since_s: float
    action: str = ""
    call: str = ""


class Close(msgspec.Struct, frozen=True, gc=False):
    """Close the websocket after the writes before it; code as in RFC 6455 section 7.4.

    `reason` is a name: it goes to the station, and into the log as that of `disconnected`.
    """

    code: int
    reason: str


class Ping(msgspec.Struct, frozen=True, gc=False):
    """Send a websocket ping."""


class Count(msgspec.Struct, frozen=True, gc=False):
    """Count something that no event tells; a gauge goes `by` so much up or down."""

    metric: str
    labels: tuple[str, ...] = ()
    by: int = 1


class Ended(msgspec.Struct, frozen=True, gc=False):
    """Something that is traced is over; it began at `since_s` of the session's clock.

    It has ended at `until_s`; None: it ends when all effects before it are performed. `told` are
    attributes beside those of the connection; `failure` is a name of what went wrong, or empty.
    """

    trace: Trace
    name: str
    kind: Kind
    since_s: float
    until_s: float | None = None
    told: tuple[tuple[str, str], ...] = ()
    failure: str = ""


Effect = Record | Write | Close | Ping | Count | Ended
