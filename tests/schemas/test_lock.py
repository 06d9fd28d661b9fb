import copy
import json
from pathlib import Path

import pytest

from schemas import lock, records
from schemas.lock import Published


def test_every_topic_is_published_as_it_is_written_today() -> None:
    """Records go out with the id of exactly their schema."""
    for topic in records.RECORDS:
        newest = lock.versions()[topic][-1]
        assert newest.fingerprint == lock.fingerprint(records.schema(topic)), "run `make schemas`"


def test_ids_are_unique_and_out_of_the_way_of_registries() -> None:
    """One id means one schema for ever, and registries count from one."""
    rows = [row for rows in lock.versions().values() for row in rows]
    assert len({row.id for row in rows}) == len(rows) == len(lock.by_id())
    assert min(row.id for row in rows) >= 1_000_000_000


def test_every_version_is_kept() -> None:
    """The text of each version can be had, numbered from the first on."""
    for topic, rows in lock.versions().items():
        assert [row.number for row in rows] == list(range(1, len(rows) + 1))
        for row in rows:
            assert row.topic == topic
            assert lock.fingerprint(lock.schema(row)) == row.fingerprint


def test_other_words_are_no_other_schema() -> None:
    """A doc may be corrected without a new id; a default may not."""
    schema = records.schema("commands")
    reworded, altered = copy.deepcopy(schema), copy.deepcopy(schema)
    reworded["doc"] = reworded["fields"][0]["doc"] = "Other words."
    altered["fields"][6]["default"] = 2
    assert lock.fingerprint(reworded) == lock.fingerprint(schema)
    assert lock.fingerprint(altered) != lock.fingerprint(schema)


def test_a_file_that_was_changed_by_hand_is_not_believed(tmp_path: Path) -> None:
    """The fingerprint is checked whenever a version is read."""
    schema = records.schema("commands")
    row = Published("commands", 1, 7, lock.fingerprint(schema))
    path = tmp_path / "commands.avsc"
    path.write_text(json.dumps(schema))
    assert lock.load(tmp_path, row, newest=True) == schema
    path.write_text(json.dumps(schema).replace('"attempt"', '"tries"'))
    with pytest.raises(ValueError, match=r"commands\.avsc .* by hand"):
        lock.load(tmp_path, row, newest=True)


def test_a_directory_without_ids_has_no_versions(tmp_path: Path) -> None:
    """The very first generation starts from nothing."""
    assert lock.read(tmp_path) == {}
