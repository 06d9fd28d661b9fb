"""What a gateway counts: a table of families, and plain numbers that cost next to nothing to raise.

prometheus-client's own counters take 0.3 µs each, its multiprocess ones 0.9-1.9 µs, several times
per frame; here an increment is an addition, and `gateway.exposition` turns numbers into families
when somebody asks.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from gateway.events import Event
from programs.families import WAITS_S, Family
from schemas.catalogue import ACTIONS, VERSIONS

Labels = tuple[str, ...]
SERIES_MAX = 1000  # of one family; what comes after shares the series `other`
OTHER = "other"

_ACTIONS = frozenset(action.name for action in ACTIONS.values())

_TABLE = (
    Family("build_info", "gauge", "Gateway processes, by version of chargewire", ("version",)),
    Family("ready", "gauge", "Gateway processes that take stations"),
    Family("connections", "gauge", "Stations connected", ("version",)),
    Family("connections_max", "gauge", "Stations that may be connected"),
    Family("handshakes", "gauge", "Handshakes under way"),
    Family("handshakes_max", "gauge", "Handshakes that may be under way"),
    Family("connects", "counter", "Connections opened", ("version",)),
    Family("disconnects", "counter", "Connections ended, by close code", ("version", "code")),
    Family("refusals", "counter", "Handshakes refused", ("reason",)),
    Family("certificates_broken", "gauge", "Processes with certificate files that cannot be used"),
    Family("certificates_expiring", "gauge", "Processes whose certificate ends within two weeks"),
    Family("takeovers", "counter", "Connections replaced by a newer one of the same station"),
    Family("frames", "counter", "Frames in the log", ("direction", "kind", "action")),
    Family("dead_letters", "counter", "Frames that could not be taken, by rule", ("rule",)),
    Family("deviations", "counter", "Rules bent to take a frame", ("rule",)),
    Family("fallbacks", "counter", "Calls answered without the decision wanted", ("action",)),
    Family("decisions", "counter", "Decisions read: taken, late or invalid", ("outcome",)),
    Family("commands", "gauge", "Commands here: claiming, held, queued or outstanding", ("state",)),
    Family("commands_left", "counter", "Commands not claimed here, by reason", ("reason",)),
    Family("command_results", "counter", "Results written here, by outcome", ("outcome",)),
    Family("copies", "counter", "Results copied to reply topics, or not", ("outcome",)),
    Family("secrets_missing", "counter", "Secrets that commands named in vain"),
    Family("pipelined", "counter", "Calls taken before the one before was answered"),
    Family("paused", "gauge", "Sockets that are not read: too many calls or events in flight"),
    Family("misrouted", "counter", "Records in a wrong partition or of a wrong key"),
    Family("unreadable", "counter", "Records of other writers that say nothing"),
    Family("tail_lag", "gauge", "Records of the log that are not read yet"),
    Family("tail_restarts", "counter", "Times that reading the log broke and began again"),
    Family("tail_lost", "counter", "Times that records were gone before they were read"),
    Family(
        "answer_seconds", "histogram", "From a call read to its reply sent", ("action",), WAITS_S
    ),
    Family("ack_seconds", "histogram", "From a batch's first event to its ack", (), WAITS_S),
    Family("events_in_flight", "gauge", "Events not yet acknowledged"),
    Family("events_in_flight_max", "gauge", "Events that may be without an acknowledgement"),
    Family("events_acknowledged", "counter", "Events acknowledged by Kafka"),
    Family("events_unknown", "counter", "Events whose outcome is unknown"),
    Family("batches", "counter", "Batches acknowledged by Kafka"),
    Family("disconnects_kept", "gauge", "Disconnect events waiting for the end of an outage"),
    Family("disconnects_dropped", "counter", "Disconnect events lost: too many were waiting"),
    Family("outage", "gauge", "Gateway processes for which Kafka is out of reach"),
    Family("outages", "counter", "Times that Kafka went out of reach"),
    Family("spans", "counter", "Spans of traces that ended"),
    Family("spans_sent", "counter", "Spans that were taken; others wait or are lost"),
    Family("loop_lag_seconds", "histogram", "How late the event loop woke a timer", (), WAITS_S),
    Family("cpu_seconds", "counter", "Processor time of the gateway processes"),
    Family("memory_bytes", "gauge", "Memory of the gateway processes that is in use"),
    Family("open_files", "gauge", "Files and sockets that they have open"),
    Family("open_files_max", "gauge", "Files and sockets that they may have open"),
    Family("start_time_seconds", "gauge", "When the youngest of them was started", greatest=True),
)
FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in _TABLE})


class Number:
    """One series of a counter or gauge; raise `value` in place where every nanosecond counts."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0


class Spread:
    """One series of a histogram: how many observations fell under each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Add one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Sample(NamedTuple):
    """The state of one series; `counts` are a histogram's, not yet added up, else empty."""

    family: str
    labels: Labels
    value: float  # a histogram's sum
    counts: tuple[int, ...] = ()


class Metrics:
    """The numbers of one gateway instance."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[Labels, Number]] = {
            name: {} for name, family in FAMILIES.items() if family.kind != "histogram"
        }
        self._spreads: dict[str, dict[Labels, Spread]] = {
            name: {} for name, family in FAMILIES.items() if family.kind == "histogram"
        }
        self._watched: dict[str, Callable[[], float]] = {}
        for family in _TABLE:  # what has no labels is there from the start, at zero
            if not family.labels and family.kind == "histogram":
                self.spread(family.name)
            elif not family.labels:
                self.number(family.name)
        for version in VERSIONS:  # without a series, a gateway that nobody came back to is not seen
            self.number("connections", version)
        self._frames = self._numbers["frames"]
        self._answers = self._spreads["answer_seconds"]
        self._ack = self.spread("ack_seconds")

    def number(self, name: str, *labels: str) -> Number:
        """The series of a counter or gauge; keep it to raise it cheaply. KeyError: no such name."""
        series = self._numbers[name]
        found = series.get(labels)
        if found is None:
            assert len(labels) == len(FAMILIES[name].labels), f"{name} takes other labels"
            found = series.setdefault(_bounded(series, labels), Number())
        return found

    def spread(self, name: str, *labels: str) -> Spread:
        """The series of a histogram."""
        series = self._spreads[name]
        found = series.get(labels)
        if found is None:
            assert len(labels) == len(FAMILIES[name].labels), f"{name} takes other labels"
            found = series.setdefault(_bounded(series, labels), Spread(FAMILIES[name].bounds))
        return found

    def watch(self, name: str, value: Callable[[], float]) -> None:
        """Ask for the value of a series without labels whenever someone looks."""
        self.number(name)
        self._watched[name] = value

    def samples(self) -> list[Sample]:
        """The state of all series, now."""
        for name, value in self._watched.items():
            self._numbers[name][()].value = float(value())  # a bool would not survive the wire
        found = [
            Sample(name, labels, number.value)
            for name, series in self._numbers.items()
            for labels, number in series.items()
        ]
        found += [
            Sample(name, labels, spread.total, tuple(spread.counts))
            for name, spreads in self._spreads.items()
            for labels, spread in spreads.items()
        ]
        return found

    # What happens in a gateway, in its own words.

    def event(self, event: Event) -> None:
        """An event is handed to the producer."""
        if event.rule:
            self.number("dead_letters", event.rule).value += 1
        elif event.direction:
            series = self._frames.get((event.direction, event.kind, event.action))
            if series is None:
                series = self.number("frames", event.direction, event.kind, _known(event.action))
            series.value += 1
        for rule in event.deviations:
            self.number("deviations", rule).value += 1

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Raise a counter, or move a gauge."""
        self.number(name, *labels).value += by

    def answered(self, action: str, wait_s: float) -> None:
        """A reply went to its station, so long after the call came."""
        series = self._answers.get((action,)) or self.spread("answer_seconds", _known(action))
        series.observe(wait_s)

    def acknowledged(self, wait_s: float) -> None:
        """Kafka acknowledged a batch, so long after its first event was handed over."""
        self._ack.observe(wait_s)

    def connected(self, version: str) -> None:
        """A station's connection is open."""
        self.number("connects", version).value += 1
        self.number("connections", version).value += 1

    def disconnected(self, version: str, code: int | None) -> None:
        """A connection that was open has ended; `code` as in RFC 6455 section 7.4."""
        self.number("connections", version).value -= 1
        self.count("disconnects", version, _code(code))

    def refused(self, reason: str) -> None:
        """A handshake was refused."""
        self.count("refusals", reason)

    def takeover(self) -> None:
        """A newer connection replaced one of this gateway."""
        self.count("takeovers")


def merged(parts: Iterable[Iterable[Sample]]) -> list[Sample]:
    """The samples of several processes as those of one; most add up: connections, limits."""
    found: dict[tuple[str, Labels], Sample] = {}
    for part in parts:
        for sample in part:
            key = sample.family, sample.labels
            before = found.get(key)
            if before is None:
                found[key] = sample
            else:
                counts = tuple(map(sum, zip(before.counts, sample.counts, strict=True)))
                both = (before.value, sample.value)
                value = max(both) if FAMILIES[sample.family].greatest else sum(both)
                found[key] = Sample(*key, value, counts)
    return list(found.values())


def lasting(samples: Iterable[Sample]) -> list[Sample]:
    """What of a process outlives it: all but the gauges, so that no counter ever falls."""
    return [sample for sample in samples if FAMILIES[sample.family].kind != "gauge"]


def _known(action: str) -> str:
    """An action of the catalogue, or OTHER: of what stations say, nothing becomes a label."""
    return action if action in _ACTIONS else OTHER


def _bounded(series: Mapping[Labels, object], labels: Labels) -> Labels:
    return labels if len(series) < SERIES_MAX else (OTHER,) * len(labels)


def _code(code: int | None) -> str:
    """Codes above 2999 are a station's own: any number, so only their thousand is kept."""
    if code is None:
        return "none"
    return str(code) if code < 3000 else f"{code // 1000}xxx"
