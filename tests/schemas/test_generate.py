import copy
import json
from pathlib import Path
from typing import Any

import pytest

from schemas import lock, records
from schemas.generate import Incompatible, files, formatted, stale

Schemas = dict[str, Any]


@pytest.fixture
def schemas() -> Schemas:
    """Those of all topics, to be changed at will."""
    return copy.deepcopy({topic: records.schema(topic) for topic in records.RECORDS})


@pytest.fixture
def published(tmp_path: Path, schemas: Schemas) -> Path:
    """A directory with the first version of everything."""
    write(files(tmp_path, schemas))
    return tmp_path


@pytest.fixture
def commands(schemas: Schemas) -> Schemas:
    """The schema of commands."""
    found: Schemas = schemas["commands"]
    return found


def write(found: dict[Path, str]) -> None:
    for path, text in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_generating_again_changes_nothing(published: Path, schemas: Schemas) -> None:
    """The same schemas get the same files and the same ids."""
    assert stale(files(published, schemas)) == []


def test_a_new_field_is_a_new_version_and_the_old_one_is_kept(
    published: Path, schemas: Schemas, commands: Schemas
) -> None:
    """The next free id goes to the new version; the text of the one before moves to history."""
    before = lock.read(published)
    commands["fields"].append({"name": "mood", "type": ["null", "string"], "default": None})
    write(files(published, schemas))
    after = lock.read(published)
    old, new = after.pop("commands")
    assert (old,) == before.pop("commands")
    assert new.number == 2
    assert new.id == 1_000_000_000 + len(records.RECORDS)
    assert after == before
    assert "mood" not in str(lock.load(published, old, newest=False))
    assert "mood" in str(lock.load(published, new, newest=True))
    assert stale(files(published, schemas)) == []


def test_other_words_get_no_id(published: Path, schemas: Schemas, commands: Schemas) -> None:
    """A better doc is written out, and the version stays what it is."""
    commands["doc"] = "Other words."
    found = files(published, schemas)
    assert stale(found) == [published / "commands.avsc"]


@pytest.mark.parametrize("change", ["removed", "renamed", "retyped"])
def test_a_change_that_breaks_somebody_is_refused(
    published: Path, schemas: Schemas, commands: Schemas, change: str
) -> None:
    """Nothing is written, and the topic and the field are named."""
    match change:
        case "removed":
            commands["fields"].pop()
        case "renamed":
            commands["fields"][-1]["name"] = "asked_by"
        case "retyped":
            commands["fields"][-1]["type"] = ["null", "long"]
    with pytest.raises(Incompatible, match=r"commands: .*requested_by"):
        files(published, schemas)


def test_every_id_that_was_given_stays(published: Path, schemas: Schemas) -> None:
    """Also that of a topic which is no longer written."""
    path = published / "ids.json"
    ids = json.loads(path.read_text()) | {"gone": [{"id": 2_000_000_000, "sha256": "x"}]}
    path.write_text(json.dumps(ids))
    assert json.loads(files(published, schemas)[path]) == ids


def test_generated_json_is_json_of_readable_lines() -> None:
    """What fits stands on one line; what does not is broken up, and means the same."""
    schema = records.schema("security")
    text = formatted(schema)
    assert json.loads(text) == schema
    assert formatted({"a": [1, {"b": None}]}) == '{"a": [1, {"b": null}]}'
    assert text.count("\n") > 100
