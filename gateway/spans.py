"""Makes the spans of a gateway: of what its sessions say is over, and of what goes into the log."""

import time
from typing import TYPE_CHECKING

from gateway.effects import Ended
from gateway.events import Event
from gateway.lanes import Done
from programs.spans import Place, Span, processed, sent
from programs.tracing import Tracing
from schemas.traces import Context, Trace

if TYPE_CHECKING:
    from gateway.link import Link

_UNKNOWN = "unknown_outcome"  # the log may have the record or not
_NS = 1_000_000_000


class Spans:
    """Without `tracing` nothing is traced, and what others trace is handed on as it came."""

    def __init__(self, tracing: Tracing | None, prefix: str) -> None:
        self._tracing = tracing
        self._prefix = prefix

    @property
    def made(self) -> int:
        """Spans that ended."""
        return 0 if self._tracing is None else self._tracing.made

    @property
    def sent(self) -> int:
        """Those of them that have arrived."""
        return 0 if self._tracing is None else self._tracing.sent

    def begin(self) -> Trace | None:
        """The place of what is done about a frame, where it is traced."""
        return None if self._tracing is None else self._tracing.begin()

    def follow(self, traceparent: bytes | None) -> Context | None:
        """The place of what is done about a command that came with this, or without any."""
        return traceparent if self._tracing is None else self._tracing.follow(traceparent)

    def ended(self, link: "Link", effect: Ended) -> None:
        """What a session says is over."""
        if self._tracing is None:
            return
        told = _told(link) | dict(effect.told)
        now_s, now_ns = time.monotonic(), time.time_ns()
        start_ns = now_ns - int((now_s - effect.since_s) * _NS)
        end_ns = now_ns
        if effect.until_s is not None:
            end_ns -= int((now_s - effect.until_s) * _NS)
        if effect.kind == "consumer":
            place = Place(self._prefix + effect.name, link.partition, link.key)
            span = processed(effect.trace, place, start_ns, end_ns, told, effect.failure)
        else:
            span = Span(
                name=effect.name,
                kind=effect.kind,
                trace=effect.trace,
                start_ns=start_ns,
                end_ns=end_ns,
                told=told,
                failure=effect.failure,
            )
        self._tracing.ended(span)

    def sending(self, link: "Link", event: Event, done: Done) -> Done:
        """What is `done` with a traced event, and before it the span of putting it into the log."""
        tracing, trace = self._tracing, event.trace
        if tracing is None or trace is None:
            return done
        start_ns = time.time_ns()

        def acknowledged(position: int | None) -> None:
            topic, at = self._prefix + event.topic, -1 if position is None else position
            place = Place(topic, link.partition, link.key, at)
            told = _told(link) | {
                name: value
                for name, value in (("ocpp.action", event.action), ("ocpp.kind", event.kind))
                if value
            }
            failure = _UNKNOWN if position is None else ""
            tracing.ended(sent(trace, place, start_ns, time.time_ns(), told, failure))
            done(position)

        return acknowledged


def _told(link: "Link") -> dict[str, str | int]:
    assert link.session is not None, "what is traced has a session"
    writer = link.session.writer
    return {
        "ocpp.station.id": writer.station,
        "ocpp.version": writer.version.name,
        "ocpp.connection.id": writer.connection_id,
    }
