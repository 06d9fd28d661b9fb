"""Reads sampled values of any version: OCPP's defaults, exact decimals, base units."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

from consumers.meaning.payloads import Json, as_json, decimal, integer, items, members, moment, text

MEASURAND = "Energy.Active.Import.Register"
LOCATION = "Outlet"
CONTEXT = "Sample.Periodic"
FORMAT = "Raw"
_SIGNED = "SignedData"
_PHASES = ["L1", "L2", "L3"]
# A fleet has some dozens of kinds of samples, and most of the work for a sample is to tell which.
_KINDS = 256

# Unit as stations spell it, without regard to case -> (unit kept, power of ten to it).
_UNITS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "wh": ("Wh", 0),
        "kwh": ("Wh", 3),
        "w": ("W", 0),
        "kw": ("W", 3),
        "varh": ("varh", 0),
        "kvarh": ("varh", 3),
        "var": ("var", 0),
        "kvar": ("var", 3),
        "vah": ("VAh", 0),
        "kvah": ("VAh", 3),
        "va": ("VA", 0),
        "kva": ("VA", 3),
        "a": ("A", 0),
        "v": ("V", 0),
        "kv": ("V", 3),
        "hz": ("Hz", 0),
        "hertz": ("Hz", 0),
        "celsius": ("Celsius", 0),
        "celcius": ("Celsius", 0),  # 1.6 has both spellings
        "fahrenheit": ("Fahrenheit", 0),
        "k": ("K", 0),
        "percent": ("Percent", 0),
        "%": ("Percent", 0),
    }
)
# Where the case tells milli from mega, it counts.
_CASED: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "MWh": ("Wh", 6),
        "MW": ("W", 6),
        "mWh": ("Wh", -3),
        "mW": ("W", -3),
        "mA": ("A", -3),
        "mV": ("V", -3),
        "kA": ("A", 3),
        "kHz": ("Hz", 3),
        "mHz": ("Hz", -3),
    }
)

Made = TypeVar("Made")


def samples(make: Callable[..., Made], meter_values: object) -> Iterator[Made]:
    """Each sampled value in a list of MeterValue, made with the keyword arguments of its fields.

    These are index, told_ms, told_text, measurand, phase, location, context, format, unit, value,
    raw and signed, as in facts.Sampled. What is no sample at all is one without a value.
    """
    index = 0
    for meter_value in items(meter_values):
        told_ms, told_text = moment(members(meter_value).get("timestamp"))
        for sample in items(members(meter_value).get("sampledValue")):
            read = _read(sample if isinstance(sample, dict) else {"value": sample})
            yield make(index=index, told_ms=told_ms, told_text=told_text, **read)
            index += 1


def _read(sample: Json) -> dict[str, Any]:
    measure = members(sample.get("unitOfMeasure"))
    get = sample.get
    told = (
        *(get("measurand"), get("phase"), get("location"), get("context"), get("format")),
        *(get("unit", measure.get("unit")), measure.get("multiplier", 0)),
    )
    try:
        kind, exponent = _kind(*told)
    except TypeError:  # a list or an object, where a word belongs
        kind, exponent = _kind.__wrapped__(*told)
    sent, signed = get("value"), get("signedMeterValue")
    if kind["format"] == _SIGNED:
        # What is signed is a document, even where it looks like a number.
        return {**kind, "value": None, "raw": None, "signed": text(sent)}
    return {
        **kind,
        "value": None if exponent is None else decimal(sent, exponent),
        "raw": text(sent),
        "signed": None if signed is None else _whole(signed),
    }


@lru_cache(_KINDS, typed=True)
def _kind(  # noqa: PLR0913 - the words of a sample
    measurand: object,
    phase: object,
    location: object,
    context: object,
    form: object,
    unit: object,
    multiplier: object,
) -> tuple[Json, int | None]:
    """What a sample is of, and the power of ten to the unit it is kept in: as in `_unit`."""
    measured = text(measurand) or MEASURAND
    kept, exponent = _unit(unit, multiplier, measured)
    kind = {
        "measurand": measured,
        "phase": text(phase) or None,
        "location": text(location) or LOCATION,
        "context": text(context) or CONTEXT,
        "format": text(form) or FORMAT,
        "unit": kept,
    }
    return kind, exponent


def _whole(signed: object) -> str | None:
    return text(signed) if isinstance(signed, str) else as_json(signed)


def _unit(sent: object, multiplier: object, measurand: str) -> tuple[str | None, int | None]:
    """The unit that the value is kept in, and the power of ten to it; None: it cannot be known.

    1.6 has `unit`, 2.x `unitOfMeasure` with a multiplier. Without any, energy is in Wh (OCPP 1.6,
    7.43; OCPP 2.0.1, part 2, 2.52); of a unit that is not in the table the number is kept as is.
    """
    told = (text(sent) or "").strip()
    if not told:
        told = "Wh" if measurand.startswith("Energy") else ""
    unit, exponent = _CASED.get(told) or _UNITS.get(told.lower()) or (told or None, 0)
    power = integer(multiplier)
    return unit, None if power is None else exponent + power


def register_wh(read: Iterable[Any], context: str, *, last: bool) -> Decimal | None:
    """The value of `register`."""
    return register(read, context, last=last)[0]


def register(
    read: Iterable[Any], context: str | None, *, last: bool
) -> tuple[Decimal | None, int | None]:
    """The reading of the energy meter, in Wh, and the station's time of it; None without one.

    It is out of facts.Sampled of one frame. The total is meant, not one phase, and not what the
    vehicle says; where no total is told, the sum of the three phases at one time. Best is that at
    the outlet, and in this context, such as Transaction.End; else it is the first or `last` one.
    """
    energy = [
        one
        for one in read
        if one.value is not None
        and (one.measurand, one.unit) == (MEASURAND, "Wh")
        and one.location != "EV"
    ]
    totals = [
        ((one.location, one.context, one.told_ms), one.value) for one in energy if one.phase is None
    ]
    found = totals or list(_summed(energy))
    best = [one for one in found if one[0][0] == LOCATION] or found
    best = [one for one in best if one[0][1] == context] or best
    if not best:
        return None, None
    # Of those of one time the first or last in the frame.
    (_, _, told_ms), value = sorted(best, key=lambda one: one[0][2] or 0)[-1 if last else 0]
    return value, told_ms


def _summed(energy: Iterable[Any]) -> Iterator[tuple[tuple[str, str, int], Decimal]]:
    """Location, context and time of readings by phase, where each of the three is there once."""
    phases: dict[tuple[str, str, int], list[tuple[str, Decimal]]] = {}
    for one in energy:
        if one.phase is not None and one.told_ms is not None:
            key = one.location, one.context, one.told_ms
            phases.setdefault(key, []).append((one.phase.removesuffix("-N"), one.value))
    for key, told in phases.items():
        if sorted(phase for phase, _ in told) == _PHASES:
            yield key, sum((value for _, value in told), Decimal(0))
