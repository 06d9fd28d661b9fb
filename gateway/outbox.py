"""What a connection has yet to send, in order: a write waits for the events before it."""

from collections import deque
from collections.abc import Callable

import msgspec

from gateway.effects import Close, Ended, Write

UNANSWERED = "unanswered"  # what became of something traced that was never done with


class Ticket:
    """The place of one event in the order; called with its position once that is known."""

    __slots__ = ("_outbox", "acknowledged")

    def __init__(self, outbox: "Outbox") -> None:
        self._outbox = outbox
        self.acknowledged = False

    def __call__(self, position: int | None) -> None:
        if position is None:
            self._outbox.unknown()
        else:
            self.acknowledged = True
            self._outbox.drain()


class Outbox:
    """Writes and closes, and ends of what is traced, between the tickets of events.

    `send` gets the effects whose time has come, and None after the last of a go, or where
    nothing waits any more; `unknown` is called when the log may or may not have one of the events.
    """

    __slots__ = ("_send", "_waiting", "unknown", "unsent")

    def __init__(
        self, *, send: Callable[[Write | Close | Ended | None], None], unknown: Callable[[], None]
    ) -> None:
        self._send = send
        self._waiting: deque[Ticket | Write | Close | Ended] = deque()
        self.unknown = unknown
        self.unsent = 0

    def ticket(self) -> Ticket:
        """The place of an event that is handed to the log now."""
        ticket = Ticket(self)
        self._waiting.append(ticket)
        return ticket

    def put(self, effect: Write | Close | Ended) -> None:
        """Send this after everything before it."""
        self._waiting.append(effect)
        self.unsent += not isinstance(effect, Ended)

    def drain(self) -> None:
        """Send what no longer waits for an event."""
        waiting, sent = self._waiting, False
        while waiting:
            head = waiting[0]
            if isinstance(head, Ticket):
                if not head.acknowledged:
                    break
                waiting.popleft()
            else:
                waiting.popleft()
                self.unsent -= not isinstance(head, Ended)
                self._send(head)
                sent = True
        if sent or not waiting:
            self._send(None)

    def __len__(self) -> int:
        """Events, writes and closes that are not done with."""
        return len(self._waiting)

    def clear(self) -> None:
        """Nothing more is sent: what is traced ends with that."""
        traced = [one for one in self._waiting if isinstance(one, Ended)]
        self._waiting.clear()
        self.unsent = 0
        for one in traced:
            self._send(msgspec.structs.replace(one, failure=one.failure or UNANSWERED))
