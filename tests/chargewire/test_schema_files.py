import pytest
from click.testing import CliRunner
from sqlalchemy import Column, MetaData, Table, Text

from chargewire import schema_files
from consumers.tables import schemas as table_schemas
from consumers.tables.columns import station, words
from schemas import generate, lock, records


def test_what_is_checked_in_is_up_to_date() -> None:
    """`make schemas` would write nothing: not for topics, nor for tables, nor for the page."""
    assert generate.stale(schema_files.wanted()) == []


def test_every_public_table_is_a_topic_that_programs_know() -> None:
    """What is read at run time is what the tables are declared as."""
    assert set(schema_files.tables()) == set(records.TABLES)
    for topic, schema in schema_files.tables().items():
        assert records.schema(topic) == schema
        assert lock.versions()[topic][-1].fingerprint == lock.fingerprint(schema)


def test_a_table_that_lost_a_column_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written; table and column are named."""
    less = Table("connectors", MetaData(), station(), words("status", "how"), comment="Less.")
    found = schema_files.tables() | {"tables.connectors": table_schemas.schema(less, "stations")}
    monkeypatch.setattr(schema_files, "tables", lambda: found)
    done = CliRunner().invoke(schema_files.main)
    assert done.exit_code == 1
    assert "tables.connectors" in done.output
    assert "operative" in done.output


def test_what_is_out_of_date_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--check` writes nothing, names the files and fails."""
    new = Table("news", MetaData(), station(), Column("said", Text, comment="it"), comment="New.")
    found = schema_files.tables() | {"tables.news": table_schemas.schema(new, "stations")}
    monkeypatch.setattr(schema_files, "tables", lambda: found)
    done = CliRunner().invoke(schema_files.main, ["--check"])
    assert done.exit_code == 1
    assert "out of date: schemas/avro/tables.news.avsc" in done.output
    assert not (lock.DIRECTORY / "tables.news.avsc").exists()
