"""Sends spans by OTLP over HTTP, in batches of OpenTelemetry's own and in a thread of theirs.

The one module that imports OpenTelemetry. A collector that is away costs the spans, and one line in
the log when it goes and one when it is back.
"""

import logging
import os
import platform
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog
from opentelemetry import trace as otel
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from programs.about import VERSION
from programs.spans import Span

QUEUED_MAX = 4096  # spans; past them the oldest are lost
BATCH_MAX = 512  # spans
BATCH_EVERY_MS = 1000
EXPORT_TIME_S = 5.0  # of a batch, with all that is tried again
CLOSE_TIME_S = 2.0
# They say at each attempt what is said once here.
_CHATTY = ("opentelemetry", "urllib3.connectionpool")

_KINDS = {
    "internal": otel.SpanKind.INTERNAL,
    "server": otel.SpanKind.SERVER,
    "client": otel.SpanKind.CLIENT,
    "producer": otel.SpanKind.PRODUCER,
    "consumer": otel.SpanKind.CONSUMER,
}
_FLAGS = otel.TraceFlags(otel.TraceFlags.SAMPLED)

log = structlog.get_logger("tracing")


def endpoint(url: str) -> str:
    """Where an OTLP receiver takes traces: below /v1/traces, unless the URL has a path."""
    return url.rstrip("/") + "/v1/traces" if urlsplit(url).path in ("", "/") else url


class Exporter:
    """The program `service` at an OTLP receiver; `sent` counts spans that it has taken."""

    def __init__(self, url: str, service: str, instance: str = "") -> None:
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        resource = {"service.name": service, "service.version": VERSION}
        resource["service.instance.id"] = instance or f"{platform.node()}-{os.getpid()}"
        self._ids = _Given()
        self._url = url
        self._collector = Collector(OTLPSpanExporter(endpoint(url), timeout=EXPORT_TIME_S), url)
        self._provider = TracerProvider(
            resource=Resource.create(resource),
            sampler=ALWAYS_ON,  # what comes here is sampled already
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        batches = BatchSpanProcessor(
            self._collector,
            max_queue_size=QUEUED_MAX,
            schedule_delay_millis=BATCH_EVERY_MS,
            max_export_batch_size=BATCH_MAX,
        )
        self._provider.add_span_processor(batches)
        self._tracer = self._provider.get_tracer("chargewire", VERSION)

    @property
    def sent(self) -> int:
        return self._collector.sent

    def put(self, span: Span) -> None:
        """Take a span along with the next batch; never waits. From one thread only."""
        place = span.trace
        self._ids.trace_id, self._ids.span_id = place.trace_id, place.span_id
        above = otel.SpanContext(
            place.trace_id, place.parent_id, is_remote=True, trace_flags=_FLAGS
        )
        made = self._tracer.start_span(
            span.name,
            # A parent without an id is none: then the ids are those of a root.
            context=otel.set_span_in_context(otel.NonRecordingSpan(above)),
            kind=_KINDS[span.kind],
            attributes=dict(span.told) | ({"error.type": span.failure} if span.failure else {}),
            start_time=span.start_ns,
        )
        if span.failure:
            made.set_status(otel.StatusCode.ERROR, span.failure)
        made.end(max(span.start_ns, span.end_ns))

    def close(self) -> None:
        """Send what is left. Blocks for CLOSE_TIME_S at most."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(CLOSE_TIME_S)
        if ending.is_alive():
            log.warning("the last traces were not taken in time", by=self._url)


class _Given(IdGenerator):
    """Gives the ids of the span that is put next: they are on the bus already."""

    trace_id = span_id = 1

    def generate_span_id(self) -> int:
        return self.span_id

    def generate_trace_id(self) -> int:
        return self.trace_id


class Collector(SpanExporter):
    """Counts what is taken, and tells once that nothing is taken any more."""

    def __init__(self, exporter: SpanExporter, url: str) -> None:
        self._exporter = exporter
        self._url = url
        self._away = False
        self.sent = 0
        self.lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.sent += len(spans)
            if self._away:
                log.info("traces are taken again", by=self._url, lost=self.lost)
        else:
            self.lost += len(spans)
            if not self._away:
                log.warning("traces are lost: nobody takes them", by=self._url)
        self._away = result is not SpanExportResult.SUCCESS
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
