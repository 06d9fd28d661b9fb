"""Computes what a fleet needs, from what its stations say and from figures that were measured."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType

from consumers.authorizations import projection as authorizations
from consumers.commands import projection as commands
from consumers.meter_readings import projection as meter_readings
from consumers.reservations import projection as reservations
from consumers.stations import projection as stations
from consumers.tables.projections import Consumer
from consumers.transactions import projection as transactions

# From docs/performance.md, which says how they were measured; handshakes from security.md.
CALL_CPU_S = 150e-6  # of a gateway, at half load; when it is busy, two thirds of it
FOREIGN_CPU_S = 167e-6  # for a command, claim or decision of another gateway's station, one by one
# By OCPP security profile, with P-256 keys.
HANDSHAKE_CPU_S = (0.6e-3, 0.6e-3, 1.5e-3, 2.9e-3)
CONNECTION_BYTES = (15_000, 15_000, 31_000, 41_000)
GATEWAY_BYTES = 100_000_000  # of a worker: 65 MB with hardly any station, the rest is for work
EVENT_BYTES = 240  # on one replica, zstd, batches of two events
WRITTEN_BYTES = 530  # the same event on its way there
FOLDED_PER_S = MappingProxyType(
    {  # events, by one process, into PostgreSQL
        "transactions": 9600,
        "meter-readings": 5600,
        "reservations": 6700,
        "authorizations": 12_900,
        "stations": 12_400,
        "commands": 8700,
    }
)
SESSION_BYTES = 3600  # in PostgreSQL: the rows of a transaction, its frames and its tokens
READING_BYTES = 310
# PostgreSQL takes back the room of removed rows when they are a fifth of the table (autovacuum).
REMOVED_SHARE = 0.2
STATUS_BYTES = 230
# What one may plan with: the rest is for bad days.
SHARE = 0.5
WORKER_CONNECTIONS = 15_000
YEAR_DAYS = 365
DAY_S = 86_400
CONSUMERS: tuple[Consumer, ...] = (
    *(transactions.CONSUMER, meter_readings.CONSUMER, reservations.CONSUMER),
    *(authorizations.CONSUMER, stations.CONSUMER, commands.CONSUMER),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Stations, and what each of them does on a day; `peak` is the busiest hour over the mean."""

    stations: int
    sessions: float = 2.0
    session_s: float = 7200.0
    sample_s: float = 300.0
    values: int = 6  # in a sample
    heartbeat_s: float = 300.0
    commands: float = 1.0
    profile: int = 0  # OCPP security profile
    peak: float = 3.0
    return_s: float = 300.0  # all are to be back within so long
    partitions: int = 12
    readings_kept_days: float = 0.0  # for ever

    @property
    def calls(self) -> Mapping[str, float]:
        """Topic -> CALLs of one station in a day; each is two events."""
        return {
            "authorization": self.sessions,
            "transactions": 2 * self.sessions,
            "metering": self.sessions * self.session_s / self.sample_s,
            "availability": 5 * self.sessions + DAY_S / self.heartbeat_s,
            "remote-control": self.commands,
        }

    @property
    def calls_per_s(self) -> float:
        """Of all stations, on the mean of a day."""
        return self.stations * sum(self.calls.values()) / DAY_S

    @property
    def foreign_per_s(self) -> float:
        """Commands, claims and decisions that each gateway reads in the busiest hour."""
        each = 2 * self.commands + 2 * self.sessions
        return self.peak * self.stations * each / DAY_S

    def folded_per_s(self, consumer: Consumer) -> float:
        """Events that this consumer has to fold, on the mean of a day."""
        calls = sum(self.calls.get(topic, 0.0) for topic in consumer.topics)
        told = 3 * self.commands if "commands" in consumer.topics else 0.0
        return self.stations * (2 * calls + told) / DAY_S


def needs(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """What, and how much of it."""
    peak = fleet.peak * fleet.calls_per_s
    yield "calls per second, mean", _number(fleet.calls_per_s)
    yield "calls per second, busiest hour", _number(peak)
    yield "events per station and day", _number(2 * sum(fleet.calls.values()))
    kept = 2 * fleet.calls_per_s * EVENT_BYTES * DAY_S
    yield "Kafka: GB a day, each replica", _number(kept / 1e9)
    yield "Kafka: TB a year, each replica", _number(kept * YEAR_DAYS / 1e12)
    yield "Kafka: MB/s written to leaders, busiest hour", _number(2 * peak * WRITTEN_BYTES / 1e6)
    storm = fleet.stations * (HANDSHAKE_CPU_S[fleet.profile] + 3 * CALL_CPU_S) / fleet.return_s
    cores = peak * CALL_CPU_S / SHARE
    workers = max(2, ceil(fleet.stations / WORKER_CONNECTIONS), ceil(cores), ceil(storm / SHARE))
    memory = workers * GATEWAY_BYTES + fleet.stations * CONNECTION_BYTES[fleet.profile]
    yield "gateways: cores for calls, half of each used", _number(cores)
    yield f"gateways: cores when all are back in {fleet.return_s:g} s", _number(storm)
    yield "gateways: workers", _number(workers)
    yield "gateways: GB of memory, all workers", _number(memory / 1e9)
    yield "gateways: foreign records per second", _number(fleet.foreign_per_s)
    yield (
        "gateways: % of a core for them, each worker",
        _number(100 * fleet.foreign_per_s * FOREIGN_CPU_S),
    )
    for consumer in CONSUMERS:
        load = fleet.peak * fleet.folded_per_s(consumer) / FOLDED_PER_S[consumer.name]
        yield f"{consumer.name}: instances", _number(max(1, ceil(load / SHARE)))
    year = {
        one.name: fleet.folded_per_s(one) * DAY_S * YEAR_DAYS / FOLDED_PER_S[one.name]
        for one in CONSUMERS
    }
    slowest = max(year, key=lambda name: year[name])
    alone = f"{fleet.partitions} instances"
    yield (
        f"rebuild of a year, {slowest}, {alone}: hours",
        _number(year[slowest] / fleet.partitions / 3600),
    )
    yield (
        "partitions for that in a day",
        _number(max(fleet.partitions, ceil(year[slowest] / DAY_S))),
    )
    readings = fleet.calls["metering"] * fleet.values * READING_BYTES
    rest = fleet.sessions * (SESSION_BYTES + 5 * STATUS_BYTES)
    yearly = fleet.stations * YEAR_DAYS / 1e9
    yield "PostgreSQL: GB a year, without readings", _number(rest * yearly)
    yield "PostgreSQL: GB a year, meter readings", _number(readings * yearly)
    if fleet.readings_kept_days:
        days = fleet.readings_kept_days
        room = readings * yearly / YEAR_DAYS * days * (1 + REMOVED_SHARE)
        yield f"PostgreSQL: GB, meter readings of {days:g} days", _number(room)


def _number(value: float) -> str:
    """Two digits of it: more would be a lie."""
    if isinstance(value, int) or value >= 100:
        return f"{round(value):,}" if isinstance(value, int) else f"{float(f'{value:.2g}'):,.0f}"
    return f"{value:.2g}"
