"""The columns of ClickHouse's tables are those of the records."""

import pytest

from deploy.clickhouse.columns import FILES, column_type, written


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_files_are_up_to_date(path):
    """`make dashboards` writes them."""
    script = path.read_text()
    assert script == written(script)
    assert "Tuple(" in script


@pytest.mark.parametrize(
    ("avro", "expected"),
    [
        ("string", "String"),
        (["null", "long"], "Nullable(Int64)"),
        ({"type": "long", "logicalType": "timestamp-millis"}, "DateTime64(3, 'UTC')"),
        (["null", {"type": "array", "items": "string"}], "Array(String)"),
        (
            ["null", {"type": "record", "name": "A", "fields": [{"name": "x", "type": "boolean"}]}],
            "Tuple(x Bool)",
        ),
    ],
)
def test_types(avro, expected):
    """Records and lists are never null in ClickHouse: they are empty."""
    assert column_type(avro) == expected


def test_records_are_referred_to_by_name():
    """In the namespace of the record around them."""
    inner = {"type": "record", "name": "B", "fields": [{"name": "x", "type": "double"}]}
    assert column_type(["null", "n.B"], {"n.B": inner}) == "Tuple(x Float64)"


def test_columns_that_are_written():
    """Between two lines of a script; the rest stays."""
    script = (
        "a\n    -- columns of metering: station v16_meter_values_response\nold\n    -- end\nb\n"
    )
    assert written(script) == (
        "a\n    -- columns of metering: station v16_meter_values_response\n"
        "    station String,\n    v16_meter_values_response Tuple(extra Nullable(String))\n"
        "    -- end\nb\n"
    )


def test_a_field_that_no_record_has():
    """Is not written as a column that would never be filled."""
    with pytest.raises(KeyError):
        written("    -- columns of metering: statoin\n    -- end\n")
