"""Charging profiles, and the limit in watts that those of a station give together.

A simple reading of OCPP 1.6 part 2, 3.13 and of 2.x part 2, K01: of each purpose the highest stack
level that says something, a transaction's own profile before the default, and the station's maximum
above all. Times are seconds since 1970.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from typing import Any

from deploy.local.days import Model

Payload = dict[str, Any]

_RECURRENCE_S = {"Daily": 86_400.0, "Weekly": 604_800.0}
LONGEST_S = 604_800
"""Of a composite schedule; more is cut, as stations do."""

WHOLE = frozenset({"ChargePointMaxProfile", "ChargingStationMaxProfile"})
"""The purposes that limit the station as a whole."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a limit applies: a connector, or the station (0); `begun` is when its session did.

    Without a session, `supposed` is when one is taken to begin: whenever one looks, unless told.
    """

    connector: int
    model: Model
    begun: float | None
    supposed: float | None = None

    @property
    def volts(self) -> float:
        """What turns the amperes of a limit into watts, over all phases."""
        return 400.0 if self.model.direct_current else 230.0 * self.model.phases


@dataclass(frozen=True, slots=True)
class Profile:
    """A charging profile of a connector, or of all (0). `payload` is as received.

    `periods` are (start in seconds, limit in `unit` or None for no limit).
    """

    connector: int
    id: int
    stack: int
    purpose: str
    kind: str
    transaction: int | str | None
    recurrence_s: float | None
    valid_from: float | None
    valid_to: float | None
    start: float | None
    duration_s: int | None
    unit: str
    periods: tuple[tuple[int, float | None], ...]
    payload: Payload

    @property
    def whole(self) -> bool:
        """Whether it limits the station, not a connector."""
        return self.purpose in WHOLE


def instant(text: str | None) -> datetime | None:
    """A time on the wire, UTC where it names no zone. Raises ValueError for what is none."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _seconds(text: str | None) -> float | None:
    at = instant(text)
    return None if at is None else at.timestamp()


def profile(connector: int, payload: Payload) -> Profile:
    """Read a profile of any version; of several schedules the first. Raises ValueError."""
    plan = payload["chargingSchedule"]
    plan = plan[0] if isinstance(plan, list) else plan
    recurring = payload["chargingProfileKind"] == "Recurring"
    return Profile(
        connector,
        payload["chargingProfileId" if "chargingProfileId" in payload else "id"],
        payload["stackLevel"],
        payload["chargingProfilePurpose"],
        payload["chargingProfileKind"],
        payload.get("transactionId"),
        _RECURRENCE_S[payload.get("recurrencyKind", "Daily")] if recurring else None,
        _seconds(payload.get("validFrom")),
        _seconds(payload.get("validTo")),
        _seconds(plan.get("startSchedule")),
        plan.get("duration"),
        plan["chargingRateUnit"],
        tuple((row["startPeriod"], row.get("limit")) for row in plan["chargingSchedulePeriod"]),
        payload,
    )


def limit_w(profiles: Iterable[Profile], place: Place, at: float) -> float | None:
    """The most that may be given there at a time; None without a limit."""
    limits: dict[str, tuple[tuple[int, bool], float]] = {}
    for kept in profiles:
        if not _concerns(kept, place):
            continue
        limit = _active_w(kept, place, at)
        rank = (kept.stack, kept.connector > 0)
        purpose = "whole" if kept.whole else kept.purpose
        if limit is not None and (purpose not in limits or limits[purpose][0] < rank):
            limits[purpose] = (rank, limit)
    own = limits.get("TxProfile", limits.get("TxDefaultProfile"))
    found = [chosen[1] for chosen in (own, limits.get("whole")) if chosen is not None]
    return min(found, default=None)


def composite(
    profiles: Sequence[Profile], place: Place, at: int, duration_s: int, unit: str
) -> list[Payload]:
    """chargingSchedulePeriod for the time to come; without a limit, what the model can give.

    `at` is a whole second, as startPeriod counts whole ones (1.6, 7.14; 2.0.1, 2.11): what changes
    between two is told of the later one, when it has happened.
    """
    changes = {0}
    place = replace(place, supposed=at)
    for kept in profiles:
        for change in _changes(kept, place, at, duration_s):
            changes.add(max(0, ceil(change - at)))
    most_w = float(place.model.power_w) * (1 if place.connector else place.model.connectors)
    found: list[Payload] = []
    for offset in sorted(change for change in changes if change < max(1, duration_s)):
        limit = limit_w(profiles, place, at + offset)
        watts = most_w if limit is None else min(limit, most_w)
        shown = round(watts if unit == "W" else watts / place.volts, 1)
        if not found or found[-1]["limit"] != shown:
            found.append({"startPeriod": offset, "limit": shown})
    return found


def _concerns(kept: Profile, place: Place) -> bool:
    """Whether a profile has a say at a connector; the station as a whole has only its maximum."""
    if kept.whole or place.connector == 0:
        return kept.whole
    idle = kept.purpose == "TxProfile" and place.begun is None
    return kept.connector in {0, place.connector} and not idle


def _starts(kept: Profile, place: Place, at: float, duration_s: int) -> Iterator[float]:
    """When its schedule begins, as far as this matters from `at` on."""
    relative = kept.kind == "Relative" or kept.start is None
    anchors = (place.begun, place.supposed, at) if relative else (kept.start,)
    start = next(anchor for anchor in anchors if anchor is not None)
    if kept.recurrence_s is None:
        yield start
        return
    start += (at - start) // kept.recurrence_s * kept.recurrence_s
    while start <= at + duration_s:
        yield start
        start += kept.recurrence_s


def _changes(kept: Profile, place: Place, at: float, duration_s: int) -> Iterator[float]:
    yield from (time for time in (kept.valid_from, kept.valid_to) if time is not None)
    for start in _starts(kept, place, at, duration_s):
        yield from (start + period for period, _ in kept.periods)
        if kept.duration_s is not None:
            yield start + kept.duration_s


def _active_w(kept: Profile, place: Place, at: float) -> float | None:
    if at < (kept.valid_from or at) or (kept.valid_to is not None and at >= kept.valid_to):
        return None
    passed = at - next(_starts(kept, place, at, 0))
    if passed < 0 or (kept.duration_s is not None and passed >= kept.duration_s):
        return None
    limit = next((rate for start, rate in reversed(kept.periods) if start <= passed), None)
    if limit is None:
        return None
    return max(0.0, limit if kept.unit == "W" else limit * place.volts)
