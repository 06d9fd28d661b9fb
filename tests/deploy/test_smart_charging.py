"""What a simulated station does with charging profiles."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chargewire.flows import schedules
from deploy.local import smart_charging
from deploy.local.calls import Call, Moment
from deploy.local.effects import Errand
from deploy.local.memory import Memory
from tests.deploy.memories import NOW, station


def sent(number: int = 1, purpose: str = "TxDefaultProfile", **more: Any) -> dict[str, Any]:
    rows = [{"startPeriod": 0, "limit": 8000.0}]
    schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": rows}
    return {
        "id": number,
        "stackLevel": number,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": [schedule],
    } | more


def put(memory: Memory, connector: int, payload: dict[str, Any]) -> str:
    return str(smart_charging.put(memory, connector, payload)[0]["status"])


def ids(memory: Memory) -> list[tuple[int, int]]:
    return [(kept.connector, kept.id) for kept in memory.profiles]


def test_a_profile_replaces_that_of_its_id_and_of_its_level() -> None:
    """Others stay."""
    memory = station("2.1")
    assert [put(memory, 1, sent(1)), put(memory, 1, sent(2))] == ["Accepted"] * 2
    assert put(memory, 0, sent(1)) == "Accepted"
    assert put(memory, 1, sent(7, stackLevel=2)) == "Accepted"
    assert ids(memory) == [(0, 1), (1, 7)]


@pytest.mark.parametrize(
    ("connector", "payload"),
    [
        (3, sent()),
        (1, sent(purpose="ChargingStationMaxProfile")),
        (0, sent(purpose="ChargingStationExternalConstraints")),
        (1, sent(stackLevel=10)),
        (0, sent(purpose="TxProfile")),
        (2, sent(purpose="TxProfile")),
        (1, sent(purpose="TxProfile", transactionId="another")),
    ],
)
def test_what_does_not_fit_is_rejected(connector: int, payload: dict[str, Any]) -> None:
    """A connector, a level, a purpose that is not for us, a transaction that is not under way."""
    memory = station("2.1", busy=True)
    assert put(memory, connector, payload) == "Rejected"
    assert memory.profiles == []


def test_only_so_many_are_kept() -> None:
    """As the setting tells."""
    memory = station("2.1")
    memory.settings["SmartChargingCtrlr.Entries"] = "2"
    assert [put(memory, 1, sent(n)) for n in (1, 2, 3)] == ["Accepted", "Accepted", "Rejected"]
    assert put(memory, 1, sent(2)) == "Accepted"


def test_a_remote_start_may_bring_a_profile_of_its_transaction() -> None:
    """Not a default."""
    memory = station("2.1")
    assert smart_charging.fits_start(memory, None)
    assert smart_charging.fits_start(memory, sent(purpose="TxProfile"))
    assert not smart_charging.fits_start(memory, sent())


def test_profiles_are_cleared_by_id_or_by_what_they_are() -> None:
    """Unknown where none is meant."""
    memory = station("2.1")
    for connector, number in ((0, 1), (1, 2), (2, 3)):
        put(memory, connector, sent(number))
    criteria = smart_charging.criteria
    for meant, left in [
        (criteria(9, None, None, None), [(0, 1), (1, 2), (2, 3)]),
        (criteria(2, 2, None, None), [(0, 1), (2, 3)]),
        (criteria(None, 2, "TxDefaultProfile", None), [(0, 1)]),
        (criteria(None, None, None, None), []),
    ]:
        before = len(memory.profiles)
        word = smart_charging.clear(memory, meant)[0]["status"]
        assert word == ("Accepted" if len(left) < before else "Unknown")
        assert ids(memory) == left


def test_those_that_are_asked_for_are_reported_evse_by_evse() -> None:
    """As they were sent; the last page says so."""
    memory = station("2.1")
    for connector, number in ((0, 1), (1, 2), (1, 3)):
        put(memory, connector, sent(number))
    response, (errand,) = smart_charging.report({"requestId": 6, "chargingProfile": {}}, memory)
    assert response == {"status": "Accepted"}
    assert isinstance(errand, Errand)
    pages = [call.payload for call in errand.steps if isinstance(call, Call)]
    assert [(page["evseId"], page["tbc"]) for page in pages] == [(0, True), (1, False)]
    assert pages[1]["chargingProfile"] == [sent(2), sent(3)]
    none = {"requestId": 6, "chargingProfile": {"chargingLimitSource": ["EMS"]}}
    assert smart_charging.report(none, memory) == ({"status": "NoProfiles"}, ())


def test_a_composite_schedule_is_of_a_connector_that_is_there() -> None:
    """Watts unless amperes are asked for."""
    memory = station("2.1")
    put(memory, 1, sent())
    row = {"startPeriod": 0, "limit": 8000.0}
    assert smart_charging.schedule(memory, 1, 60, None) == {
        "scheduleStart": "2026-05-01T12:00:00.000Z",
        "duration": 60,
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [row],
    }
    assert smart_charging.schedule(memory, 3, 60, None) is None


_FRACTIONS = st.integers(0, 999).map(lambda ms: timedelta(milliseconds=ms))


@example(timedelta(milliseconds=760), timedelta(), 1800)
@given(_FRACTIONS, _FRACTIONS, st.integers(1, 3599))
def test_a_schedule_says_what_its_profile_does_at_any_time_of_a_second(
    fraction: timedelta, begun: timedelta, change: int
) -> None:
    """So says who checks it, `chargewire flow profile`; it starts with the second under way."""
    memory = station("2.1")
    memory.clock = lambda: NOW + fraction
    plan = {
        "chargingRateUnit": "W",
        "startSchedule": str(Moment(NOW - timedelta(hours=1) + begun)),
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 5000.0},
            {"startPeriod": 3600 + change, "limit": 3000.0},
        ],
    }
    wanted = sent(chargingProfileKind="Absolute", chargingSchedule=[plan])
    assert put(memory, 1, wanted) == "Accepted"
    told = smart_charging.schedule(memory, 1, 3600, "W")
    assert told is not None
    assert told["scheduleStart"] == "2026-05-01T12:00:00.000Z"
    found = schedules.plan(told, told["scheduleStart"], 3600)
    assert found is not None
    late = change + 1 if begun else change
    assert [row["limit"] for row in found.rows] == ([5000.0, 3000.0] if late < 3600 else [5000.0])
    assert list(schedules.differences(wanted, found)) == []


def test_a_dynamic_profile_is_updated() -> None:
    """Another kind is not."""
    memory = station("2.1")
    put(memory, 1, sent(1, chargingProfileKind="Dynamic"))
    put(memory, 1, sent(2))
    update = {"chargingProfileId": 1, "scheduleUpdate": {"limit": 4000.0}}
    assert smart_charging.update(update, memory)[0] == {"status": "Accepted"}
    assert memory.profiles[0].periods == ((0, 4000.0),)
    refused = smart_charging.update(update | {"chargingProfileId": 2}, memory)
    assert refused == ({"status": "Rejected"}, ())


def test_priority_needs_a_transaction_and_a_profile_for_it() -> None:
    """OCPP 2.1 part 2, K21."""
    memory = station("2.1", busy=True)
    ask = {"transactionId": "T-7", "activate": True}
    words = [smart_charging.prioritize(ask, memory)[0]["status"]]
    put(memory, 1, sent(purpose="PriorityCharging"))
    words += [smart_charging.prioritize(ask, memory)[0]["status"]]
    words += [smart_charging.prioritize(ask | {"transactionId": "x"}, memory)[0]["status"]]
    assert words == ["NoProfile", "Accepted", "Rejected"]
