from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO

import fastavro
import pytest
from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, Table, Text

from consumers.services import SERVICES
from consumers.tables.columns import exact, key, station, time, whole, words
from consumers.tables.schemas import key_from, key_of, key_text, record, schema, topic
from schemas.compatibility import violations
from schemas.writers import writer

SESSIONS = Table(
    "charging_sessions",
    MetaData(),
    station(),
    key("number", doc="from 1"),
    time("begin_ms", "when"),
    whole("duration_ms", "how long"),
    exact("energy_wh", "how much"),
    words("reason", "why"),
    Column("offline", Boolean, comment="whether"),
    comment="One row for each session.",
)
TIME = {"type": "long", "logicalType": "timestamp-millis"}
ROW = {
    "station": "CS-1",
    "number": 2,
    "begin_ms": 1_795_262_400_000,
    "duration_ms": 1500,
    "energy_wh": Decimal("1E+3") + Decimal("0.00010"),
    "reason": None,
    "offline": False,
}


def public() -> Iterator[Table]:
    for service in SERVICES.values():
        consumer = service.consumer
        yield from (table for table in consumer.tables if table.name in consumer.published)


def test_only_keys_are_never_null() -> None:
    """Every type has its own; times are told from other numbers; the order of states is added."""
    found = schema(SESSIONS, "sessions")
    assert found["name"] == "ChargingSessionsRow"
    assert found["doc"] == "One row for each session. A row of a table of the consumer sessions."
    assert {field["name"]: field["type"] for field in found["fields"]} == {
        "station": "string",
        "number": "long",
        "generation": "long",
        "revision": "long",
        "begin_ms": ["null", TIME],
        "duration_ms": ["null", "long"],
        "energy_wh": ["null", "string"],
        "reason": ["null", "string"],
        "offline": ["null", "boolean"],
    }
    assert all(field["doc"] for field in found["fields"])
    assert [f["name"] for f in found["fields"] if "default" in f] == list(SESSIONS.columns.keys())[
        2:
    ]


def test_a_column_more_breaks_nobody() -> None:
    """Old readers read new rows, new readers old ones."""
    more = SESSIONS.to_metadata(MetaData())
    more.append_column(words("mood", "how it went"))
    assert violations(schema(more, "sessions"), [schema(SESSIONS, "sessions")]) == []


def test_a_row_survives_the_journey() -> None:
    """What a reader decodes is the row, numbers as text with every digit."""
    found, body = schema(SESSIONS, "sessions"), bytearray()
    writer(found)(record(ROW, 7, 9), lambda parts: body.extend(b"".join(parts)))
    parsed = fastavro.parse_schema(found)
    read = fastavro.schemaless_reader(BytesIO(bytes(body)), parsed, None)
    assert (read["generation"], read["revision"]) == (7, 9)
    assert read["energy_wh"] == "1000.00010"
    assert read["begin_ms"].isoformat() == "2026-11-21T12:00:00+00:00"
    same = ("station", "number", "duration_ms", "reason", "offline")
    assert {name: read[name] for name in same} == {name: ROW[name] for name in same}


def test_a_key_is_json_and_comes_back() -> None:
    """Readers of any language see the values, in the order of the table's key."""
    text = key_text(key_of(SESSIONS, {"number": 2, "station": 'C "ü"', "reason": "x"}))
    assert text == '["C \\"ü\\"",2]'
    assert key_from(text) == ('C "ü"', 2)
    assert topic(SESSIONS.name) == "tables.charging_sessions"


@pytest.mark.parametrize(
    "column",
    [
        Column("bare", Text),
        Column("odd", LargeBinary, comment="bytes"),
        Column("revision", BigInteger, comment="ours"),
    ],
    ids=["no comment", "unknown type", "name is taken"],
)
def test_what_cannot_be_published_is_named(column: Column[object]) -> None:
    """A bug of ours, found when schemas are made."""
    table = Table("odd", MetaData(), station(), column, comment="Odd.")
    with pytest.raises(ValueError, match=r"odd|bare"):
        schema(table, "sessions")


@pytest.mark.parametrize("table", list(public()), ids=lambda table: table.name)
def test_what_looks_like_a_time_is_one(table: Table) -> None:
    """Of what consumers publish: milliseconds are times, unless they are called a duration."""
    for field in schema(table, "any")["fields"]:
        looks = field["name"].endswith("_ms") and "duration" not in field["name"]
        assert (TIME in (field["type"], *field["type"])) == looks, field["name"]


def test_some_tables_are_public_and_some_are_not() -> None:
    """What a projection remembers for itself is nobody's business."""
    names = {table.name for table in public()}
    assert {"transactions", "stations", "connectors"} <= names
    assert not {"transaction_facts", "lost_connections"} & names
