"""Numbers become Prometheus' text, those of several worker processes added up.

A worker writes its state to a file of its own once a second; the parent reads them all. Its
readiness travels the same way, and a file that is no longer renewed tells of a worker that hangs.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import msgspec
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from gateway.metrics import FAMILIES, Metrics, Sample, lasting, merged
from programs.families import Family

log = structlog.get_logger("gateway")

STALE_S = 10.0  # a worker that has written nothing for so long is taken to hang
_RETIRED = "retired"


class State(msgspec.Struct, frozen=True):
    """What a worker tells its parent; `reasons` say why it is not ready, none: it is."""

    at_s: float
    reasons: tuple[str, ...]
    samples: tuple[Sample, ...]


_decoder = msgspec.msgpack.Decoder(State)


def text(samples: Iterable[Sample]) -> bytes:
    """Write samples in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(samples))
    return generate_latest(registry)


class _Once:
    """prometheus-client asks an object, not a list."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        by_family: dict[str, list[Sample]] = {name: [] for name in FAMILIES}
        for sample in self._samples:
            by_family[sample.family].append(sample)
        for name, samples in by_family.items():
            yield _family(FAMILIES[name], samples)

    def describe(self) -> Iterator[Metric]:
        return iter(())


def _family(family: Family, samples: Sequence[Sample]) -> Metric:
    name = f"chargewire_{family.name}"
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(name, family.doc, labels=family.labels)
        bounds = [*map(str, family.bounds), "+Inf"]
        for sample in samples:
            buckets = list(zip(bounds, map(float, accumulate(sample.counts)), strict=True))
            histogram.add_metric(sample.labels, buckets, sample.value)
        return histogram
    make = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    made = make(name, family.doc, labels=family.labels)
    for sample in samples:
        made.add_metric(sample.labels, sample.value)
    return made


def publish(directory: Path, worker: str, metrics: Metrics, reasons: Iterable[str]) -> None:
    """Replace the worker's file; readers see the old or the new one, never a half."""
    state = State(time.time(), tuple(reasons), tuple(metrics.samples()))
    _write(directory, worker, state)


class Workers:
    """The parent's view of its workers, by their files in `directory`."""

    def __init__(self, directory: Path, *, now_s: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._now_s = now_s
        self._expected: set[str] = set()

    def expect(self, worker: str) -> None:
        """A worker of this name was started: not ready before it says so."""
        self._expected.add(worker)

    def retire(self, worker: str) -> None:
        """The worker has ended: its gauges go with it, its counters are kept."""
        self._expected.discard(worker)
        state = self._read(worker)
        if state is not None:
            before = self._read(_RETIRED)
            samples = merged([lasting(state.samples), before.samples if before else ()])
            _write(self._directory, _RETIRED, State(0.0, (), tuple(samples)))
            self._path(worker).unlink(missing_ok=True)

    def samples(self) -> list[Sample]:
        """All workers' samples added up, those of ended ones included."""
        states = [self._read(worker) for worker in sorted({*self._expected, _RETIRED})]
        return merged(state.samples for state in states if state is not None)

    def unready(self) -> list[str]:
        """Why the whole is not ready: what each worker says, in its name; none: it is."""
        reasons = []
        for worker in sorted(self._expected):
            state = self._read(worker)
            told = ("starting",) if state is None else state.reasons
            reasons += [f"{worker}: {reason}" for reason in told]
        return reasons + self.unwell()

    def unwell(self) -> list[str]:
        """Which workers hang."""
        reasons = []
        for worker in sorted(self._expected):
            state = self._read(worker)
            if state is not None and (silent_s := self._now_s() - state.at_s) > STALE_S:
                reasons.append(f"{worker}: no sign of life for {silent_s:.0f} s")
        return reasons

    def _path(self, worker: str) -> Path:
        return self._directory / f"{worker}.metrics"

    def _read(self, worker: str) -> State | None:
        try:
            return _decoder.decode(self._path(worker).read_bytes())
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            # Not ready then, which shows; the parent has workers to look after.
            log.exception("a worker's state cannot be read", worker=worker)
            return None


def _write(directory: Path, worker: str, state: State) -> None:
    scratch = directory / f"{worker}.new"
    scratch.write_bytes(msgspec.msgpack.encode(state))
    os.replace(scratch, directory / f"{worker}.metrics")
