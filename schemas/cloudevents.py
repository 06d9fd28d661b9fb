"""The headers that tell what a record is about, before anything of it is decoded."""

from urllib.parse import quote

from schemas.times import timestamp

Headers = tuple[tuple[str, bytes], ...]


def cloudevent(event_id: str, ce_type: str, source: bytes, at_ms: int) -> Headers:
    """The record headers of the CloudEvents 1.0 Kafka binding, binary mode (section 3.2)."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_type", ce_type.encode()),
        ("ce_source", source),
        ("ce_time", timestamp(at_ms).encode()),
        ("content-type", b"application/vnd.confluent.avro"),
    )


def source(station: str) -> bytes:
    """The ce_source of what concerns a station."""
    return f"/stations/{quote(station, safe='')}".encode()
