"""Registries over HTTP: what a gateway answers itself, and how we get on with a real one."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

from deploy.local.kafka import Broker
from deploy.local.ports import HOST
from programs import registry as registries
from programs.settings import KafkaSettings
from schemas import lock, records
from schemas.codec import Codec, UnknownSchemaId
from schemas.subjects import subject, text_of
from tests.end_to_end.bus import registry_client
from tests.end_to_end.gateways import ROOT, Fleet
from tests.registry import Registry
from tests.station import PATIENCE_S

pytestmark = pytest.mark.kafka

PREFIX = "registries."
CONTENT = "application/vnd.schemaregistry.v1+json"
COMMANDS = f"/subjects/{PREFIX}commands-value"
DECISION = {"event_id": "0.1.A", "station": "A", "decided_by": "me", "at": 1}


@pytest.fixture(scope="module")
def admin(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The admin port of a gateway that has no registry but itself."""
    fleet = Fleet(kafka.bootstrap, PREFIX, tmp_path_factory.mktemp("registries"))

    async def started() -> str:
        await fleet.topics()
        return f"http://{HOST}:{(await fleet.start()).admin}"

    try:
        yield asyncio.run(started())
    finally:
        for gateway in fleet.gateways:
            gateway.kill()


def ask(admin: str, path: str, method: str = "GET", body: object = None) -> httpx.Response:
    """A request as curl sends it: any content type is welcome."""
    text = None if body is None else json.dumps(body)
    accepts = {"accept": "*/*"}
    with httpx.Client(trust_env=False, headers=accepts, timeout=PATIENCE_S) as client:
        return client.request(method, admin + path, content=text)


def chargewire(*arguments: str, **environ: str) -> tuple[int, str]:
    """(exit code, all that was printed) of `chargewire schemas`, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "chargewire", "schemas", *arguments],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def newer(topic: str) -> str:
    """A compatible next version of a topic's schema."""
    field = {"name": "mood", "type": ["null", "string"], "default": None}
    schema = records.schema(topic)
    return text_of(schema | {"fields": [*schema["fields"], field]})


def other(topic: str) -> str:
    """Another schema of the same name, which nothing that we write fits."""
    (first, *others) = records.schema(topic)["fields"]
    return text_of(records.schema(topic) | {"fields": [first | {"type": "long"}, *others]})


def test_the_read_side_is_there(admin: str) -> None:
    """Subjects, versions, the latest one and the schema of an id, in Confluent's content type."""
    (row,) = lock.versions()["commands"]
    schema = records.schema("commands")
    version = {"subject": f"{PREFIX}commands-value", "version": 1, "id": row.id}
    names = [f"{PREFIX}{topic}-value" for topic in lock.versions()]
    for path, wanted in (
        ("/subjects", names),
        (f"{COMMANDS}/versions", [1]),
        (f"{COMMANDS}/versions/latest", {**version, "schema": text_of(schema)}),
        (f"{COMMANDS}/versions/1", {**version, "schema": text_of(schema)}),
        (f"{COMMANDS}/versions/latest/schema", schema),
        (f"/schemas/ids/{row.id}?fetchMaxId=false", {"schema": text_of(schema)}),
        (f"/schemas/ids/{row.id}/versions", [{"subject": f"{PREFIX}commands-value", "version": 1}]),
        ("/config", {"compatibilityLevel": "FULL_TRANSITIVE"}),
        ("/mode", {"mode": "READONLY"}),
    ):
        response = ask(admin, path)
        assert (response.status_code, response.json()) == (200, wanted)
        assert response.headers["content-type"] == CONTENT


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("/schemas/ids/1", 40403, "Schema 1 not found"),
        ("/schemas/ids/x", 40403, "Schema x not found"),
        ("/subjects/ocpp.commands-value/versions", 40401, "'ocpp.commands-value' not found"),
        (f"/subjects/{PREFIX}weather-value/versions/latest", 40401, "not found"),
        (f"{COMMANDS}/versions/9", 40402, "Version 9 not found"),
        ("/nothing", 404, "HTTP 404"),
    ],
)
def test_what_is_not_there_is_told_in_confluents_form(
    admin: str, path: str, code: int, words: str
) -> None:
    """Status 404 and a body which clients understand."""
    response = ask(admin, path)
    assert (response.status_code, response.headers["content-type"]) == (404, CONTENT)
    body = response.json()
    assert body.keys() == {"error_code", "message"}
    assert body["error_code"] == code
    assert words in body["message"]


def test_a_head_is_answered_as_its_get(admin: str) -> None:
    """Without the body, as HTTP asks for (RFC 9110, 9.3.2)."""
    for path in ("/subjects", "/schemas/ids/1", "/healthz"):
        head, whole = ask(admin, path, "HEAD"), ask(admin, path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["content-length"] == str(len(whole.content))


def test_nothing_can_be_added(admin: str) -> None:
    """What is published is found and has its id; anything else is refused, and nothing deleted."""
    (row,) = lock.versions()["commands"]
    own = {"schema": text_of(records.schema("commands"))}
    assert ask(admin, COMMANDS, "POST", own).json()["id"] == row.id
    assert ask(admin, f"{COMMANDS}/versions", "POST", own).json() == {"id": row.id}
    response = ask(admin, f"{COMMANDS}/versions", "POST", {"schema": newer("commands")})
    assert (response.status_code, response.json()["error_code"]) == (422, 42205)
    assert ask(admin, COMMANDS, "DELETE").status_code == 405
    assert ask(admin, f"{COMMANDS}/versions").json() == [1]


def test_the_command_works_with_a_gateway_as_registry(admin: str) -> None:
    """`check` and `register` find the ids that were built in; another fleet is not served."""
    where = ("--schema-registry", admin)
    assert chargewire("check", *where, "--prefix", PREFIX)[0] == 0
    code, said = chargewire("register", *where, "--prefix", PREFIX)
    assert code == 0
    ids = dict(line.split() for line in said.splitlines()[1:])
    assert ids == {PREFIX + topic: str(rows[-1].id) for topic, rows in lock.versions().items()}
    code, said = chargewire("check", *where, "--prefix", "other.")
    assert (code, said.count("not registered: other.")) == (1, len(records.RECORDS))
    code, said = chargewire("register", *where, "--prefix", "other.")
    assert code == 1
    assert "is it read-only?" in said


def test_the_command_fills_a_real_registry(registry: Registry, prefix: str) -> None:
    """By the environment alone; registering again changes nothing."""
    environ = {"CHARGEWIRE_SCHEMA_REGISTRY": registry.url, "CHARGEWIRE_PREFIX": prefix}
    code, said = chargewire("check", **environ)
    assert (code, said.count(f"not registered: {prefix}")) == (1, len(records.RECORDS))
    code, said = chargewire("register", **environ)
    assert code == 0
    ids = {topic: int(number) for topic, number in map(str.split, said.splitlines()[1:])}
    with registry_client(registry.url) as client:
        for topic in records.RECORDS:
            found = client.get_latest_version(subject(prefix, topic))
            assert found.schema_id == ids[prefix + topic]
    assert chargewire("register", **environ) == (0, said)
    assert chargewire("check", **environ)[0] == 0
    code, said = chargewire("list", **environ)
    assert code == 0
    assert all(subject(prefix, topic) in said for topic in records.RECORDS)


async def test_a_newer_schema_beside_ours_changes_nothing_for_us(
    registry: Registry, prefix: str
) -> None:
    """A gateway that is older than the registry writes on as before; readers know both schemas."""
    settings = KafkaSettings(schema_registry=registry.url, prefix=prefix)
    ids = await registries.resolve(settings)
    reader = await registries.codec(settings)
    with registry_client(registry.url) as client:
        name = subject(prefix, "decisions")
        newest = client.register_schema(name, Schema(newer("decisions"), "AVRO"))
        data = Codec({"decisions": newest}).encode("decisions", DECISION) + b"\x00"
        read = AvroDeserializer(client)
        context = SerializationContext(prefix + "decisions", MessageField.VALUE)
        assert read(data, context)["mood"] is None
    assert newest not in ids.values()
    assert await registries.resolve(settings) == ids
    assert await registries.missing(settings) == []
    with pytest.raises(UnknownSchemaId):
        reader.decode(data)
    assert await registries.learn(reader, settings, newest)
    for codec in (reader, await registries.codec(settings)):
        assert codec.decode(data)[1]["station"] == "A"
        assert codec.encode("decisions", DECISION)[1:5] == ids["decisions"].to_bytes(4, "big")


def test_the_registry_holds_our_schemas_to_their_promise(registry: Registry, prefix: str) -> None:
    """FULL_TRANSITIVE: a changed type is refused, so the test above has said something."""
    with registry_client(registry.url) as client:
        name = subject(prefix, "decisions")
        client.register_schema(name, Schema(text_of(records.schema("decisions")), "AVRO"))
        with pytest.raises(SchemaRegistryError) as refused:
            client.register_schema(name, Schema(other("decisions"), "AVRO"))
    assert refused.value.http_status_code == 409


async def test_a_gateway_does_not_write_under_a_foreign_schema(
    kafka: Broker, registry: Registry, prefix: str, tmp_path: Path
) -> None:
    """Where a subject is taken by a schema that ours does not fit, the start says so, and ends."""
    with registry_client(registry.url) as client:
        client.register_schema(subject(prefix, "metering"), Schema(other("metering"), "AVRO"))
    async with Fleet(kafka.bootstrap, prefix, tmp_path, schema_registry=registry.url) as fleet:
        await fleet.topics()
        gateway = fleet.launch()
        assert await gateway.ended() == 1
    assert f"{prefix}metering-value" in gateway.said()
    assert "use a new prefix" in gateway.said()


async def test_a_gateway_with_a_registry_serves_no_schemas(
    kafka: Broker, registry: Registry, prefix: str, tmp_path: Path
) -> None:
    """Its admin port says where they are: there is one registry, not two."""
    async with Fleet(kafka.bootstrap, prefix, tmp_path, schema_registry=registry.url) as fleet:
        await fleet.topics()
        gateway = await fleet.start()
        status, said = await gateway.asked("subjects")
    assert status == 404
    assert "CHARGEWIRE_SCHEMA_REGISTRY" in said
