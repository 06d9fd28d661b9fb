"""The headers of records tell what they are about, by the CloudEvents binding of Kafka."""

from schemas.cloudevents import cloudevent, source


def test_headers_are_those_of_the_binary_mode():
    """CloudEvents 1.0, Kafka binding, 3.2."""
    assert dict(cloudevent("7.1.CS", "ocpp.rejected", source("CS/1 ä"), 1_795_262_400_123)) == {
        "ce_specversion": b"1.0",
        "ce_id": b"7.1.CS",
        "ce_type": b"ocpp.rejected",
        "ce_source": b"/stations/CS%2F1%20%C3%A4",
        "ce_time": b"2026-11-21T12:00:00.123Z",
        "content-type": b"application/vnd.confluent.avro",
    }
