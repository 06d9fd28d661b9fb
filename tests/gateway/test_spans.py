"""The spans of a gateway, as its socket and its log make them."""

import json
from types import SimpleNamespace

from programs.tracing import Tracing
from schemas.traces import followed
from tests.gateway.fake_log import delivery, gateway
from tests.gateway.test_delivery import COMMAND, LATER, asked, read_back
from tests.station import Station

HEADER = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def tracing(sample=1.0):
    """Tracing, and the spans that it is told of."""
    spans = []
    return Tracing(sample, SimpleNamespace(put=spans.append, sent=0)), spans


async def test_a_call_is_a_span_and_each_of_its_events_one_below_it():
    """From when it came until its answer left; each event until it was acknowledged."""
    traced, spans = tracing()
    async with gateway(tracing=traced) as (url, _, log):
        async with await Station.connect(url, "CS-1") as station:
            log.open = False
            answering = station.call("Heartbeat")
            await station.socket.send(json.dumps([2, "b", "Heartbeat", {}]))
            await log.holds(3)
            answering.close()
            assert spans == []
            log.release()
            await station.receive()
            log.open = True
    call, answer, root = spans
    assert [(one.name, one.kind) for one in spans] == [
        ("send ocpp.availability", "producer"),
        ("send ocpp.availability", "producer"),
        ("Heartbeat", "server"),
    ]
    assert call.trace.parent_id == answer.trace.parent_id == root.trace.span_id
    assert call.start_ns <= call.end_ns <= root.end_ns
    assert root.start_ns < call.start_ns + 60e9, "two clocks, read one after the other"
    assert (call.told["messaging.kafka.offset"], call.told["ocpp.kind"]) == (1, "call")
    assert root.told["ocpp.station.id"] == "CS-1"
    headers = [one["traceparent"] for one in log.headers if "traceparent" in one]
    assert headers == [call.trace.header, answer.trace.header]


async def test_an_outcome_that_is_not_known_is_a_failure_of_the_span():
    """And the call, which gets no answer, ends with its connection."""
    traced, spans = tracing()
    async with gateway(tracing=traced) as (url, _, log):
        async with await Station.connect(url, "CS-1") as station:
            log.open = False
            await station.socket.send(json.dumps([2, "b", "Heartbeat", {}]))
            await log.holds(3)
            log.release(unknown=True)
            await station.closed()
            log.open = True
    assert sorted((one.name, one.failure) for one in spans) == [
        ("Heartbeat", "unanswered"),
        ("send ocpp.availability", "unknown_outcome"),
        ("send ocpp.availability", "unknown_outcome"),
    ]


async def test_a_command_follows_the_trace_that_came_with_it():
    """Whatever the share of what begins here."""
    traced, spans = tracing(sample=0)
    async with gateway(tracing=traced, command_hold_s=0) as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            told = delivery(server)
            told.command(b"CS-1", (("traceparent", HEADER),), LATER, COMMAND)
            await log.has("taken")
            read_back(told, log)
            call = await station.receive()
            await station.answer(call, {"status": "Accepted"})
            await log.holds(5)
    whole = next(one for one in spans if one.name == "process ocpp.commands")
    above = followed(HEADER)
    assert (whole.trace.trace_id, whole.trace.parent_id) == (above.trace_id, above.span_id)
    assert {one.trace.parent_id for one in spans if one is not whole} == {whole.trace.span_id}
    assert {one.trace.trace_id for one in spans} == {above.trace_id}
    assert whole.told["messaging.destination.name"] == "ocpp.commands"


async def test_a_command_whose_answer_the_log_may_lack_ends_unanswered():
    """Its span waits for the result, and is over all the same where there will be none."""
    traced, spans = tracing(sample=0)
    async with asked((("traceparent", HEADER),), tracing=traced) as (station, log, message_id):
        await station.send_text(json.dumps([3, message_id, {"status": "Accepted"}]))
        await log.holds(4)
        log.release(unknown=True)
    whole = [one for one in spans if one.name == "process ocpp.commands"]
    assert [one.failure for one in whole] == ["unanswered"]


async def test_without_tracing_a_traceparent_is_handed_on_and_nothing_else_has_one():
    """As it came, on every record of the command."""
    async with gateway(command_hold_s=0) as (url, server, log):
        async with await Station.connect(url, "CS-1") as station:
            await station.call("Heartbeat")
            told = delivery(server)
            told.command(b"CS-1", (("traceparent", HEADER),), LATER, COMMAND)
            await log.has("taken")
            read_back(told, log)
            call = await station.receive()
            await station.answer(call, {"status": "Accepted"})
            await log.holds(7)
    traced = [
        (name, record.get("type") or record.get("kind"))
        for (name, _, record), headers in zip(log.records, log.headers, strict=True)
        if headers.get("traceparent") == HEADER
    ]
    assert traced == [
        ("connections", "taken"),
        ("provisioning", "call"),
        ("provisioning", "result"),
        ("command-results", None),
    ]
    assert sum("traceparent" in headers for headers in log.headers) == 4
