"""The plan of a simulated day."""

from dataclasses import replace
from itertools import islice
from random import Random

import pytest

from deploy.local import days
from deploy.local.days import MODELS, TROUBLES, Authorize, Begin, Drop, End, Repeat, Sample, Status


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("trouble", ["", *TROUBLES])
def test_every_visit_has_one_session_and_leaves_the_connector_free(
    model: days.Model, trouble: str
) -> None:
    """Whatever happens, one Begin is followed by one End, and the last word is Available."""
    for seed in range(30):
        steps = days.visit(model, Random(seed), "TOKEN-0001", trouble=trouble)
        kinds = [type(step) for step in steps]
        assert kinds.count(Begin) == kinds.count(End) == 1
        assert kinds.index(Authorize) < kinds.index(Begin) < kinds.index(End)
        assert steps[-1] == Status("Available")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_meter_rises_and_agrees_with_its_power(model: days.Model) -> None:
    """Energy between two samples is power times time; power is volts times amperes, within 2 %."""
    for seed in range(30):
        steps = days.visit(model, Random(seed), "TOKEN-0001")
        samples = [step for step in steps if isinstance(step, Sample)]
        assert len(samples) >= 3
        last_wh = 0
        for sample in samples:
            gained = sample.energy_wh - last_wh
            assert gained == pytest.approx(sample.power_w * 300 / 3600, abs=1.5)
            assert 0 < sample.power_w <= model.power_w
            product = sample.voltage_v * sample.current_a * max(1, model.phases)
            assert product == pytest.approx(sample.power_w, rel=0.02, abs=40)
            assert (sample.soc is not None) is model.direct_current
            last_wh = sample.energy_wh


def test_a_seed_gives_the_same_days_again() -> None:
    """Nothing but the given randomness decides."""
    first, second, other = (list(islice(days.days(MODELS[1], Random(s)), 20)) for s in (7, 7, 8))
    assert first == second
    assert first != other


def test_every_kind_of_trouble_comes_up() -> None:
    """A few hundred visits hold lost connections, faults and repeated ends."""
    steps = [step for v in islice(days.days(MODELS[2], Random(1)), 300) for step in v]
    assert any(isinstance(step, Drop) and step.seconds > 2000 for step in steps)
    assert any(isinstance(step, Drop) and step.seconds < 300 for step in steps)
    assert any(isinstance(step, Repeat) for step in steps)
    assert any(isinstance(step, Status) and step.word == "Faulted" for step in steps)


def test_a_remote_visit_begins_at_once_and_without_authorize() -> None:
    """Who asked from afar has said who pays."""
    steps = days.visit(MODELS[0], Random(1), "TOKEN-0002", remote=True)
    assert steps[0] == Status("Preparing")
    assert not any(isinstance(step, Authorize) for step in steps)


def test_a_limit_holds_back_energy_power_and_charge_alike() -> None:
    """Nothing is made up for later; no limit, or one that is higher, changes nothing."""
    first = Sample(energy_wh=1000, power_w=12_000, current_a=30.0, voltage_v=400.0, soc=50)
    second = replace(first, energy_wh=2000, soc=60)
    assert days.held(first, None, None) == days.held(first, 12_000.0, None) == first
    given = days.held(first, 3000.0, None)
    assert (given.energy_wh, given.power_w, given.current_a, given.soc) == (250, 3000, 7.5, 50)
    later = days.held(second, None, (first, given))
    assert (later.energy_wh, later.power_w, later.soc) == (1250, 12_000, 60)
    slower = days.held(second, 6000.0, (first, given))
    assert (slower.energy_wh, slower.soc) == (750, 55)


def test_2_x_has_fewer_words_for_a_connector() -> None:
    """Whatever a car does there is Occupied."""
    words = [
        Status(word).availability for word in ("Preparing", "Finishing", "Reserved", "Faulted")
    ]
    assert words == ["Occupied", "Occupied", "Reserved", "Faulted"]
