"""Answers the read side of a Confluent schema registry out of the published schemas.

Enough for Confluent's own deserializers and for ClickHouse, where no registry runs. Serializers
that insist on registering first get the id of what is there already; nothing can be added.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from schemas import lock
from schemas.lock import Published

Answer = tuple[int, Any]

_SUFFIX = "-value"
_LEVEL = {"compatibilityLevel": "FULL_TRANSITIVE"}


def subject(prefix: str, topic: str) -> str:
    """The name under which a registry keeps the schema of a topic (TopicNameStrategy)."""
    return f"{prefix}{topic}{_SUFFIX}"


def topic_of(prefix: str, name: str) -> str | None:
    """The topic (without prefix) of a subject; None where it is none of this prefix."""
    if not (name.startswith(prefix) and name.endswith(_SUFFIX)):
        return None
    return name[len(prefix) : -len(_SUFFIX)]


def text_of(schema: Any) -> str:
    """A schema as registries exchange it: compact JSON text."""
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))


def answer(method: str, path: str, prefix: str, body: bytes = b"") -> Answer:
    """(HTTP status, JSON body) of a request to the Confluent API; `path` may have a query.

    The content type is application/vnd.schemaregistry.v1+json. Errors have Confluent's form
    {error_code, message}.
    """
    route = urlsplit(path).path.rstrip("/") or "/"
    known = False
    for verb, pattern, reply in _ROUTES:
        if match := re.fullmatch(pattern, route):
            known = True
            if verb == method:
                return reply(prefix, body, *map(unquote, match.groups()))
    if known:
        return _error(405, "HTTP 405 Method Not Allowed")
    return _error(404, "HTTP 404 Not Found")


def _error(code: int, message: str) -> Answer:
    # Confluent's codes are the HTTP status and two more digits.
    return (code if code < 1000 else code // 100), {"error_code": code, "message": message}


def _rows(prefix: str, name: str) -> tuple[Published, ...]:
    topic = topic_of(prefix, name)
    return lock.versions().get(topic, ()) if topic is not None else ()


def _by_id(number: str) -> Published | None:
    return lock.by_id().get(int(number)) if number.isdecimal() else None


def _version(prefix: str, row: Published) -> Answer:
    return 200, {
        "subject": subject(prefix, row.topic),
        "version": row.number,
        "id": row.id,
        "schema": text_of(lock.schema(row)),
    }


def _schema(_prefix: str, _body: bytes, number: str) -> Answer:
    if row := _by_id(number):
        return 200, {"schema": text_of(lock.schema(row))}
    return _error(40403, f"Schema {number} not found")


def _bare_schema(_prefix: str, _body: bytes, number: str) -> Answer:
    if row := _by_id(number):
        return 200, lock.schema(row)
    return _error(40403, f"Schema {number} not found")


def _users(prefix: str, _body: bytes, number: str) -> Answer:
    if row := _by_id(number):
        return 200, [{"subject": subject(prefix, row.topic), "version": row.number}]
    return _error(40403, f"Schema {number} not found")


def _subjects(prefix: str, _body: bytes) -> Answer:
    return 200, [subject(prefix, topic) for topic in lock.versions()]


def _numbers(prefix: str, _body: bytes, name: str) -> Answer:
    if rows := _rows(prefix, name):
        return 200, [row.number for row in rows]
    return _error(40401, f"Subject '{name}' not found.")


def _one_version(prefix: str, _body: bytes, name: str, number: str) -> Answer:
    rows = _rows(prefix, name)
    if not rows:
        return _error(40401, f"Subject '{name}' not found.")
    for row in rows:
        if number == str(row.number) or (number in ("latest", "-1") and row is rows[-1]):
            return _version(prefix, row)
    return _error(40402, f"Version {number} not found.")


def _bare_version(prefix: str, body: bytes, name: str, number: str) -> Answer:
    status, found = _one_version(prefix, body, name, number)
    return status, json.loads(found["schema"]) if status == 200 else found


def _find(prefix: str, body: bytes, name: str) -> Answer:
    rows = _rows(prefix, name)
    if not rows:
        return _error(40401, f"Subject '{name}' not found.")
    try:
        wanted = lock.fingerprint(json.loads(json.loads(body)["schema"]))
    except (ValueError, LookupError, TypeError):
        return _error(42201, 'Invalid schema: the body must be {"schema": "<Avro as JSON text>"}')
    for row in reversed(rows):
        if row.fingerprint == wanted:
            return _version(prefix, row)
    return _error(40403, "Schema not found")


def _register(prefix: str, body: bytes, name: str) -> Answer:
    status, found = _find(prefix, body, name)
    if status == 200:
        return 200, {"id": found["id"]}
    if found["error_code"] == 42201:
        return status, found
    return _error(42205, f"Subject {name} is in read-only mode")


_SUBJECT = "/subjects/([^/]+)"
_ID = "/schemas/ids/([^/]+)"
_ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", "/", lambda _prefix, _body: (200, {})),
    ("GET", "/schemas/types", lambda _prefix, _body: (200, ["AVRO"])),
    ("GET", _ID, _schema),
    ("GET", f"{_ID}/schema", _bare_schema),
    ("GET", f"{_ID}/versions", _users),
    ("GET", "/subjects", _subjects),
    ("GET", f"{_SUBJECT}/versions", _numbers),
    ("GET", f"{_SUBJECT}/versions/([^/]+)", _one_version),
    ("GET", f"{_SUBJECT}/versions/([^/]+)/schema", _bare_version),
    ("POST", _SUBJECT, _find),
    ("POST", f"{_SUBJECT}/versions", _register),
    ("GET", "/config(?:/[^/]+)?", lambda _prefix, _body: (200, _LEVEL)),
    ("GET", "/mode(?:/[^/]+)?", lambda _prefix, _body: (200, {"mode": "READONLY"})),
)
