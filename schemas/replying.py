"""The headers by which who asks on Kafka wants to be answered, and followed."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from schemas.traces import TRACEPARENT, well_formed

TOPIC, PARTITION, CORRELATION = "kafka_replyTopic", "kafka_replyPartition", "kafka_correlationId"

Headers = Sequence[tuple[str, bytes]]

_TOPIC = re.compile(rb"[A-Za-z0-9._-]{1,249}")


class ReplyTo(msgspec.Struct, frozen=True, gc=False):
    """Where who asks wants a copy of the result, by the headers of request and reply on Kafka.

    `topic` is a full name; without a `partition` the key decides. `correlation` is as it came.
    """

    topic: str
    partition: int | None
    correlation: bytes | None


def reply_to(headers: Mapping[str, bytes]) -> ReplyTo | None:
    """As Spring for Apache Kafka writes it (KafkaHeaders): the partition has four bytes."""
    topic = headers.get(TOPIC) or b""
    if not _TOPIC.fullmatch(topic):
        return None
    number = headers.get(PARTITION) or b""
    partition = None
    if number.isdigit():
        partition = int(number[:9])
    elif len(number) == 4:
        partition = int.from_bytes(number, "big")
    return ReplyTo(topic.decode(), partition, headers.get(CORRELATION))


def trace(headers: Mapping[str, bytes]) -> bytes | None:
    """The W3C traceparent (Trace Context, 3.2), where there is one that can be handed on."""
    return well_formed(headers.get(TRACEPARENT))


def handed_on(to: ReplyTo | None, traceparent: bytes | None) -> list[tuple[str, bytes]]:
    """The headers of a record that asks the same once more."""
    headers: list[tuple[str, bytes]] = []
    if to is not None:
        headers.append((TOPIC, to.topic.encode()))
        if to.partition is not None:
            headers.append((PARTITION, to.partition.to_bytes(4, "big")))
        if to.correlation is not None:
            headers.append((CORRELATION, to.correlation))
    if traceparent is not None:
        headers.append((TRACEPARENT, traceparent))
    return headers
