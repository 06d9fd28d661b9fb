import pytest

from schemas import records
from schemas.catalogue import BLOCKS
from schemas.event_docs import document
from schemas.topics import TOPICS

PAGE = document({topic: records.schema(topic) for topic in records.TABLES})


@pytest.mark.parametrize("topic", [*TOPICS, *records.TABLES])
def test_every_topic_is_in_the_table(topic: str) -> None:
    """One line tells its key, who writes it and how long it is kept."""
    part = PAGE.split("\n## Topics\n")[1].split("\n## ")[0]
    (line,) = [line for line in part.splitlines() if line.startswith(f"| `{topic}` |")]
    assert line.count("|") == 6


@pytest.mark.parametrize("block", BLOCKS)
def test_every_kind_of_frame_is_listed(block: str) -> None:
    """A reader finds which field of which topic holds a frame, and what it has in it."""
    for name in records.frame_fields(block)[:-1]:
        assert PAGE.count(f"- `{name}`: ") == 1


@pytest.mark.parametrize("topic", [t for t in records.RECORDS if t not in BLOCKS])
def test_every_field_of_the_small_records_is_explained(topic: str) -> None:
    """Name, type and doc of each field stand in the record's own table."""
    part = PAGE.split(f"\n## {topic}: ")[1].split("\n## ")[0]
    for field in records.schema(topic)["fields"]:
        assert f"| `{field['name']}` | " in part
        assert field["doc"].replace("|", "\\|") in part


def test_types_are_short() -> None:
    """Optional fields and times are told in one word each."""
    assert "| `decision_by` | time? |" in PAGE
    assert "| `deviations` | array of string = [] |" in PAGE
    assert "| `v16_" not in PAGE


def test_a_writer_sees_what_may_be_left_out() -> None:
    """A Command without them is one that fails at once, for the first time."""
    assert '| `when_offline` | string = "fail" |' in PAGE
    assert "| `attempt` | long = 1 |" in PAGE
