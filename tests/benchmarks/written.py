"""What stations have written into the log by evening: events, made by the gateway's own core."""

from collections.abc import Iterator
from typing import Any

from gateway.config import load
from gateway.effects import Instant, Record
from gateway.events import Writer
from gateway.policy import Policies
from gateway.session import Session
from schemas.catalogue import VERSIONS
from schemas.codec import Codec
from tests.benchmarks.workloads import SESSION
from tests.consumers.hearing import exchange

NOON_MS = 1_777_638_896_000
AT_ONCE = 200  # stations that charge at the same time

Written = tuple[str, bytes, bytes]
"""Topic (without prefix), key and value of a record."""


def sessions(codec: Codec, stations: range) -> Iterator[Written]:
    """Each station charges once; in the log those at the same time are mixed."""
    texts = [frame.text(number) for number, frame in enumerate(SESSION)]
    for first in range(stations.start, stations.stop, AT_ONCE):
        part = range(first, min(first + AT_ONCE, stations.stop))
        charging = [(name(number), _session(codec, name(number), number)) for number in part]
        for number, text in enumerate(texts):
            for station, session in charging:
                for effect in session.received(text, Instant(1.0, NOON_MS + 60_000 * number)):
                    if isinstance(effect, Record):
                        yield effect.event.topic, station.encode(), effect.event.value


def reservations(codec: Codec, stations: range) -> Iterator[Written]:
    """Each station is reserved, and that is cancelled; nothing else is on these topics."""
    reserve = {"connectorId": 1, "expiryDate": "2026-05-01T13:00:00Z", "idTag": "A"}
    accepted, cancel = {"status": "Accepted"}, {"reservationId": 5}
    story = [
        *exchange("1.6", "ReserveNow", reserve | cancel, accepted),
        *exchange("1.6", "CancelReservation", cancel, accepted),
    ]
    for at, (topic, record) in enumerate(story, 1):
        asked = None if record["call_sequence"] is None else at - 1
        record |= {"sequence": at, "call_sequence": asked}
        for number in stations:
            own = {"station": name(number), "event_id": f"{at}-{number}"}
            yield topic, name(number).encode(), codec.encode(topic, record | own)


def commands(codec: Codec, stations: range) -> Iterator[Written]:
    """Each station is asked something, which a gateway takes, and the answer comes."""
    steps: tuple[tuple[str, dict[str, Any]], ...] = (
        (
            "commands",
            {
                "action": "Reset",
                "payload": '{"type":"Soft"}',
                "expires_at": NOON_MS + 60_000,
                "when_offline": "fail",
            },
        ),
        ("connections", {"type": "taken", "gateway": "gw", "epoch": 1, "at": NOON_MS}),
        (
            "command-results",
            {
                "action": "Reset",
                "outcome": "answered",
                "response": '{"status":"Accepted"}',
                "at": NOON_MS,
            },
        ),
    )
    for topic, record in steps:
        for number in stations:
            own = {"station": name(number), "command_id": f"c-{number}", "attempt": 1}
            if topic == "connections":
                own |= {"event_id": f"taken-{number}"}
            yield topic, name(number).encode(), codec.encode(topic, record | own)


def name(number: int) -> str:
    """A station's name."""
    return f"BENCH-{number:06d}"


def _session(codec: Codec, station: str, number: int) -> Session:
    writer = Writer(
        station=station,
        connection_id=f"0b7a3c52-5d1e-4f0e-9a52-{number:012d}",
        gateway="bench",
        version=VERSIONS["1.6"],
        encode=codec.encode,
    )
    session = Session(writer, Policies(load({}, environ={}), {}).of(station.encode()))
    session.opened({}, Instant(1.0, NOON_MS))
    session.recorded(number, Instant(1.0, NOON_MS))
    return session
