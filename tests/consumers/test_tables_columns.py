"""consumers.tables.columns: columns alike in every database."""

from decimal import Decimal

import pytest
from sqlalchemy import Column, MetaData, Table, create_engine, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from consumers.tables.columns import Exact, exact, key, station, whole, words

TABLE = Table(
    "readings", MetaData(), station(), key("number"), whole("at_ms", "when"), words("note", "what"),
    exact("value", "how much"),
)  # fmt: skip


@pytest.mark.parametrize(
    "value", [None, Decimal("0.1"), Decimal(10) ** 40, Decimal("-1E-40"), Decimal("9" * 60)]
)
def test_decimals_come_back_exactly_from_sqlite(value):
    """Which has binary fractions only."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        TABLE.create(connection)
        connection.execute(insert(TABLE), [{"station": "A", "number": 2**63 - 1, "value": value}])
        assert connection.execute(select(TABLE.c.value, TABLE.c.number)).one() == (value, 2**63 - 1)
    engine.dispose()


def test_sqlite_can_reckon_with_decimals():
    """They stand there without an exponent, so that CAST reads them."""
    bound = Exact().process_bind_param(Decimal("1E-7"), sqlite.dialect())
    assert bound == "0.0000001"


def test_postgresql_has_decimals_of_its_own():
    """They need no help there."""
    value = Decimal("1E-7")
    dialect = postgresql.dialect()
    assert Exact().process_bind_param(value, dialect) is value
    assert Exact().process_result_value(value, dialect) == value


@pytest.mark.parametrize(
    ("dialect", "number", "decimal"),
    [(sqlite.dialect(), "BIGINT", "TEXT"), (postgresql.dialect(), "BIGINT", "NUMERIC")],
)
def test_tables_say_the_same_in_both(dialect, number, decimal):
    """Whole numbers have 64 bits, and no key counts by itself."""
    lines = [
        line.strip().rstrip(",")
        for line in str(CreateTable(TABLE).compile(dialect=dialect)).splitlines()
    ]
    assert "station TEXT NOT NULL" in lines
    assert f"number {number} NOT NULL" in lines
    assert f"at_ms {number}" in lines
    assert f"value {decimal}" in lines
    assert "PRIMARY KEY (station, number)" in lines


def test_columns_say_what_they_hold():
    """For whoever meets them in a database."""
    assert [column.comment for column in TABLE.columns if not column.primary_key] == [
        "when", "what", "how much",
    ]  # fmt: skip
    assert isinstance(TABLE.c.station, Column)
