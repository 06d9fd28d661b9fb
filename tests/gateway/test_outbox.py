"""The order of what is sent: a write waits for the events before it."""

from gateway.effects import Close, Ended, Write
from gateway.outbox import Outbox
from schemas.traces import Trace


class Wire:
    """What came out, and whether an outcome was unknown."""

    def __init__(self):
        self.sent, self.unknown = [], 0
        self.outbox = Outbox(send=self.send, unknown=self.lost)

    def send(self, effect):
        if effect is not None:
            self.sent.append(effect)

    def lost(self):
        self.unknown += 1
        self.outbox.clear()


FIRST, SECOND, END = Write("1", 0.0), Write("2", 0.0), Close(1012, "restart")


def test_a_write_waits_for_the_events_before_it_and_for_no_others():
    """The second call's events do not hold up the first one's answer."""
    wire = Wire()
    a, b = wire.outbox.ticket(), wire.outbox.ticket()
    wire.outbox.put(FIRST)
    c = wire.outbox.ticket()
    wire.outbox.put(SECOND)
    a(10)
    assert wire.sent == []
    b(11)
    assert wire.sent == [FIRST]
    assert wire.outbox.unsent == 1
    c(12)
    assert wire.sent == [FIRST, SECOND]


def test_acknowledgements_out_of_order_keep_the_order_of_writes():
    """Events of one connection lie in several partitions."""
    wire = Wire()
    a = wire.outbox.ticket()
    wire.outbox.put(FIRST)
    b = wire.outbox.ticket()
    wire.outbox.put(SECOND)
    b(7)
    assert wire.sent == []
    a(3)
    assert wire.sent == [FIRST, SECOND]


def test_a_close_comes_after_the_writes_before_it():
    """The gateway stops: first the answers in hand."""
    wire = Wire()
    a = wire.outbox.ticket()
    wire.outbox.put(FIRST)
    wire.outbox.put(END)
    a(0)
    assert wire.sent == [FIRST, END]


def test_an_unknown_outcome_sends_nothing():
    """Promise 1: what waited on it is never written, also not by a later acknowledgement."""
    wire = Wire()
    a, b = wire.outbox.ticket(), wire.outbox.ticket()
    wire.outbox.put(FIRST)
    a(None)
    b(1)
    assert (wire.sent, wire.unknown, wire.outbox.unsent) == ([], 1, 0)


def test_a_span_ends_after_what_is_before_it_and_is_no_write():
    """Nothing is held up for it: it does not count as unsent."""
    wire, ended = Wire(), Ended(Trace(1, 2), "a", "server", 0.0)
    ticket = wire.outbox.ticket()
    wire.outbox.put(FIRST)
    wire.outbox.put(ended)
    assert wire.outbox.unsent == 1
    ticket(7)
    assert wire.sent == [FIRST, ended]
    assert (wire.outbox.unsent, len(wire.outbox)) == (0, 0)


def test_a_span_ends_with_the_connection_when_nothing_more_is_sent():
    """As unanswered; the write before it is not sent."""
    wire = Wire()
    ticket = wire.outbox.ticket()
    wire.outbox.put(FIRST)
    wire.outbox.put(Ended(Trace(1, 2), "a", "server", 0.0))
    ticket(None)
    assert wire.sent == [Ended(Trace(1, 2), "a", "server", 0.0, failure="unanswered")]
    assert wire.unknown == 1
