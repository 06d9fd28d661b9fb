"""A profile that is put, and what the station makes of it."""

import pytest

from chargewire.flows.profiles import Profile, parts
from chargewire.flows.steps import Answer, Listed, Say
from chargewire.flows.wording import WORDS
from tests.chargewire.flowing import answered, asked, over
from tests.chargewire.test_flows_schedules import NOON, profile, schedule

WANTED = profile(schedule((0, 16), duration=7200, startSchedule=NOON))


def put(version="1.6", wanted=WANTED):
    flow = Profile(WORDS[version], wanted, 1)
    assert asked(flow.begin())[0] == "SetChargingProfile"
    steps = flow.answered(answered())
    assert asked(steps)[0] == "GetCompositeSchedule"
    return flow, asked(steps)[1]


def composite(version, *limits, begin=NOON, **rest):
    told = schedule(*limits, duration=7200, **rest)
    if version == "1.6":
        return answered(scheduleStart=begin, chargingSchedule=told)
    return answered(schedule=told | {"scheduleStart": begin})


@pytest.mark.parametrize("version", WORDS)
def test_the_schedule_says_the_same(version: str) -> None:
    """It is asked for as long, and in the unit, that the profile has; a table shows it."""
    flow, payload = put(version)
    assert (payload["duration"], payload["chargingRateUnit"]) == (7200, "A")
    steps = [*flow.answered(composite(version, (0, 16)))]
    assert over(steps) == (True, "the profile is put, and the schedule says the same")
    assert [len(step.rows) for step in steps if isinstance(step, Listed)] == [1]


@pytest.mark.parametrize("version", WORDS)
def test_a_schedule_may_begin_within_a_second(version: str) -> None:
    """Its changes cannot be told to the millisecond then, and that is no difference."""
    wanted = profile(schedule((0, 16), (1800, 6), duration=7200, startSchedule=NOON))
    begin = NOON.replace("00Z", "00.200Z")
    flow, _ = put(version, wanted)
    assert over(flow.answered(composite(version, (0, 16), (1800, 6), begin=begin)))[0]
    flow, _ = put(version, wanted)
    assert not over(flow.answered(composite(version, (0, 16), (1802, 6), begin=begin)))[0]


@pytest.mark.parametrize(
    ("purpose", "place", "looks_at"),
    [("TxDefaultProfile", 0, 1), ("TxDefaultProfile", 2, 2), ("ChargePointMaxProfile", 0, 0)],
)
def test_a_default_for_all_is_looked_for_at_one(purpose: str, place: int, looks_at: int) -> None:
    """The schedule of the whole station is the sum of all connectors."""
    wanted = WANTED | {"chargingProfilePurpose": purpose}
    flow = Profile(WORDS["1.6"], wanted, place)
    assert asked(flow.begin())[1]["connectorId"] == place
    assert asked(flow.answered(answered()))[1]["connectorId"] == looks_at


def test_the_schedule_says_something_else() -> None:
    """Each difference is told; the end is no success."""
    flow, _ = put()
    steps = [*flow.answered(composite("1.6", (0, 16), (1800, 6), (3600, 16), (5400, 0)))]
    assert over(steps) == (False, "the profile is put, but the schedule differs in 2 spans of time")
    told = [step.text for step in steps if isinstance(step, Say)]
    assert told[0].endswith("16 A were asked for, 6 are planned")
    flow, _ = put()
    steps = [*flow.answered(composite("1.6", (3600, 16)))]
    assert any(
        isinstance(step, Say) and step.text.endswith("asked for, none is planned") for step in steps
    )


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (answered("Rejected"), "cannot be verified: Rejected"),
        (Answer("call_error", {}, "NotImplemented"), "cannot be verified: call error: NotImpl"),
        (answered(), "cannot be verified: it tells no schedule"),
        (composite("1.6", (0, 16), unit="W"), "its schedule is told in W"),
    ],
)
def test_what_cannot_be_verified_is_no_success(answer: Answer, why: str) -> None:
    """The profile is put all the same, and that is told."""
    flow, _ = put()
    reached, text = over(flow.answered(answer))
    assert not reached
    assert text.startswith("the profile is put, but ")
    assert why in text


def test_a_profile_that_is_refused_is_not_verified() -> None:
    """That is the end."""
    flow = Profile(WORDS["1.6"], WANTED, 0)
    assert over(flow.answered(answered("NotSupported"))) == (
        *(False, "the station refuses: NotSupported"),
    )


def test_a_file_has_the_profile_or_all_of_the_call() -> None:
    """The place is in the latter."""
    words = WORDS["2.0.1"]
    assert parts(words, WANTED) == (WANTED, 0)
    assert parts(words, {"evseId": 2, "chargingProfile": WANTED}) == (WANTED, 2)
