"""Where a station's plan differs from a profile."""

from hypothesis import example, given
from hypothesis import strategies as st

from chargewire.flows.schedules import differences, has_unit, plan

NOON = "2026-11-21T12:00:00Z"


def schedule(*limits, unit="A", **rest):
    periods = [{"startPeriod": start, "limit": limit} for start, limit in limits]
    return {"chargingRateUnit": unit, "chargingSchedulePeriod": periods, **rest}


def profile(wanted, kind="Absolute", **rest):
    return {"chargingProfileKind": kind, "chargingSchedule": wanted, **rest}


def wrong(asked, planned, begin=NOON, seconds=3600):
    found = plan(planned, begin, seconds)
    assert found is not None
    return [
        (one["from"][11:16], one["until"][11:16], one["asked"], one["planned"])
        for one in differences(asked, found)
    ]


def test_a_plan_is_told_in_spans() -> None:
    """The last one ends with it; a plan without limits or beginning is none."""
    found = plan(schedule((0, 16), (1800, 8)), NOON, 3600)
    assert found is not None
    assert [(one["from"][11:16], one["until"][11:16], one["limit"]) for one in found.rows] == [
        ("12:00", "12:30", 16.0),
        ("12:30", "13:00", 8.0),
    ]
    for said, begin in (({}, NOON), (schedule((0, 16)), None), (schedule((0, 16)), "soon")):
        assert plan(said, begin, 3600) is None


def test_what_agrees_does_not_differ() -> None:
    """Also where it is cut elsewhere, or rounded."""
    asked = profile(schedule((0, 16), (1800, 8), startSchedule=NOON))
    assert wrong(asked, schedule((0, 16), (900, 16.04), (1800, 8))) == []


def test_other_limits_and_missing_ones_differ() -> None:
    """Each span for itself, at the turns of both."""
    asked = profile(schedule((0, 16), (1800, 8), startSchedule=NOON))
    assert wrong(asked, schedule((0, 16), (2700, 8))) == [("12:30", "12:45", 8.0, 16.0)]
    assert wrong(asked, schedule((0, 16), duration=1800)) == []
    gap = schedule((600, 16), (1800, 8))
    assert wrong(asked, gap) == [("12:00", "12:10", 16.0, None)]


def test_a_profile_counts_from_its_own_beginning() -> None:
    """A plan that begins later sees the rest of it; beyond its duration it asks for nothing."""
    asked = profile(schedule((0, 16), (1800, 8), startSchedule=NOON, duration=3600))
    later = "2026-11-21T12:45:00Z"
    assert wrong(asked, schedule((0, 8), (900, 32)), later) == []
    assert wrong(asked, schedule((0, 9)), later) == [("12:45", "13:00", 8.0, 9.0)]


def test_validity_limits_what_is_asked() -> None:
    """Outside of it another profile counts."""
    asked = profile(
        schedule((0, 16), startSchedule=NOON),
        validFrom="2026-11-21T12:10:00Z",
        validTo="2026-11-21T12:20:00Z",
    )
    assert wrong(asked, schedule((0, 6))) == [("12:10", "12:20", 16.0, 6.0)]


def test_a_relative_profile_begins_with_the_plan() -> None:
    """As if charging did."""
    asked = profile(schedule((0, 16), (1800, 8)), kind="Relative")
    assert wrong(asked, schedule((0, 16), (1800, 8))) == []
    assert wrong(asked, schedule((0, 16))) == [("12:30", "13:00", 8.0, 16.0)]


def test_a_recurring_profile_comes_again() -> None:
    """Every day anew, from any day long ago."""
    start = "2026-11-01T22:00:00Z"
    limits = schedule((0, 16), (8 * 3600, 0), startSchedule=start)
    asked = profile(limits, kind="Recurring", recurrencyKind="Daily")
    planned = schedule((0, 0), (10 * 3600, 16), (18 * 3600, 0))
    assert wrong(asked, planned, seconds=86_400) == []
    flat = wrong(asked, schedule((0, 0)), seconds=86_400)
    assert flat == [("22:00", "06:00", 16.0, 0.0)]
    later = schedule((0, 16), startSchedule="2026-11-22T06:00:00Z")
    asked = profile(later, kind="Recurring", recurrencyKind="Daily")
    flat = wrong(asked, schedule((0, 0)), seconds=86_400)
    assert flat == [("06:00", "12:00", 16.0, 0.0)], "before its beginning it asks for nothing"


def test_only_what_has_the_unit_is_compared() -> None:
    """2.x may have several schedules; of another unit none differs."""
    both = [schedule((0, 16), startSchedule=NOON), schedule((0, 11000), unit="W")]
    assert wrong(profile(both), schedule((0, 11000), unit="W")) == []
    assert wrong(profile(both), schedule((0, 9000), unit="W")) == [
        ("12:00", "13:00", 11000.0, 9000.0)
    ]
    assert has_unit(profile(both), "W")
    assert not has_unit(profile(both[0]), "W")
    assert wrong(profile(both[0]), schedule((0, 9000), unit="W")) == []


@example(200, 0)
@example(23, 1)
@given(st.integers(0, 999), st.integers(0, 1))
def test_a_plan_cannot_be_closer_than_a_second(begin_ms: int, later: int) -> None:
    """Begun with milliseconds, its changes are some of them early or late: startPeriod is whole."""
    begin = f"2026-11-21T12:00:00.{begin_ms:03}Z"
    asked = profile(schedule((0, 16), (1800, 8), startSchedule=NOON))
    late = 1800 if begin_ms == 0 else 1799 + later
    assert wrong(asked, schedule((0, 16), (late, 8)), begin) == []
    assert len(wrong(asked, schedule((0, 16), (late + 2, 8)), begin)) == 1
    assert len(wrong(asked, schedule((0, 16), (late - 2, 8)), begin)) == 1
