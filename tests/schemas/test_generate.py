import copy
import json
from pathlib import Path
from typing import Any

import pytest

from schemas import lock, records
from schemas.event_docs import document
from schemas.generate import ROOT, Incompatible, files, formatted, stale


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A directory with the first version of everything."""
    write(files(tmp_path))
    return tmp_path


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The schema of commands, to be changed at will."""
    changed, true = copy.deepcopy(records.schema("commands")), records.schema
    monkeypatch.setattr(records, "schema", lambda t: changed if t == "commands" else true(t))
    return changed


def write(found: dict[Path, str]) -> None:
    for path, text in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_what_is_checked_in_is_up_to_date() -> None:
    """`make schemas` would write nothing."""
    wanted = files(lock.DIRECTORY) | {ROOT / "docs" / "events.md": document()}
    assert stale(wanted) == []


def test_generating_again_changes_nothing(published: Path) -> None:
    """The same schemas get the same files and the same ids."""
    assert stale(files(published)) == []


def test_a_new_field_is_a_new_version_and_the_old_one_is_kept(
    published: Path, commands: dict[str, Any]
) -> None:
    """The next free id goes to the new version; the text of the one before moves to history."""
    before = lock.read(published)
    commands["fields"].append({"name": "mood", "type": ["null", "string"], "default": None})
    write(files(published))
    after = lock.read(published)
    old, new = after.pop("commands")
    assert (old,) == before.pop("commands")
    assert new.number == 2
    assert new.id == 1_000_000_000 + len(records.RECORDS)
    assert after == before
    assert "mood" not in str(lock.load(published, old, newest=False))
    assert "mood" in str(lock.load(published, new, newest=True))
    assert stale(files(published)) == []


def test_other_words_get_no_id(published: Path, commands: dict[str, Any]) -> None:
    """A better doc is written out, and the version stays what it is."""
    commands["doc"] = "Other words."
    found = files(published)
    assert stale(found) == [published / "commands.avsc"]


@pytest.mark.parametrize("change", ["removed", "renamed", "retyped"])
def test_a_change_that_breaks_somebody_is_refused(
    published: Path, commands: dict[str, Any], change: str
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
        files(published)


def test_every_id_that_was_given_stays(published: Path) -> None:
    """Also that of a topic which is no longer written."""
    path = published / "ids.json"
    ids = json.loads(path.read_text()) | {"gone": [{"id": 2_000_000_000, "sha256": "x"}]}
    path.write_text(json.dumps(ids))
    assert json.loads(files(published)[path]) == ids


def test_generated_json_is_json_of_readable_lines() -> None:
    """What fits stands on one line; what does not is broken up, and means the same."""
    schema = records.schema("security")
    text = formatted(schema)
    assert json.loads(text) == schema
    assert formatted({"a": [1, {"b": None}]}) == '{"a": [1, {"b": null}]}'
    assert text.count("\n") > 100
