"""Who is traced, and where spans go."""

from dataclasses import dataclass, field

import pytest

from programs.spans import Span
from programs.tracing import Tracing
from schemas.traces import Trace, followed

HEADER = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass
class Kept:
    """Stands where spans go."""

    spans: list = field(default_factory=list)
    broken: bool = False
    sent = 3

    def put(self, span):
        if self.broken:
            raise ValueError("a bug of somebody's")
        self.spans.append(span)

    def close(self):
        self.spans.append("closed")


def test_the_share_decides_about_what_begins_here():
    """All, none, or about as many as were wanted; each with ids of its own."""
    all_ = [Tracing(1, Kept()).begin() for _ in range(50)]
    assert len({trace.trace_id for trace in all_} | {trace.span_id for trace in all_}) == 100
    assert {trace.parent_id for trace in all_} == {0}
    none = Tracing(0, Kept())
    assert [none.begin() for _ in range(50)] == [None] * 50
    some = Tracing(0.5, Kept())
    assert 300 < sum(some.begin() is not None for _ in range(1000)) < 700


def test_whoever_has_begun_a_trace_decides_for_all():
    """Sampled: a place below, whatever the share; not sampled: handed on; nothing: the share."""
    none = Tracing(0, Kept())
    below = none.follow(HEADER)
    assert isinstance(below, Trace)
    above = followed(HEADER)
    assert (below.trace_id, below.parent_id) == (above.trace_id, above.span_id)
    assert below.span_id != none.follow(HEADER).span_id
    unsampled = HEADER[:-1] + b"0"
    assert Tracing(1, Kept()).follow(unsampled) == unsampled
    assert none.follow(None) is None
    assert Tracing(1, Kept()).follow(None).parent_id == 0


@pytest.mark.parametrize("broken", [False, True])
def test_spans_are_handed_on_and_counted_whatever_becomes_of_them(broken):
    """A bug behind it does not reach who works."""
    kept = Kept(broken=broken)
    tracing = Tracing(1, kept)
    span = Span(name="a", kind="internal", trace=Trace(1, 2), start_ns=1, end_ns=2)
    tracing.ended(span)
    tracing.close()
    assert kept.spans == (["closed"] if broken else [span, "closed"])
    assert (tracing.made, tracing.sent) == (1, 3)
