"""Every version of every schema that was ever published, with the id that it has for good.

The files lie in avro/: `<topic>.avsc` is the newest version, `history/<topic>.<number>.avsc` an
older one, and `ids.json` lists for each topic the ids and fingerprints of its versions from the
first on. They are written by `generate` and never changed afterwards.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

DIRECTORY = Path(__file__).parent / "avro"
# Far above what a registry hands out, so that an id of ours is never one of theirs.
FIRST_ID = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Published:
    """One version of a topic's schema; `number` counts from 1, `fingerprint` is of its content."""

    topic: str
    number: int
    id: int
    fingerprint: str


def fingerprint(schema: Any) -> str:
    """SHA-256 (hex) of all that a schema means; other words in a `doc` make no new version."""
    text = json.dumps(_without_docs(schema), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _without_docs(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_docs(branch) for branch in schema]
    if not isinstance(schema, Mapping):
        return schema
    # A `doc` that is text is a description; fields stand in a list, so none can be mistaken for it.
    return {key: _without_docs(value) for key, value in schema.items() if key != "doc"}


def read(directory: Path) -> dict[str, tuple[Published, ...]]:
    """The versions by topic (name without prefix), oldest first; empty where nothing is there."""
    path = directory / "ids.json"
    if not path.exists():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {
        topic: tuple(
            Published(topic, number, entry["id"], entry["sha256"])
            for number, entry in enumerate(entries, 1)
        )
        for topic, entries in rows.items()
    }


@cache
def versions() -> Mapping[str, tuple[Published, ...]]:
    """The versions that came with this package, by topic, oldest first."""
    return read(DIRECTORY)


@cache
def by_id() -> Mapping[int, Published]:
    """Schema id -> the version that has it."""
    return {row.id: row for rows in versions().values() for row in rows}


@cache
def schema(published: Published) -> Schema:
    """The schema of a version; shared, so not to be changed."""
    return load(DIRECTORY, published, newest=versions()[published.topic][-1] == published)


def load(directory: Path, published: Published, *, newest: bool) -> Schema:
    """Read a version's file. FileNotFoundError or ValueError: the directory is damaged."""
    name = f"{published.topic}.avsc" if newest else history_name(published)
    found: Schema = json.loads((directory / name).read_text(encoding="utf-8"))
    if fingerprint(found) != published.fingerprint:
        raise ValueError(f"{name} is not what ids.json says: it was changed by hand")
    return found


def history_name(published: Published) -> str:
    """Where an older version lies, below the directory."""
    return f"history/{published.topic}.{published.number}.avsc"
