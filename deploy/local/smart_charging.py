"""What a simulated station does with charging profiles that it is sent or asked for."""

from collections.abc import Callable, Container
from typing import Any

from deploy.local import settings
from deploy.local.calls import Call, Moment
from deploy.local.effects import Answer, Errand, accepted, status
from deploy.local.memory import Memory
from deploy.local.profiles import LONGEST_S, Place, Profile, composite, profile

Payload = dict[str, Any]

_PURPOSES = frozenset(
    {
        "ChargePointMaxProfile",
        "ChargingStationMaxProfile",
        "LocalGeneration",
        "PriorityCharging",
        "TxDefaultProfile",
        "TxProfile",
    }
)
SOURCE = "CSO"
"""chargingLimitSource of whatever came from the central system."""


def fits_start(memory: Memory, payload: Payload | None) -> bool:
    """Whether a profile may come with a remote start (1.6 part 2, 5.11: a TxProfile)."""
    if payload is None:
        return True
    kept = _read(memory, 0, payload)
    return kept is not None and kept.purpose == "TxProfile"


def put(memory: Memory, connector: int, payload: Payload) -> Answer:
    """SetChargingProfile: takes the place of its id, and of its purpose and level there."""
    kept = _read(memory, connector, payload)
    if kept is None or (kept.whole and connector) or (connector and connector not in memory.plugs):
        return accepted(False)
    if kept.purpose == "TxProfile" and not _under_way(memory, kept):
        return accepted(False)
    there = [
        other
        for other in memory.profiles
        if other.id != kept.id
        and (other.connector, other.purpose, other.stack) != (connector, kept.purpose, kept.stack)
    ]
    if len(there) >= int(settings.value(memory, "MaxChargingProfilesInstalled")):
        return accepted(False)
    memory.profiles = [*there, kept]
    return accepted(True)


def _read(memory: Memory, connector: int, payload: Payload) -> Profile | None:
    """None for what the station cannot do."""
    kept = profile(connector, payload)
    levels = int(settings.value(memory, "ChargeProfileMaxStackLevel"))
    most = int(settings.value(memory, "ChargingScheduleMaxPeriods"))
    first = [start for start, _ in kept.periods][:1]
    fits = 0 <= kept.stack <= levels and len(kept.periods) <= most and first == [0]
    return kept if fits and kept.purpose in _PURPOSES else None


def _under_way(memory: Memory, kept: Profile) -> bool:
    session = memory.plugs[kept.connector].session if kept.connector else None
    return session is not None and kept.transaction in {None, session.transaction_id}


def clear(memory: Memory, meant: Callable[[Profile], bool]) -> Answer:
    """ClearChargingProfile: those that are meant; Unknown where there is none."""
    left = [kept for kept in memory.profiles if not meant(kept)]
    gone = len(left) < len(memory.profiles)
    memory.profiles = left
    return status("Accepted" if gone else "Unknown")


def criteria(
    number: int | None, connector: int | None, purpose: str | None, stack: int | None
) -> Callable[[Profile], bool]:
    """Which profiles are meant: the one of an id, else those to which all the others apply."""
    if number is not None:
        return lambda kept: kept.id == number
    return lambda kept: (
        connector in {None, kept.connector}
        and purpose in {None, kept.purpose}
        and stack in {None, kept.stack}
    )


def schedule(memory: Memory, connector: int, duration_s: int, unit: str | None) -> Payload | None:
    """scheduleStart, duration, chargingRateUnit and chargingSchedulePeriod of a composite schedule.

    It starts with the second that has begun. None for a connector that there is not.
    """
    if connector and connector not in memory.plugs:
        return None
    length, rate = max(0, min(duration_s, LONGEST_S)), unit or "W"
    session = memory.plugs[connector].session if connector else None
    place = Place(connector, memory.model, session.begun_at.timestamp() if session else None)
    start = memory.clock().replace(microsecond=0)
    rows = composite(memory.profiles, place, int(start.timestamp()), length, rate)
    plan = {"duration": length, "chargingRateUnit": rate, "chargingSchedulePeriod": rows}
    return {"scheduleStart": str(Moment(start))} | plan


def report(payload: Payload, memory: Memory) -> Answer:
    """GetChargingProfiles of 2.x: a ReportChargingProfiles for each EVSE follows."""
    asked = payload["chargingProfile"]
    ids, sources = asked.get("chargingProfileId"), asked.get("chargingLimitSource")
    meant = criteria(
        None,
        payload.get("evseId"),
        asked.get("chargingProfilePurpose"),
        asked.get("stackLevel"),
    )
    chosen = [k for k in memory.profiles if meant(k) and _among(k.id, ids)]
    if not chosen or not _among(SOURCE, sources):
        return status("NoProfiles")
    evses = sorted({kept.connector for kept in chosen})
    calls = [
        Call(
            "ReportChargingProfiles",
            {
                "requestId": payload["requestId"],
                "chargingLimitSource": SOURCE,
                "chargingProfile": [k.payload for k in chosen if k.connector == evse],
                "evseId": evse,
                "tbc": evse != evses[-1],
            },
        )
        for evse in evses
    ]
    return status("Accepted", Errand(tuple(calls)))


def _among(item: object, chosen: Container[object] | None) -> bool:
    return chosen is None or item in chosen


def update(payload: Payload, memory: Memory) -> Answer:
    """UpdateDynamicSchedule of 2.1: the first period of a dynamic profile has a new limit."""
    number = payload["chargingProfileId"]
    kept = next((k for k in memory.profiles if k.id == number and k.kind == "Dynamic"), None)
    if kept is None:
        return accepted(False)
    plan, *rest = kept.payload["chargingSchedule"]
    first, *periods = plan["chargingSchedulePeriod"]
    changed = plan | {"chargingSchedulePeriod": [first | payload["scheduleUpdate"], *periods]}
    renewed = profile(kept.connector, kept.payload | {"chargingSchedule": [changed, *rest]})
    memory.profiles = [renewed if other is kept else other for other in memory.profiles]
    return accepted(True)


def prioritize(payload: Payload, memory: Memory) -> Answer:
    """UsePriorityCharging of 2.1: needs a profile for it."""
    if memory.charging(payload["transactionId"]) is None:
        return accepted(False)
    there = any(kept.purpose == "PriorityCharging" for kept in memory.profiles)
    return status("Accepted" if there else "NoProfile")
