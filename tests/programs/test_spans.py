"""Spans in the words of OpenTelemetry's conventions for messaging on Kafka."""

from programs.spans import Place, processed, sent
from schemas.traces import Trace

TRACE = Trace(1, 2, 3)
PLACE = {
    "messaging.system": "kafka",
    "messaging.destination.name": "ocpp.transactions",
    "messaging.destination.partition.id": "7",
    "messaging.kafka.message.key": "CS-1",
}


def test_a_record_that_is_sent():
    """Its position is known once it is acknowledged."""
    told = {"ocpp.action": "Heartbeat"}
    span = sent(TRACE, Place("ocpp.transactions", 7, b"CS-1", 9), 10, 20, told)
    assert (span.name, span.kind, span.failure) == ("send ocpp.transactions", "producer", "")
    assert (span.start_ns, span.end_ns, span.trace) == (10, 20, TRACE)
    assert span.told == PLACE | told | {
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.kafka.offset": 9,
    }


def test_a_record_that_is_processed_and_one_without_a_position():
    """A key that is no text does no harm."""
    span = processed(TRACE, Place("ocpp.transactions", 7, b"\xff"), 10, 20, {}, "broken")
    assert (span.name, span.kind, span.failure) == (
        "process ocpp.transactions",
        "consumer",
        "broken",
    )
    assert span.told == PLACE | {
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.kafka.message.key": "\ufffd",
    }
