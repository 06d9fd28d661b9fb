"""Spans as values, in the words of OpenTelemetry's semantic conventions for messaging on Kafka."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from schemas.traces import Trace

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Told = Mapping[str, str | int]


class Span(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Something that took time; both ends in nanoseconds since 1970 (UTC).

    `told` are its attributes: never what a frame says, and nothing secret. `failure` is a name of
    what went wrong; empty: nothing.
    """

    name: str
    kind: Kind
    trace: Trace
    start_ns: int
    end_ns: int
    told: Told = {}
    failure: str = ""


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a record is or comes to be: full name of the topic, partition, key.

    The position is -1 where it is not known, the key empty where it is not to be told.
    """

    topic: str
    partition: int
    key: bytes
    position: int = -1

    def told(self) -> dict[str, str | int]:
        """Its attributes."""
        found: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.destination.name": self.topic,
            "messaging.destination.partition.id": str(self.partition),
        }
        if self.key:
            found["messaging.kafka.message.key"] = self.key.decode("utf-8", "replace")
        if self.position >= 0:
            found["messaging.kafka.offset"] = self.position
        return found


def sent(  # noqa: PLR0913 - what, where and when
    trace: Trace, place: Place, start_ns: int, end_ns: int, told: Told, failure: str = ""
) -> Span:
    """A record was put into the log: from handing it over until it was acknowledged."""
    operation = {"messaging.operation.name": "send", "messaging.operation.type": "send"}
    return Span(
        name=f"send {place.topic}",
        kind="producer",
        trace=trace,
        start_ns=start_ns,
        end_ns=end_ns,
        told={**place.told(), **operation, **told},
        failure=failure,
    )


def processed(  # noqa: PLR0913 - what, where and when
    trace: Trace, place: Place, start_ns: int, end_ns: int, told: Told, failure: str = ""
) -> Span:
    """A record of the log was worked on: from having read it until that is done."""
    operation = {"messaging.operation.name": "process", "messaging.operation.type": "process"}
    return Span(
        name=f"process {place.topic}",
        kind="consumer",
        trace=trace,
        start_ns=start_ns,
        end_ns=end_ns,
        told={**place.told(), **operation, **told},
        failure=failure,
    )
