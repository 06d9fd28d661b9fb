"""What a consumer counts, for Prometheus."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from consumers.folding import Folded

_LABELS = ("consumer",)


class Metrics:
    """The numbers of one consumer process."""

    def __init__(self, consumer: str) -> None:
        self.registry = CollectorRegistry()
        self._consumer = consumer
        self._records = self._counter("records", "Records of the log that are in the tables")
        self._rows = self._counter("rows", "Rows written: new, changed or gone")
        self._commits = self._counter("commits", "Transactions committed to the store")
        self._poison = self._counter("poison", "Records that were set aside: not to be folded")
        self.fenced = self._counter("fenced", "Times that another instance had taken over")
        self.lost = self._counter("lost", "Times that records were gone before they were read")
        self.sequel_failures = self._counter("sequel_failures", "Failures beside the tables")
        self.produce_failures = self._counter(
            "produce_failures", "Records that were not written, and nobody waited for"
        )
        self.published = self._counter("published", "Rows put on topics, and those taken away")
        self.restarts = self._counter("restarts", "Times that Kafka or the store broke")
        self._lag = self._by_partition("lag_records", "Records of the log not yet in the tables")
        self._delay = self._by_partition("delay_seconds", "Age of the last record, if more wait")
        waiting = "Topic partitions that wait for a schema which is not known yet"
        self.waiting = self._gauge("waiting", waiting)
        self.partitions = self._gauge("partitions", "Partition numbers that this process folds")

    def folded(self, done: Folded) -> None:
        """A batch is committed."""
        self._records.inc(done.records)
        self._rows.inc(done.rows)
        self._commits.inc(done.commits)
        self._poison.inc(done.poison)

    def behind(self, lag: Mapping[int, int], delay_s: Mapping[int, float]) -> None:
        """How far each partition number of ours is behind; others are no business of ours."""
        for gauge, found in ((self._lag, lag), (self._delay, delay_s)):
            gauge.clear()
            for number, value in found.items():
                gauge.labels(self._consumer, str(number)).set(value)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, doc: str) -> Counter:
        made = Counter(f"chargewire_consumer_{name}", doc, _LABELS, registry=self.registry)
        return made.labels(self._consumer)

    def _gauge(self, name: str, doc: str) -> Gauge:
        made = Gauge(f"chargewire_consumer_{name}", doc, _LABELS, registry=self.registry)
        return made.labels(self._consumer)

    def _by_partition(self, name: str, doc: str) -> Gauge:
        labels = (*_LABELS, "partition")
        return Gauge(f"chargewire_consumer_{name}", doc, labels, registry=self.registry)
