"""Spans on their way to a collector, over a real socket."""

import threading
import time

import pytest
import structlog
from opentelemetry.sdk.trace.export import SpanExportResult

from deploy.local.ports import HOST, free_port
from programs import exporting as module
from programs.exporting import Collector, Exporter, endpoint
from programs.spans import Span
from schemas.traces import Trace
from tests.receiver import Receiver

pytestmark = pytest.mark.slow  # it opens ports

OK, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", HOST)


def span(number, **more):
    return Span(
        name=f"span {number}",
        kind="server",
        trace=Trace(2**100, number, 7),
        start_ns=1_000_000,
        end_ns=2_000_000,
        told={"ocpp.action": "Heartbeat", "messaging.kafka.offset": number},
        **more,
    )


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("http://c:4318/", "http://c:4318/v1/traces"),
        ("https://c/otlp/v1/traces", "https://c/otlp/v1/traces"),
    ],
)
def test_a_path_is_taken_as_it_is_and_none_is_that_of_the_specification(url, whole):
    """So the address of a collector is enough."""
    assert endpoint(url) == whole


def test_spans_arrive_as_they_are(monkeypatch):
    """With the ids that are on the bus already, also where there is nothing above; what is left is
    sent at the end."""
    for name in ("EXPORT_TIME_S", "CLOSE_TIME_S"):
        monkeypatch.setattr(module, name, 60.0)
    with Receiver() as receiver:
        exporter = Exporter(receiver.url, "chargewire-test", "one")
        exporter.put(span(5))
        exporter.put(Span(name="root", kind="client", trace=Trace(9, 8), start_ns=3, end_ns=2))
        exporter.put(span(6, failure="timeout"))
        exporter.close()
        assert exporter.sent == 3
        first, root, failed = sorted(receiver.spans, key=lambda one: one.span_id == f"{6:016x}")
    assert (first.service, first.name, first.kind) == ("chargewire-test", "span 5", "server")
    assert (first.trace_id, first.span_id) == (f"{2**100:032x}", f"{5:016x}")
    assert (first.parent_id, first.failed) == (f"{7:016x}", False)
    assert (first.start_ns, first.end_ns) == (1_000_000, 2_000_000)
    assert first.told == {"ocpp.action": "Heartbeat", "messaging.kafka.offset": 5}
    assert (root.trace_id, root.parent_id, root.end_ns) == (f"{9:032x}", "", 3)
    assert (failed.failed, failed["error.type"]) == (True, "timeout")


def test_a_collector_that_is_away_costs_its_spans_and_one_line(monkeypatch):
    """And does not keep the end from coming. The line names no more than its address."""
    monkeypatch.setattr(module, "EXPORT_TIME_S", 60.0)
    monkeypatch.setattr(module, "CLOSE_TIME_S", 0.2)
    before = {*threading.enumerate()}
    with structlog.testing.capture_logs() as lines:
        url = f"http://{HOST}:{free_port()}"
        exporter = Exporter(url, "chargewire-test")
        exporter.put(span(5))
        begun_s = time.monotonic()
        exporter.close()
        assert time.monotonic() - begun_s < 30, "it waited for the export"
        told = [line["event"] for line in lines]
        exporter._collector._exporter.shutdown()  # or the next test would hear of its end
        for thread in {*threading.enumerate()} - before:
            thread.join(60)
            assert not thread.is_alive()
    assert exporter.sent == 0
    assert told == ["the last traces were not taken in time"]


def test_what_is_said_of_a_collector_is_said_once():
    """That it takes nothing, and that it does again, with what was lost meanwhile."""
    told = Told()
    collector = Collector(told, "http://c:4318")
    with structlog.testing.capture_logs() as lines:
        for told.result in (OK, LOST, LOST, LOST, OK, OK, LOST):
            assert collector.export([object(), object()]) is told.result
    assert [(line["event"], line.get("lost")) for line in lines] == [
        ("traces are lost: nobody takes them", None),
        ("traces are taken again", 6),
        ("traces are lost: nobody takes them", None),
    ]
    assert collector.sent == 6


class Told:
    """An exporter that does as it is told."""

    result = OK

    def export(self, spans):
        del spans
        return self.result
