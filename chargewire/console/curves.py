"""Power and energy of transactions over time, each as a curve of bounded length."""

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from consumers.meaning.facts import Fact, Sampled
from consumers.meaning.meter_samples import LOCATION, MEASURAND

POINTS_MAX = 600
"""Points of a curve; with more, some are left out."""
CURVES_MAX = 5000
_POWER = "Power.Active.Import"
_MS_PER_H = 3_600_000

Point = tuple[int, float]
"""Epoch milliseconds, and watts or watt-hours."""


@dataclass(slots=True)
class _Curve:
    """Points by time; of two at one time the later one counts.

    Once there are many, those are left out that lie closer together than `gap_ms`. Arrays take a
    tenth of the room that tuples would.
    """

    times: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    gap_ms: int = 0

    def add(self, at_ms: int, value: float) -> None:
        times, values = self.times, self.values
        at = bisect_left(times, at_ms)
        if at < len(times) and times[at] == at_ms:
            values[at] = value
            return
        if at == len(times) > 1 and times[-1] - times[-2] < self.gap_ms:
            at -= 1
            del times[at], values[at]
        times.insert(at, at_ms)
        values.insert(at, value)
        if len(times) > POINTS_MAX:
            del times[1:-1:2], values[1:-1:2]
            self.gap_ms = (times[-1] - times[0]) // (POINTS_MAX // 2)

    @property
    def points(self) -> list[Point]:
        return [*zip(self.times, self.values, strict=True)]


@dataclass(slots=True)
class _Pair:
    power: _Curve = field(default_factory=_Curve)
    energy: _Curve = field(default_factory=_Curve)


class Curves:
    """The curves of the transactions that were told of last."""

    def __init__(self) -> None:
        self._pairs: OrderedDict[tuple[str, str], _Pair] = OrderedDict()

    def take(self, facts: Iterable[Fact]) -> None:
        """Take the samples of one frame."""
        samples = [
            one
            for one in facts
            if isinstance(one, Sampled) and one.transaction and one.value is not None
        ]
        if not samples:
            return
        pair = self._pair(samples[0].at.station, samples[0].transaction or "")
        for one in samples:
            if (one.measurand, one.unit, one.phase) == (MEASURAND, "Wh", None) and _ours(one):
                pair.energy.add(_at_ms(one), float(one.value or 0))
        for at_ms, watts in _watts(samples).items():
            pair.power.add(at_ms, watts)

    def of(self, station: str, transaction: str) -> dict[str, Any] | None:
        """Points of power and energy; `derived` where power was not told but follows from energy.

        None where neither was told.
        """
        pair = self._pairs.get((station, transaction))
        if pair is None:
            return None
        power, energy = pair.power.points, pair.energy.points
        return {
            "points": power or _slopes(energy),
            "energy": energy,
            "derived": not power,
        }

    def _pair(self, station: str, transaction: str) -> _Pair:
        pair = self._pairs.setdefault((station, transaction), _Pair())
        self._pairs.move_to_end((station, transaction))
        if len(self._pairs) > CURVES_MAX:
            self._pairs.popitem(last=False)
        return pair


def _ours(one: Sampled) -> bool:
    """Whether it is told of the station's own side, rather than of the vehicle's."""
    return one.location == LOCATION


def _at_ms(one: Sampled) -> int:
    return one.at.observed_ms if one.told_ms is None else one.told_ms


def _watts(samples: Iterable[Sampled]) -> dict[int, float]:
    """The power at each time: the total where it is told, else the sum of the phases."""
    totals: dict[int, float] = {}
    phases: dict[int, float] = {}
    for one in samples:
        if (one.measurand, one.unit) != (_POWER, "W") or not _ours(one):
            continue
        at_ms, watts = _at_ms(one), float(one.value or 0)
        if one.phase is None:
            totals[at_ms] = watts
        elif one.phase in _PHASES:
            phases[at_ms] = phases.get(at_ms, 0.0) + watts
    return phases | totals


_PHASES = frozenset({"L1", "L2", "L3", "L1-N", "L2-N", "L3-N"})


def _slopes(energy: list[Point]) -> list[Point]:
    """The mean power between two readings, at the later one; a meter does not run backwards."""
    return [
        (later, max(0.0, (after - before) * _MS_PER_H / (later - earlier)))
        for (earlier, before), (later, after) in pairwise(energy)
    ]
