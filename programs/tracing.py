"""Who is traced: places in traces are drawn here, and spans that came to an end handed on."""

import random
from typing import Protocol

import structlog

from programs.settings import KafkaSettings
from programs.spans import Span
from schemas.traces import Context, Trace, followed

log = structlog.get_logger(__name__)


class Exporting(Protocol):
    """Where spans go."""

    @property
    def sent(self) -> int:
        """Spans that have arrived."""

    def put(self, span: Span) -> None:
        """Take a span along with the next batch; never waits."""

    def close(self) -> None:
        """Send what is left, within a limit of its own."""


class Tracing:
    """Draws places in traces, of `sample` (0..1) of what begins here; counts spans in `made`."""

    def __init__(self, sample: float, exporting: Exporting) -> None:
        self._sample = sample
        self._exporting = exporting
        # The system's own chance: workers that are born alike must not draw the same ids.
        self._ids = random.SystemRandom()
        self._lots = random.Random()  # noqa: S311 - it decides who is traced, and no more
        self.made = 0

    @property
    def sent(self) -> int:
        """Spans that have arrived; the others wait or are lost."""
        return self._exporting.sent

    def begin(self) -> Trace | None:
        """A trace begins here, or mostly does not."""
        return self.root() if self._lots.random() < self._sample else None

    def root(self) -> Trace:
        """A trace begins here, whatever the share."""
        return Trace(self._ids.getrandbits(128) or 1, self._ids.getrandbits(64) or 1)

    def follow(self, traceparent: bytes | None) -> Context | None:
        """The place of a span below what came with a record; as `begin` where nothing came.

        One that is not sampled is handed on as it is: who has begun a trace decides for all.
        """
        if traceparent is None:
            return self.begin()
        above = followed(traceparent)
        if above is None:
            return traceparent
        return Trace(above.trace_id, self._ids.getrandbits(64) or 1, above.span_id)

    def ended(self, span: Span) -> None:
        """Hand a span on. Whatever becomes of it, nothing is raised and nothing waits."""
        self.made += 1
        try:
            self._exporting.put(span)
        except Exception as error:
            log.error("a span cannot be handed on", name=span.name, error=repr(error))

    def close(self) -> None:
        """Send what is left; blocks for as long as the exporter's own limit."""
        self._exporting.close()


def begun(settings: KafkaSettings, service: str, instance: str = "") -> Tracing | None:
    """Tracing as the settings have it, for the program `service`; None: nothing is traced."""
    if not settings.tracing:
        return None
    # OpenTelemetry is an extra, and who does not trace does not pay for it.
    from programs.exporting import Exporter  # noqa: PLC0415

    return Tracing(settings.tracing_sample, Exporter(settings.tracing, service, instance))
