"""Says what the files of the Avro schemas are to hold; `make schemas` writes them.

A schema whose content has changed becomes a new version with an id of its own, and the version
before moves to avro/history. A change that readers or writers in the field could not live with is
refused.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas import lock
from schemas.compatibility import violations
from schemas.lock import Published, Schema


class Incompatible(Exception):  # noqa: N818 - what the schemas are found to be
    """Schemas that must not follow what was published: `problems` says why, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def files(directory: Path, schemas: Mapping[str, Schema]) -> dict[Path, str]:
    """What every file is to hold, given what was published in `directory` before.

    `schemas` are those of all topics, by name without prefix, as they are to be from now on.

    Raises Incompatible; ValueError where published files were changed by hand.
    """
    before = lock.read(directory)
    next_id = max((row.id for rows in before.values() for row in rows), default=lock.FIRST_ID - 1)
    after = dict(before)
    found: dict[Path, str] = {}
    problems: list[str] = []
    for topic, schema in schemas.items():
        rows = before.get(topic, ())
        found[directory / f"{topic}.avsc"] = formatted(schema) + "\n"
        digest = lock.fingerprint(schema)
        if rows and rows[-1].fingerprint == digest:
            continue
        next_id += 1
        after[topic] = (*rows, Published(topic, len(rows) + 1, next_id, digest))
        old = [lock.load(directory, row, newest=row is rows[-1]) for row in rows]
        problems += [f"{topic}: {text}" for text in violations(schema, old)]
        if rows:
            found[directory / lock.history_name(rows[-1])] = formatted(old[-1]) + "\n"
    if problems:
        raise Incompatible(problems)
    found[directory / "ids.json"] = formatted(_ids(after)) + "\n"
    return found


def _ids(versions: dict[str, tuple[Published, ...]]) -> dict[str, Any]:
    return {
        topic: [{"id": row.id, "sha256": row.fingerprint} for row in rows]
        for topic, rows in versions.items()
    }


def formatted(value: Any, indent: str = "") -> str:
    """JSON text where what fits into 100 columns is one line: one line for most fields."""
    text = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(text) <= 100 or not isinstance(value, list | dict):
        return text
    opening, closing = "[]" if isinstance(value, list) else "{}"
    inner = indent + " "
    lines = ",\n".join(_items(value, inner))
    return f"{opening}\n{lines}\n{indent}{closing}"


def _items(value: list[Any] | dict[str, Any], indent: str) -> Iterator[str]:
    if isinstance(value, list):
        yield from (indent + formatted(item, indent) for item in value)
    else:
        for key, item in value.items():
            yield f"{indent}{json.dumps(key)}: {formatted(item, indent)}"


def stale(wanted: dict[Path, str]) -> list[Path]:
    """The files that do not hold what they are to hold."""
    return [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
