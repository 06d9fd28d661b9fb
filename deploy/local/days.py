"""The plan of a simulated station's day as data, the same for every OCPP version.

A day is an endless row of visits to each connector; a visit is a tuple of steps. Randomness is an
argument, so that a seed gives the same days again. Durations are in seconds of the simulated day;
how fast these pass is the business of whoever performs the steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

TOKENS = tuple(f"TOKEN-{number:04d}" for number in range(1, 49))
"""Who charges here: few enough that all of them can be seeded as id tokens, and enough that a token
is seldom in use at two places at once, where it is refused."""

SAMPLE_INTERVAL_S = 300
"""Between two meter samples: MeterValueSampleInterval, SampledDataTxUpdatedInterval."""

FAULTS = ("GroundFailure", "HighTemperature", "OverVoltage", "ConnectorLockFailure")
"""ChargePointErrorCode of OCPP 1.6 part 2, 7.6; 2.x stations report them by NotifyEvent."""


@dataclass(frozen=True, slots=True)
class Model:
    """A make of station. `power_w` is the most that one connector gives."""

    vendor: str
    name: str
    firmware: str
    connectors: int
    power_w: int
    phases: int  # 0: direct current

    @property
    def direct_current(self) -> bool:
        return self.phases == 0


MODELS = (
    Model("Ampelfeld", "AF Wall 4", "1.4.2", 1, 3_700, 1),
    Model("Voltwerk", "VW-Duo 11", "2024.11.3", 2, 11_000, 3),
    Model("Voltwerk", "VW-Duo 22", "2025.02.0", 2, 22_000, 3),
    Model("Gleichstrom & Co", "GC-50", "7.0.19", 1, 50_000, 0),
)


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass."""

    seconds: float


_OCCUPIED = frozenset({"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"})


@dataclass(frozen=True, slots=True)
class Status:
    """The connector's state in the words of OCPP 1.6, which is the finer vocabulary."""

    word: str
    error: str = "NoError"

    @property
    def availability(self) -> str:
        """The word of OCPP 2.x, which has fewer."""
        return "Occupied" if self.word in _OCCUPIED else self.word


@dataclass(frozen=True, slots=True)
class Authorize:
    """Show a token; the rest of the visit depends on the answer."""

    token: str


@dataclass(frozen=True, slots=True)
class Begin:
    """Start a transaction for this token."""

    token: str


@dataclass(frozen=True, slots=True)
class Sample:
    """What the meter shows: energy since Begin, and the moment's electrical values."""

    energy_wh: int
    power_w: int
    current_a: float
    voltage_v: float
    soc: int | None  # per cent; only direct current tells


@dataclass(frozen=True, slots=True)
class End:
    """Stop the transaction, with a reason in the words of OCPP 1.6."""

    reason: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """Send the last end of a transaction once more, as if its answer had been lost."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Lose the connection and stay without it for so long."""

    seconds: float


Step = Wait | Status | Authorize | Begin | Sample | End | Repeat | Drop
Visit = tuple[Step, ...]

TROUBLES = ("dropped", "offline", "fault", "fault in session", "repeat")


def days(model: Model, random: Random, *, trouble_share: float = 0.25) -> Iterator[Visit]:
    """Visits without end to one connector of such a station; about one in four has a trouble."""
    while True:
        trouble = random.choice(TROUBLES) if random.random() < trouble_share else ""
        yield visit(model, random, random.choice(TOKENS), trouble=trouble)


def visit(
    model: Model, random: Random, token: str, *, trouble: str = "", remote: bool = False
) -> Visit:
    """One car at one connector, from before its coming to after its leaving.

    `trouble` is "" or one of TROUBLES. A `remote` visit begins at once and without Authorize,
    because somebody has already said who pays (OCPP 1.6 part 2, 5.11).
    """
    charging = _charging(model, random)
    cut = random.randrange(1, len(charging)) if len(charging) > 1 else 1
    reason = random.choice(("Local", "Local", "EVDisconnected"))
    before: Visit = () if remote else (Wait(random.uniform(120, 1800)),)
    plug_in: Visit = (Status("Preparing"), Wait(random.uniform(5, 60)))
    if not remote:
        plug_in = (*plug_in, Authorize(token), Wait(2))
    stop: Visit = (End(reason), Status("Finishing"), Wait(random.uniform(20, 240)))
    match trouble:
        case "dropped":
            charging = (*charging[:cut], Drop(random.uniform(60, 240)), *charging[cut:])
        case "offline":
            before = (*before, Drop(random.uniform(2400, 5400)))
        case "fault":
            before = (*before, *_fault(random), Wait(60))
        case "fault in session":
            charging = charging[:cut]
            stop = (End("EmergencyStop"), *_fault(random))
        case "repeat":
            stop = (End(reason), Repeat(), *stop[1:])
    return (*before, *plug_in, Begin(token), *charging, *stop, Status("Available"))


def _fault(random: Random) -> Visit:
    repair = Wait(random.uniform(120, 600))
    return (Status("Faulted", random.choice(FAULTS)), repair, Status("Available"))


def _charging(model: Model, random: Random) -> Visit:
    """A battery that fills: full power, then less and less; what the car takes, the meter shows."""
    battery_wh = random.choice((40_000, 58_000, 77_000))
    filled_wh = battery_wh * random.uniform(0.15, 0.7)
    minutes = random.uniform(18, 35) if model.direct_current else random.uniform(30, 70)
    car_w = model.power_w * random.choice((1.0, 1.0, 0.97, 0.66))
    steps: list[Step] = [Status("Charging")]
    energy_wh = 0.0
    for _ in range(max(3, round(minutes * 60 / SAMPLE_INTERVAL_S))):
        soc = (filled_wh + energy_wh) / battery_wh
        power_w = car_w * _taper(soc) * random.uniform(0.985, 1.0)
        energy_wh += power_w * SAMPLE_INTERVAL_S / 3600
        steps += [Wait(SAMPLE_INTERVAL_S), _sample(model, energy_wh, power_w, soc)]
        if soc > 0.985:
            return (*steps, Status("SuspendedEV"), Wait(SAMPLE_INTERVAL_S))
    return tuple(steps)


def _taper(soc: float) -> float:
    """The share of its power that a car still takes: all up to 80 %, little when nearly full."""
    return 1.0 if soc < 0.8 else max(0.04, 1.0 - (soc - 0.8) * 4.8)


def _sample(model: Model, energy_wh: float, power_w: float, soc: float) -> Sample:
    voltage_v = 360 + 60 * min(soc, 1.0) if model.direct_current else 230.0
    return Sample(
        energy_wh=round(energy_wh),
        power_w=round(power_w),
        current_a=round(power_w / voltage_v / max(1, model.phases), 1),
        voltage_v=round(voltage_v, 1),
        soc=min(100, round(soc * 100)) if model.direct_current else None,
    )


def held(sample: Sample, limit_w: float | None, before: tuple[Sample, Sample] | None) -> Sample:
    """What the meter shows under a limit.

    `before` are the last sample as planned and as it was; what was not given then is not made up
    for, so the car leaves with less.
    """
    planned, given = before or (None, None)
    share = 1.0
    if limit_w is not None and sample.power_w > limit_w:
        share = limit_w / sample.power_w
    gained_wh = (sample.energy_wh - (planned.energy_wh if planned else 0)) * share
    soc = sample.soc
    if soc is not None and planned is not None and given is not None:
        soc = round((given.soc or 0) + (soc - (planned.soc or 0)) * share)
    return replace(
        sample,
        energy_wh=round((given.energy_wh if given else 0) + gained_wh),
        power_w=round(sample.power_w * share),
        current_a=round(sample.current_a * share, 1),
        soc=soc,
    )
