"""What a consumer counts, for Prometheus."""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from consumers.families import BROKEN, FAMILIES
from consumers.log.folding import Folded
from programs.about import VERSION

# Else each counter has a second series: when it began to count.
disable_created_metrics()  # type: ignore[no-untyped-call]

T = TypeVar("T", Counter, Gauge, Histogram)


class Metrics:
    """The numbers of one consumer process; what is asked for twice is the same, and goes on."""

    def __init__(self, consumer: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._consumer = consumer
        self._made: dict[str, Any] = {}
        self.gauge("consumer_build_info").labels(consumer, VERSION).set(1)
        self._records = self._own(Counter, "records")
        self._rows = self._own(Counter, "rows")
        self._commits = self._own(Counter, "commits")
        self._commit_s = self._own(Histogram, "commit_seconds")
        self._last_commit = self._own(Gauge, "last_commit_timestamp_seconds")
        self._last_commit.set_to_current_time()
        self._poison = self._own(Counter, "poison")
        self.fenced = self._own(Counter, "fenced")
        self.lost = self._own(Counter, "lost")
        self.sequel_failures = self._own(Counter, "sequel_failures")
        self.produce_failures = self._own(Counter, "produce_failures")
        self.published = self._own(Counter, "published")
        self.outbox_rows = self._own(Gauge, "outbox_rows")
        self.removed = self._own(Counter, "removed")
        self.overdue = self._own(Gauge, "overdue_seconds")
        self._restarts = self.counter("consumer_restarts")
        for reason in BROKEN:  # a rise from nothing would be no rise
            self._restarts.labels(consumer, reason)
        self._lag = self.gauge("consumer_lag_records")
        self._delay = self.gauge("consumer_delay_seconds")
        self.waiting = self._own(Gauge, "waiting")
        self.partitions = self._own(Gauge, "partitions")
        self.partitions_all = self._own(Gauge, "partitions_all")
        self.loop_lag = self._own(Histogram, "loop_lag_seconds")

    def counter(self, name: str) -> Counter:
        """That of consumers.families. KeyError: no such name."""
        return self._of(Counter, name)

    def gauge(self, name: str) -> Gauge:
        """That of consumers.families. KeyError: no such name."""
        return self._of(Gauge, name)

    def histogram(self, name: str) -> Histogram:
        """That of consumers.families. KeyError: no such name."""
        return self._of(Histogram, name)

    def folded(self, done: Folded, took_s: float) -> None:
        """A batch is committed, so long after its records were there."""
        self._records.inc(done.records)
        self._rows.inc(done.rows)
        self._commits.inc(done.commits)
        self._poison.inc(len(done.poison))
        self._commit_s.observe(took_s)
        self._last_commit.set(time.time())

    def broke(self, reason: str) -> None:
        """It begins anew; `reason` is one of BROKEN."""
        self._restarts.labels(self._consumer, reason).inc()

    def behind(self, lag: Mapping[int, int], delay_s: Mapping[int, float]) -> None:
        """How far each partition number of ours is behind; others are no business of ours."""
        for gauge, found in ((self._lag, lag), (self._delay, delay_s)):
            gauge.clear()
            for number, value in found.items():
                gauge.labels(self._consumer, str(number)).set(value)

    def watch_ready(self, ready: Callable[[], bool]) -> None:
        """Ask whether all is folded whenever someone looks."""
        self._own(Gauge, "ready").set_function(lambda: float(ready()))

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)

    def _own(self, kind: type[T], name: str) -> T:
        return self._of(kind, f"consumer_{name}").labels(self._consumer)

    def _of(self, kind: type[T], name: str) -> T:
        made: T | None = self._made.get(name)
        if made is None:
            family = FAMILIES[name]
            buckets: dict[str, Any] = {"buckets": family.bounds} if family.bounds else {}
            made = self._made[name] = kind(
                f"chargewire_{name}", family.doc, family.labels, registry=self.registry, **buckets
            )
        assert isinstance(made, kind), f"{name} is a {FAMILIES[name].kind}"
        return made
