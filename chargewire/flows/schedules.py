"""What a charging profile allows when, and where a station's own plan differs from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from consumers.meaning.payloads import Json, integer, items, members, moment, text
from schemas.times import timestamp

_CYCLES_S = {"Daily": 86_400, "Weekly": 7 * 86_400}
_EXACT = 0.05  # OCPP has one digit after the point
# startPeriod counts whole seconds (1.6, 7.14; 2.0.1, 2.11), from a scheduleStart that may have
# milliseconds: a station can tell a change no closer.
_SHORTEST_MS = 1000


@dataclass(frozen=True, slots=True)
class Span:
    """A limit, from and until epoch milliseconds."""

    from_ms: int
    until_ms: int
    limit: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The limits that a station will keep, in A or W; from and until epoch milliseconds."""

    unit: str
    from_ms: int
    until_ms: int
    spans: tuple[Span, ...]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One for each limit, for a person."""
        return [
            {
                **{"from": timestamp(span.from_ms), "until": timestamp(span.until_ms)},
                **{"limit": span.limit, "unit": self.unit},
            }
            for span in self.spans
        ]


def plan(schedule: Json, begin: object, seconds: int) -> Plan | None:
    """The plan that a station tells since `begin`; None where it tells none, or not since when.

    `seconds` is how long it is where it does not say.
    """
    begin_ms = moment(begin)[0]
    if begin_ms is None:
        return None
    until_ms = begin_ms + 1000 * (integer(schedule.get("duration")) or seconds)
    spans = _spans(schedule, begin_ms, until_ms)
    return Plan(_unit(schedule), begin_ms, until_ms, spans) if spans else None


def has_unit(profile: Json, unit: str) -> bool:
    """Whether a profile says anything in this unit, so that a plan in it can be compared."""
    return any(_unit(one) == unit for one in _schedules(profile))


def differences(profile: Json, found: Plan) -> Iterator[dict[str, Any]]:
    """Where the plan has other limits than the profile asks for; a row for each span of time.

    Of a time for which the profile has no limit nothing is said, nor of less than a second.
    """
    wanted = [*_wanted(profile, found.unit, found.from_ms, found.until_ms)]
    ends = {end for span in (*wanted, *found.spans) for end in (span.from_ms, span.until_ms)}
    for from_ms, until_ms in pairwise(sorted(ends)):
        if until_ms - from_ms < _SHORTEST_MS:
            continue
        limit, planned = _at(wanted, from_ms), _at(found.spans, from_ms)
        if limit is not None and (planned is None or abs(limit - planned) > _EXACT):
            yield {
                **{"from": timestamp(from_ms), "until": timestamp(until_ms)},
                **{"asked": limit, "planned": planned, "unit": found.unit},
            }


def _wanted(profile: Json, unit: str, begin_ms: int, end_ms: int) -> Iterator[Span]:
    """What the profile asks for between two times, cut to them and to its validity."""
    since_ms, to_ms = (moment(profile.get(name))[0] for name in ("validFrom", "validTo"))
    low_ms = begin_ms if since_ms is None else max(begin_ms, since_ms)
    high_ms = end_ms if to_ms is None else min(end_ms, to_ms)
    schedule = next((one for one in _schedules(profile) if _unit(one) == unit), None)
    if schedule is None:
        return
    cycle_ms = 1000 * _CYCLES_S.get(text(profile.get("recurrencyKind")) or "", 0)
    recurs = profile.get("chargingProfileKind") == "Recurring" and cycle_ms > 0
    # A relative one begins when charging does (OCPP 1.6, 7.8): say, with the plan.
    anchor_ms = moment(schedule.get("startSchedule"))[0] or begin_ms
    if recurs:
        anchor_ms += max(0, (begin_ms - anchor_ms) // cycle_ms) * cycle_ms
    while anchor_ms < high_ms:
        duration_s = integer(schedule.get("duration"))
        until_ms = high_ms if duration_s is None else anchor_ms + 1000 * duration_s
        if recurs:
            until_ms = min(until_ms, anchor_ms + cycle_ms)
        for span in _spans(schedule, anchor_ms, until_ms):
            cut = max(span.from_ms, low_ms), min(span.until_ms, high_ms)
            if cut[0] < cut[1]:
                yield Span(*cut, span.limit)
        if not recurs:
            return
        anchor_ms += cycle_ms


def _spans(schedule: Json, begin_ms: int, until_ms: int) -> tuple[Span, ...]:
    found = []
    for one in map(members, items(schedule.get("chargingSchedulePeriod"))):
        start, limit = integer(one.get("startPeriod")), one.get("limit")
        if start is not None and isinstance(limit, int | float) and not isinstance(limit, bool):
            found.append((begin_ms + 1000 * start, float(limit)))
    found.sort()
    ends = [*(from_ms for from_ms, _ in found[1:]), until_ms]
    return tuple(
        Span(from_ms, min(end, until_ms), limit)
        for (from_ms, limit), end in zip(found, ends, strict=False)
        if from_ms < min(end, until_ms)
    )


def _at(spans: tuple[Span, ...] | list[Span], at_ms: int) -> float | None:
    return next((one.limit for one in spans if one.from_ms <= at_ms < one.until_ms), None)


def _schedules(profile: Json) -> list[Json]:
    """One in 1.6, up to three in 2.x."""
    return [members(one) for one in items(profile.get("chargingSchedule"))]


def _unit(schedule: Json) -> str:
    return text(schedule.get("chargingRateUnit")) or ""
