"""Curves of power and energy."""

from decimal import Decimal
from itertools import pairwise

import pytest

from chargewire.console import curves
from chargewire.console.curves import POINTS_MAX, Curves
from consumers.meaning.facts import At, Sampled

HOUR = 3_600_000


def sample(at_ms, value, measurand="Power.Active.Import", unit="W", **more):
    more = {"transaction": "17", "told_ms": at_ms} | more
    at = At("CS-1", 1, 1, 5, "e")
    value = None if value is None else Decimal(value)
    return Sampled(at, 0, "MeterValues", measurand=measurand, unit=unit, value=value, **more)


def energy(at_ms, value, **more):
    return sample(at_ms, value, "Energy.Active.Import.Register", "Wh", **more)


def test_power_and_energy_of_a_transaction_by_time() -> None:
    """In whatever order they come; of two at one time the later word counts."""
    kept = Curves()
    kept.take([sample(20, "7000"), energy(20, "150")])
    kept.take([sample(10, "6000.5")])
    kept.take([sample(20, "7100")])
    found = kept.of("CS-1", "17")
    assert found == {
        "points": [(10, 6000.5), (20, 7100.0)],
        "energy": [(20, 150.0)],
        "derived": False,
    }
    assert kept.of("CS-1", "18") is None


def test_phases_add_up_where_no_total_is_told() -> None:
    """And do not where one is; what lies between two phases is no phase."""
    kept = Curves()
    kept.take([sample(10, "1000", phase=phase) for phase in ("L1", "L2", "L3", "L1-L2")])
    kept.take([sample(20, "2000"), sample(20, "500", phase="L1")])
    assert kept.of("CS-1", "17")["points"] == [(10, 3000.0), (20, 2000.0)]


def test_without_power_it_follows_from_energy() -> None:
    """The mean between two readings; never negative."""
    kept = Curves()
    for at_ms, value in ((0, "100"), (HOUR // 2, "600"), (HOUR, "500")):
        kept.take([energy(at_ms, value)])
    found = kept.of("CS-1", "17")
    assert found["points"] == [(HOUR // 2, 1000.0), (HOUR, 0.0)]
    assert found["derived"]


@pytest.mark.parametrize(
    "other",
    [
        sample(1, "5", transaction=None),
        sample(1, None),
        sample(1, "5", "Voltage", "V"),
        sample(1, "5", location="EV"),
        sample(1, "5", unit="VA"),
    ],
)
def test_other_samples_make_no_point(other) -> None:
    """Without a transaction, without a number, of something else, of the vehicle."""
    kept = Curves()
    kept.take([other])
    assert (kept.of("CS-1", "17") or {"points": []})["points"] == []


def test_where_the_station_has_no_clock_the_gateway_has_one() -> None:
    """A sample without a time was read then."""
    kept = Curves()
    kept.take([sample(None, "5")])
    assert kept.of("CS-1", "17")["points"] == [(5, 5.0)]


def test_a_long_curve_keeps_its_ends_and_its_shape() -> None:
    """Some points are left out; memory is bounded."""
    kept = Curves()
    for at_ms in range(10 * POINTS_MAX):
        kept.take([sample(at_ms, at_ms)])
    points = kept.of("CS-1", "17")["points"]
    assert POINTS_MAX // 3 < len(points) <= POINTS_MAX
    assert (points[0], points[-1]) == ((0, 0.0), (10 * POINTS_MAX - 1, 10.0 * POINTS_MAX - 1))
    assert points == sorted(points)
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(points)]
    assert max(gaps) < 60, "it is as fine in the beginning as in the end"


def test_transactions_that_were_told_of_first_are_forgotten(monkeypatch) -> None:
    """Memory is bounded."""
    monkeypatch.setattr(curves, "CURVES_MAX", 2)
    kept = Curves()
    for name in ("1", "2", "1", "3"):
        kept.take([sample(1, "5", transaction=name)])
    assert [kept.of("CS-1", name) is not None for name in ("1", "2", "3")] == [True, False, True]
