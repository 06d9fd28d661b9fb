"""Charging profiles and the limit that they give."""

from typing import Any

import pytest

from deploy.local.days import MODELS
from deploy.local.profiles import Place, Profile, composite, instant, limit_w, profile

AT = 1_777_636_800  # 2026-05-01T12:00:00Z, a Friday
DUO = MODELS[1]  # three phases, 11 kW
IDLE, BUSY = Place(1, DUO, None), Place(1, DUO, AT - 100)


def made(*periods: tuple[int, float], connector: int = 1, stack: int = 0, **more: Any) -> Profile:
    rows = [{"startPeriod": start, "limit": limit} for start, limit in periods]
    names = ("startSchedule", "duration", "chargingRateUnit")
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": rows}
    schedule |= {name: more.pop(name) for name in names if name in more}
    payload = {
        "id": 1,
        "stackLevel": stack,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
    }
    return profile(connector, payload | more)


def told(profiles: list[Profile], place: Place) -> list[tuple[int, float]]:
    rows = composite(profiles, place, AT, 300, "W")
    return [(row["startPeriod"], row["limit"]) for row in rows]


def test_a_time_without_a_zone_is_utc() -> None:
    """As with all other times that stations are sent."""
    assert instant("2026-05-01T12:00:00") == instant("2026-05-01T14:00:00+02:00")
    with pytest.raises(ValueError, match="noon"):
        instant("noon")


def test_without_profiles_there_is_no_limit() -> None:
    """And a profile of another connector is none either."""
    assert limit_w([], IDLE, AT) is None
    assert limit_w([made((0, 4000), connector=2)], IDLE, AT) is None


def test_the_highest_level_of_a_purpose_counts_and_the_least_of_all() -> None:
    """The station's maximum caps whatever else there is."""
    whole = {"chargingProfilePurpose": "ChargingStationMaxProfile", "connector": 0}
    low, high = made((0, 9000)), made((0, 8000), connector=0, stack=1)
    assert limit_w([low, high], IDLE, AT) == 8000
    assert limit_w([low, high, made((0, 5000), **whole)], IDLE, AT) == 5000
    assert limit_w([low, made((0, 5000), **whole)], Place(0, DUO, None), AT) == 5000


def test_a_transaction_s_own_profile_comes_before_the_default() -> None:
    """Also when it allows more; without a transaction it says nothing."""
    own = made((0, 9000), chargingProfilePurpose="TxProfile")
    assert limit_w([made((0, 3000), stack=5), own], BUSY, AT) == 9000
    assert limit_w([made((0, 3000), stack=5), own], IDLE, AT) == 3000


def test_amperes_are_of_all_phases() -> None:
    """230 V each; direct current at 400 V."""
    rated = made((0, 10), chargingRateUnit="A")
    assert limit_w([rated], IDLE, AT) == 6900
    assert limit_w([rated], Place(1, MODELS[3], None), AT) == 4000


def test_a_schedule_passes_through_its_periods_and_ends() -> None:
    """From its start, from the transaction's, or again every day."""
    steps = {"duration": 200, "startSchedule": "2026-05-01T12:00:00Z"}
    absolute = made((0, 5000), (100, 2000), **steps)
    assert [limit_w([absolute], IDLE, AT + s) for s in (-1, 0, 99, 100, 200)] == [
        *(None, 5000),
        *(5000, 2000, None),
    ]
    relative = made((0, 5000), (100, 2000), chargingProfileKind="Relative")
    assert limit_w([relative], BUSY, AT) == 2000
    daily = made((0, 5000), (100, 2000), chargingProfileKind="Recurring", **steps)
    assert limit_w([daily], IDLE, AT + 5 * 86_400 + 150) == 2000
    assert limit_w([daily], IDLE, AT + 5 * 86_400 + 250) is None


def test_a_profile_is_heeded_only_while_it_is_valid() -> None:
    """Before validFrom and from validTo on it says nothing; that is told ahead, too."""
    kept = made((0, 1), validFrom="2026-05-01T12:00:10Z", validTo="2026-05-01T12:00:20Z")
    assert [limit_w([kept], IDLE, AT + s) for s in (0, 10, 19, 20, 30)] == [None, 1, 1, None, None]
    assert told([kept], IDLE) == [(0, 11_000.0), (10, 1.0), (20, 11_000.0)]


def test_a_composite_schedule_has_a_row_for_each_change() -> None:
    """In the unit that was asked for; where nothing limits, what the model gives."""
    first = made((0, 4600), (60, 2300), duration=120, startSchedule="2026-05-01T12:00:30Z")
    assert told([first], IDLE) == [
        (0, 11_000.0),
        (30, 4600.0),
        (90, 2300.0),
        (150, 11_000.0),
    ]
    assert composite([], Place(0, DUO, None), AT, 60, "W")[0]["limit"] == 22_000.0
    assert composite([made((0, 6900))], IDLE, AT, 60, "A") == [{"startPeriod": 0, "limit": 10.0}]


@pytest.mark.parametrize("fraction", ["01", "20", "49", "51", "76", "99"])
def test_what_changes_between_two_seconds_is_told_of_the_later(fraction: str) -> None:
    """Before it has happened, nothing would seem to change."""
    begun = f"2026-05-01T12:00:00.{fraction}Z"
    later = made((0, 4600), (60, 2300), duration=120, startSchedule=begun)
    ends = [(1, 4600.0), (61, 2300.0), (121, 11_000.0)]
    assert told([later], IDLE) == [(0, 11_000.0), *ends]
    session = Place(1, DUO, AT - 0.01 * int(fraction))
    relative = made((0, 4600), (60, 2300), chargingProfileKind="Relative")
    assert told([relative], session) == [(0, 4600.0), (60, 2300.0)]


def test_a_relative_schedule_is_told_as_if_charging_began() -> None:
    """Nobody charges there."""
    relative = made((0, 5000), (100, 2000), duration=200, chargingProfileKind="Relative")
    assert told([relative], IDLE) == [(0, 5000.0), (100, 2000.0), (200, 11_000.0)]
