import json
from typing import Any

import pytest

from schemas import lock, records, subjects

IDS = {topic: rows[-1].id for topic, rows in lock.versions().items()}


def ask(path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    data = b"" if body is None else json.dumps(body).encode()
    return subjects.answer(method, path, "ocpp.", data)


def test_a_deserializer_finds_the_schema_of_an_id() -> None:
    """GET /schemas/ids/{id} gives the schema as text, with or without a query."""
    for topic, number in IDS.items():
        status, found = ask(f"/schemas/ids/{number}?fetchMaxId=false&subject=x")
        assert status == 200
        assert json.loads(found["schema"]) == records.schema(topic)


def test_an_id_leads_to_its_subject() -> None:
    """GET /schemas/ids/{id}/versions names subject and version, with this fleet's prefix."""
    assert ask(f"/schemas/ids/{IDS['commands']}/versions") == (
        200,
        [{"subject": "ocpp.commands-value", "version": len(lock.versions()["commands"])}],
    )


def test_every_topic_is_a_subject() -> None:
    """GET /subjects lists them all by the topic's full name."""
    assert ask("/subjects") == (200, [f"ocpp.{topic}-value" for topic in lock.versions()])


@pytest.mark.parametrize("version", ["latest", "-1", str(len(lock.versions()["commands"]))])
def test_the_latest_version_of_a_subject(version: str) -> None:
    """By number, as `latest` and as -1; the subject may be percent-encoded."""
    status, found = ask(f"/subjects/ocpp%2Ecommands-value/versions/{version}")
    assert status == 200
    assert json.loads(found.pop("schema")) == records.schema("commands")
    assert found == {
        "subject": "ocpp.commands-value",
        "version": len(lock.versions()["commands"]),
        "id": IDS["commands"],
    }


def test_bare_schemas() -> None:
    """The two paths that end in /schema give the schema itself."""
    wanted = (200, records.schema("commands"))
    assert ask(f"/schemas/ids/{IDS['commands']}/schema") == wanted
    assert ask("/subjects/ocpp.commands-value/versions/latest/schema") == wanted


def test_versions_are_listed() -> None:
    """GET /subjects/{s}/versions gives the numbers from 1."""
    count = len(lock.versions()["commands"])
    assert ask("/subjects/ocpp.commands-value/versions") == (200, list(range(1, count + 1)))


def test_a_schema_is_looked_up() -> None:
    """POST /subjects/{s} finds the version of a schema, however its JSON is written."""
    text = json.dumps(records.schema("commands"), indent=4, sort_keys=True)
    status, found = ask("/subjects/ocpp.commands-value", "POST", {"schema": text})
    assert (status, found["id"]) == (200, IDS["commands"])


def test_registering_what_is_there_gives_its_id() -> None:
    """A serializer that always registers first works with the schemas that are published."""
    body = {"schema": json.dumps(records.schema("commands"))}
    path = "/subjects/ocpp.commands-value/versions"
    assert ask(path, "POST", body) == (200, {"id": IDS["commands"]})


@pytest.mark.parametrize(
    ("path", "method", "body", "status", "code"),
    [
        ("/schemas/ids/1", "GET", None, 404, 40403),
        ("/schemas/ids/x", "GET", None, 404, 40403),
        ("/schemas/ids/1/versions", "GET", None, 404, 40403),
        ("/schemas/ids/1/schema", "GET", None, 404, 40403),
        ("/subjects/ocpp.weather-value/versions", "GET", None, 404, 40401),
        ("/subjects/other.commands-value/versions/latest", "GET", None, 404, 40401),
        ("/subjects/ocpp.commands-key/versions/latest", "GET", None, 404, 40401),
        ("/subjects/ocpp.commands-value/versions/99", "GET", None, 404, 40402),
        ("/subjects/ocpp.commands-value/versions/x/schema", "GET", None, 404, 40402),
        ("/subjects/ocpp.weather-value", "POST", {"schema": '"string"'}, 404, 40401),
        ("/subjects/ocpp.commands-value", "POST", {"schema": '"string"'}, 404, 40403),
        ("/subjects/ocpp.commands-value", "POST", {"schema": "{"}, 422, 42201),
        ("/subjects/ocpp.commands-value", "POST", None, 422, 42201),
        ("/subjects/ocpp.commands-value", "POST", [], 422, 42201),
        ("/subjects/ocpp.commands-value/versions", "POST", {"schema": '"string"'}, 422, 42205),
        ("/subjects/ocpp.weather-value/versions", "POST", {"schema": '"string"'}, 422, 42205),
        ("/subjects/ocpp.commands-value/versions", "POST", {}, 422, 42201),
        ("/nothing", "GET", None, 404, 404),
        ("/subjects/a/b/c/d", "GET", None, 404, 404),
        ("/subjects", "DELETE", None, 405, 405),
        ("/config", "PUT", {}, 405, 405),
    ],
)
def test_errors_have_confluents_form(
    path: str, method: str, body: Any, status: int, code: int
) -> None:
    """Clients tell an unknown subject, version and schema apart by error_code."""
    found, answer = ask(path, method, body)
    assert (found, answer["error_code"]) == (status, code)
    assert answer["message"]


def test_settings_say_that_nothing_can_be_added() -> None:
    """Compatibility and mode are what they are; also by subject."""
    assert ask("/config") == ask("/config/x") == (200, {"compatibilityLevel": "FULL_TRANSITIVE"})
    assert ask("/mode") == ask("/mode/x") == (200, {"mode": "READONLY"})
    assert ask("/schemas/types") == (200, ["AVRO"])
    assert ask("/") == (200, {})


def test_a_subject_and_its_topic() -> None:
    """The names of subjects follow the topics' and back again."""
    assert subjects.subject("ocpp.", "commands") == "ocpp.commands-value"
    assert subjects.topic_of("ocpp.", "ocpp.commands-value") == "commands"
    assert subjects.topic_of("ocpp.", "fleet.commands-value") is None
