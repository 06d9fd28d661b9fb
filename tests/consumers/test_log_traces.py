"""The spans of traced records that a consumer folds."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from consumers.log.folding import Folded
from consumers.log.traces import YOUNG_MS, Traces, marked
from consumers.meaning.facts import At, Booted
from consumers.stores.changes import Poison
from programs.tracing import Tracing
from schemas.traces import followed

HEADER = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def record(offset, traceparent=HEADER, age_ms=0, event_id=b"e"):
    headers = [("ce_id", event_id + str(offset).encode())]
    if traceparent is not None:
        headers.append(("traceparent", traceparent))
    at_ms = time.time_ns() // 1_000_000 - age_ms
    return SimpleNamespace(offset=offset, timestamp=at_ms, key=b"S1", headers=headers)


def made(name="transactions"):
    """Traces of a consumer, and the spans that it makes."""
    spans = []
    return Traces(
        Tracing(0, SimpleNamespace(put=spans.append, sent=0)), name, "ocpp.", "group"
    ), spans


def folded(**positions):
    return Folded({3: positions}, 5, 1, (), 1, {})


def test_each_traced_record_is_a_span_from_having_read_it_until_the_commit():
    """Below the span that wrote it; others cost a look at their headers."""
    traces, spans = made()
    batch = {"transactions": [record(1), record(2, None), record(3, HEADER[:-1] + b"0")]}
    traced = traces.read({3: batch}, [3])
    traces.folded(traced, folded(transactions=4))
    (span,) = spans
    assert (span.name, span.kind) == ("process ocpp.transactions", "consumer")
    assert span.trace.parent_id == followed(HEADER).span_id
    assert span.start_ns <= span.end_ns
    assert span.told["messaging.consumer.group.name"] == "group"
    assert span.told["messaging.batch.message_count"] == 5
    assert (span.told["messaging.kafka.offset"], span.told["messaging.kafka.message.key"]) == (
        1,
        "S1",
    )


@pytest.mark.parametrize(
    ("live", "age_ms", "position"), [([], 0, 9), ([3], YOUNG_MS + 1000, 9), ([3], 0, 1)]
)
def test_a_rebuild_a_backlog_and_what_still_waits_are_no_spans(live, age_ms, position):
    """Old traces would be told of once more; what waits for a schema is not folded yet."""
    traces, spans = made()
    traced = traces.read({3: {"transactions": [record(1, age_ms=age_ms)]}}, live)
    traces.folded(traced, folded(transactions=position))
    assert spans == []


def test_whoever_folds_a_record_once_more_makes_the_same_span():
    """After a crash; but another consumer, and another record below the same span, have another."""
    places = [
        one.trace
        for traces, _ in (made(), made(), made("stations"))
        for one in traces.read({3: {"transactions": [record(1), record(2)]}}, [3])
    ]
    first, second, *again = places
    assert again[:2] == [first, second]
    assert len({one.span_id for one in places}) == 4


def test_a_record_that_is_set_aside_has_failed():
    """It alone, of those that are committed with it."""
    traces, spans = made()
    traced = traces.read({3: {"transactions": [record(1), record(2)]}}, [3])
    bad = Poison("transactions", 3, 2, "no such field: x", b"S1", b"")
    traces.folded(traced, replace(folded(transactions=3), poison=[bad]))
    assert [span.failure for span in spans] == ["", "set_aside"]


def test_no_token_is_told():
    """Platforms that are traced themselves write tokens with a traceparent, and keys are tokens."""
    traces, spans = made("authorizations")
    traced = traces.read({3: {"id-tokens": [record(1)]}}, [3])
    traces.folded(traced, folded(**{"id-tokens": 2}))
    assert "messaging.kafka.message.key" not in spans[0].told


@pytest.mark.parametrize("event_id", [b"\xff", None])
def test_headers_may_have_whatever_bytes_or_none(event_id):
    """Anyone may write to a topic: that must not end the reading of it."""
    traces, _ = made()
    odd = record(1)
    odd.headers[0] = ("ce_id", event_id)
    assert len(traces.read({3: {"transactions": [odd]}}, [3])) == 1


def test_facts_of_traced_events_know_their_place():
    """By which what follows from them goes on with the trace; it is no part of what they say."""
    traces, _ = made()
    traced = traces.read({3: {"provisioning": [record(1)]}}, [3])
    facts = [Booted(At("S1", 1, number, 0, f"e{number}")) for number in (1, 2)]
    first, second = marked({3: facts}, traced)[3]
    assert first.at.trace == traced[0].trace
    assert second.at.trace is None
    assert [first, second] == facts
    assert marked({3: facts}, []) == {3: facts}


def test_without_tracing_nothing_is_looked_at():
    """Not even at headers."""
    traces = Traces(None, "transactions", "ocpp.", "group")
    assert traces.read({3: {"transactions": [object()]}}, [3]) == []
    traces.folded([], folded())
