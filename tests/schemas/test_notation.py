import pytest

from schemas.notation import record


def test_a_record_is_read_with_all_its_kinds_of_field() -> None:
    """Required, optional, defaulted and list fields become the Avro that they stand for."""
    text = """\
Name
What it is,
and more.

  id         string      The id,
                         on two lines.
  at         time?       When.
  names      string[] = []  Names.
  count      long = 1    How many.
"""
    assert record(text, "space") == {
        "type": "record",
        "name": "Name",
        "namespace": "space",
        "doc": "What it is, and more.",
        "fields": [
            {"name": "id", "type": "string", "doc": "The id, on two lines."},
            {
                "name": "at",
                "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}],
                "doc": "When.",
                "default": None,
            },
            {
                "name": "names",
                "type": {"type": "array", "items": "string"},
                "doc": "Names.",
                "default": [],
            },
            {"name": "count", "type": "long", "doc": "How many.", "default": 1},
        ],
    }


@pytest.mark.parametrize(
    "line",
    ["  id  text  Unknown type.", "  id  string? = 5  Both.", "  id  string", "   id  long  Doc."],
)
def test_a_line_that_is_not_understood_stops_the_build(line: str) -> None:
    """A slip of the pen is named with its line."""
    with pytest.raises(ValueError, match="no field"):
        record(f"Name\nDoc.\n\n{line}", "space")
