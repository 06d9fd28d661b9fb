"""consumers.meaning.meter_samples: sampled values of any version."""

import json
from decimal import Decimal
from functools import partial

import pytest

from consumers.meaning.facts import Sampled
from consumers.meaning.meter_samples import register, register_wh, samples
from tests.consumers.hearing import conversation, facts, told
from tests.gateway.conversation import NOON

TIME, TIME_MS = "2026-11-21T12:00:00Z", NOON
V2 = ("2.0.1", "2.1")


def read(*sampled, version="1.6"):
    """The facts of samples in a MeterValues."""
    place = {"connectorId": 1} if version == "1.6" else {"evseId": 1}
    meter_value = [{"timestamp": TIME, "sampledValue": list(sampled)}]
    return told(version, "MeterValues", place | {"meterValue": meter_value})


def only(sample, version="1.6"):
    (fact,) = read(sample, version=version)
    return fact


def test_defaults_of_ocpp():
    """They are applied here, and stand nowhere in the log."""
    fact = only({"value": "7"})
    assert (fact.measurand, fact.unit) == ("Energy.Active.Import.Register", "Wh")
    assert (fact.location, fact.context, fact.format) == ("Outlet", "Sample.Periodic", "Raw")
    assert (fact.phase, fact.told_ms) == (None, TIME_MS)


def test_all_that_a_sample_says():
    """As it stands there."""
    sample = {
        "value": "16.5", "measurand": "Current.Import", "phase": "L1-N", "location": "EV",
        "context": "Trigger", "format": "Raw", "unit": "A",
    }  # fmt: skip
    fact = only(sample)
    assert (fact.value, fact.raw, fact.unit) == (Decimal("16.5"), "16.5", "A")
    assert (fact.measurand, fact.phase, fact.location) == ("Current.Import", "L1-N", "EV")
    assert (fact.context, fact.format) == ("Trigger", "Raw")


@pytest.mark.parametrize(
    ("sent", "unit", "value"),
    [
        ("Wh", "Wh", "1.5"), ("kWh", "Wh", "1500"), ("KWH", "Wh", "1500"), ("kW", "W", "1500"),
        ("kvarh", "varh", "1500"), ("kvar", "var", "1500"), ("kVA", "VA", "1500"),
        ("MWh", "Wh", "1500000"), ("mA", "A", "0.0015"), ("A", "A", "1.5"), ("V", "V", "1.5"),
        ("Hz", "Hz", "1.5"), ("Hertz", "Hz", "1.5"), ("Celcius", "Celsius", "1.5"),
        ("Celsius", "Celsius", "1.5"), ("K", "K", "1.5"), ("Percent", "Percent", "1.5"),
        ("furlong", "furlong", "1.5"), (" kWh ", "Wh", "1500"), ("", "Wh", "1.5"),
    ],
)  # fmt: skip
def test_units(sent, unit, value):
    """Base units, as stations spell them; of an unknown one the number stays as it is."""
    fact = only({"value": "1.50", "unit": sent})
    assert (fact.unit, str(fact.value), fact.raw) == (unit, value, "1.50")


@pytest.mark.parametrize("version", V2)
@pytest.mark.parametrize(
    ("measure", "unit", "value"),
    [
        ({}, "Wh", "21.4"), ({"unit": "kWh"}, "Wh", "21400"), ({"multiplier": 3}, "Wh", "21400"),
        ({"unit": "kW", "multiplier": -2}, "W", "214"), ({"multiplier": 2**40}, "Wh", None),
        ({"unit": "RPM", "multiplier": 1}, "RPM", "214"), ({"multiplier": "x"}, "Wh", None),
    ],
)  # fmt: skip
def test_units_of_2_x(version, measure, unit, value):
    """A unit and a power of ten; where that cannot be known, nor can the number."""
    fact = only({"value": 21.4, "unitOfMeasure": measure}, version)
    assert (fact.unit, fact.value) == (unit, None if value is None else Decimal(value))
    assert fact.raw == "21.4"


def test_only_energy_is_in_wh_by_default():
    """A voltage without a unit has none."""
    fact = only({"value": "230", "measurand": "Voltage"})
    assert (fact.unit, fact.value) == (None, 230)


def test_wh_on_a_power_measurand_stays_what_it_is():
    """It is wrong, but nobody knows what is right."""
    fact = only({"value": "7", "measurand": "Power.Active.Import", "unit": "Wh"})
    assert (fact.measurand, fact.unit, fact.value) == ("Power.Active.Import", "Wh", 7)


def test_unknown_measurands_are_taken():
    """They are somebody's."""
    assert only({"value": "7", "measurand": "Request.Energy"}).measurand == "Request.Energy"


@pytest.mark.parametrize(
    ("sent", "raw", "value"),
    [
        ("NaN", "NaN", None), ("", "", None), ("1,5", "1,5", None), ("0x1F", "0x1F", None),
        (11.02, "11.02", "11.02"), (7, "7", "7"), (True, "true", None), (None, None, None),
        ("-3", "-3", "-3"), ("1e3", "1e3", "1000"),
    ],
)  # fmt: skip
def test_values_of_all_kinds(sent, raw, value):
    """What is no number is kept as sent, and sinks none of the others."""
    odd, good = read({"value": sent}, {"value": "8"})
    assert (odd.raw, odd.value) == (raw, None if value is None else Decimal(value))
    assert (good.index, good.value) == (1, 8)


def test_samples_that_are_none():
    """An empty list, a text in place of an object, an object without anything."""
    assert not [fact for fact in read() if isinstance(fact, Sampled)]
    text, empty = read("12.5", {})
    assert (text.value, text.raw) == (Decimal("12.5"), "12.5")
    assert (empty.value, empty.raw) == (None, None)


def test_words_are_told_apart_by_their_type():
    """What is alike in Python is not alike in JSON; an object may stand where a word belongs."""
    make = partial(Sampled, None, source="")
    words = (1, True, 1.5, "1", ["1"], {"a": 1}, None)
    told = [{"value": 1, "context": context} for context in words]
    found = [one.context for one in samples(make, {"sampledValue": told})]
    assert found == ["1", "true", "1.5", "1", '["1"]', '{"a":1}', "Sample.Periodic"]


def test_signed_data_of_1_6_is_kept_whole():
    """However long, and also where it looks like a number."""
    ocmf = 'OCMF|{"FV":"1.0"}|' + "A" * 5000
    fact = only({"value": ocmf, "format": "SignedData"})
    assert (fact.signed, fact.raw, fact.value, fact.format) == (ocmf, None, None, "SignedData")
    assert only({"value": "0123", "format": "SignedData"}).value is None


@pytest.mark.parametrize("version", V2)
def test_signed_values_of_2_x_are_kept_whole(version):
    """Beside the number itself."""
    signed = {
        "signedMeterData": "A" * 5000, "signingMethod": "", "encodingMethod": "OCMF",
        "publicKey": "k",
    }  # fmt: skip
    fact = only({"value": 5, "signedMeterValue": signed}, version)
    assert json.loads(fact.signed) == signed
    assert (fact.value, fact.raw) == (5, "5")


def test_each_meter_value_has_its_own_time():
    """The samples of one frame are counted through."""
    times = ["2026-11-21T12:00:00Z", "garbage", "2026-11-21T12:00:00.0004Z"]
    values = [{"timestamp": time, "sampledValue": [{"value": "1"}] * 2} for time in times]
    talk = conversation("1.6", ("MeterValues", {"connectorId": 1, "meterValue": values}))
    found = facts(talk.events)[1:]
    assert [fact.index for fact in found] == [0, 1, 2, 3, 4, 5]
    assert [fact.told_ms for fact in found[::2]] == [TIME_MS, None, TIME_MS]
    assert [fact.told_text for fact in found[::2]] == [None, *times[1:]]


def test_a_list_that_is_none():
    """No samples, and no error."""
    for odd in (None, 7, "x", [7, None, []], {"sampledValue": 7}):
        assert list(samples(dict, odd)) == []


def sampled(value, **more):
    return Sampled(None, 0, "TransactionEvent", unit="Wh", value=value, **more)


def test_the_register_is_the_total_at_the_outlet():
    """Not one phase, not another measurand, not the vehicle's own reckoning."""
    read_ = [
        sampled(1, phase="L1"), sampled(2, measurand="Energy.Active.Export.Register"),
        sampled(3, location="EV"), sampled(4, location="Inlet"), sampled(5),
        Sampled(None, 0, "TransactionEvent", unit="furlong", value=6), sampled(None),
    ]  # fmt: skip
    assert register_wh(read_, "Transaction.End", last=True) == 5
    assert register_wh(read_[:4], "Transaction.End", last=True) == 4, "better than none"
    assert register_wh(read_[:3], "Transaction.End", last=True) is None


def test_the_register_in_its_context():
    """Else the first or the last."""
    read_ = [sampled(1), sampled(2, context="Transaction.Begin"), sampled(3)]
    assert register_wh(read_, "Transaction.Begin", last=False) == 2
    assert register_wh(read_, "Transaction.End", last=False) == 1
    assert register_wh(read_, "Transaction.End", last=True) == 3


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2)])
def test_the_register_is_the_last_by_its_time(order):
    """Of one time the outlet's; whatever order a frame has them in."""
    read_ = [
        sampled(1, told_ms=5), sampled(3, told_ms=7), sampled(9, told_ms=7, location="Inlet"),
        sampled(2, told_ms=6),
    ]  # fmt: skip
    told = [read_[one] for one in order]
    assert register(told, None, last=True) == (3, 7)
    assert register(told, None, last=False) == (1, 5)
    assert register([], None, last=True) == (None, None)


def phases(values, **more):
    return [sampled(value, phase=phase, **{"told_ms": 5} | more) for phase, value in values.items()]


def test_the_register_is_the_sum_of_the_phases_without_a_total():
    """Exact, of one time and one place, and only where all three are told once."""
    whole = {"L1": Decimal("0.1"), "L2-N": Decimal("0.2"), "L3": 5}
    assert register(phases(whole), "Transaction.End", last=True) == (Decimal("5.3"), 5)
    later = phases({"L1": 2, "L2": 3, "L3": 6}, told_ms=6)
    assert register(phases(whole) + later, None, last=True) == (11, 6)
    assert register([*phases(whole), sampled(7, told_ms=4)], None, last=True) == (7, 4)


@pytest.mark.parametrize(
    "read_",
    [
        phases({"L1": 1, "L2": 2}),
        phases({"L1": 1, "L2": 2, "L3": None}),
        phases({"L1": 1, "L2": 2}) + phases({"L3": 3}, told_ms=6),
        phases({"L1": 1, "L2": 2}) + phases({"L3": 3}, location="Inlet"),
        phases({"L1": 1, "L2": 2}) + phases({"L3": 3}, context="Transaction.End"),
        phases({"L1": 1, "L1-N": 1, "L2": 2, "L3": 3}),
        phases({"L1": 1, "L2": 2, "L3": 3}, told_ms=None),
        phases({"L1": 1, "L2": 2, "L3": 3}, location="EV"),
        phases({"L1-L2": 1, "L2-L3": 2, "L3-L1": 3}),
    ],
)
def test_phases_that_make_no_total(read_):
    """One is missing or of another time, or it is not known whether they belong together."""
    assert register(read_, None, last=True) == (None, None)
