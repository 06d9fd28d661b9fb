import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from programs import registry
from programs.settings import KafkaSettings
from schemas import lock, records, subjects
from schemas.codec import Codec, UnknownSchemaId

URL = "http://registry.test/apis/ccompat/v7"
SETTINGS = KafkaSettings(schema_registry=URL, prefix="fleet.")
DECISION = {"event_id": "7-A-3", "station": "A", "decided_by": "tests", "at": 5}


class Registry(httpx.AsyncBaseTransport):
    """A registry in memory: what it holds by subject, and every request that was made."""

    def __init__(self) -> None:
        self.subjects: dict[str, list[tuple[int, str]]] = {}
        self.requests: list[httpx.Request] = []
        self.trouble: list[Callable[[httpx.Request], httpx.Response]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.trouble:
            return self.trouble.pop(0)(request)
        path = request.url.path.removeprefix("/apis/ccompat/v7/").split("/")
        status, found = self.answer(request.method, path, request.content)
        return httpx.Response(status, json=found)

    def answer(self, method: str, path: list[str], content: bytes) -> tuple[int, Any]:
        match method, *path:
            case "POST", "subjects", name:
                return self.find(name, json.loads(content)["schema"])
            case "POST", "subjects", name, "versions":
                return 200, {"id": self.add(name, json.loads(content)["schema"])}
            case "GET", "subjects", name, "versions" if name in self.subjects:
                return 200, list(range(1, len(self.subjects[name]) + 1))
            case "GET", "subjects", name, "versions", number:
                found = self.subjects[name][int(number) - 1]
                return 200, {"subject": name, "id": found[0], "schema": found[1]}
            case "GET", "schemas", "ids", number, *rest:
                return self.by_id(int(number), bare=not rest)
        return 404, {"error_code": 40401, "message": "Subject not found"}

    def by_id(self, number: int, *, bare: bool) -> tuple[int, Any]:
        for name, versions in self.subjects.items():
            if number in dict(versions):
                return 200, {"schema": dict(versions)[number]} if bare else [{"subject": name}]
        return 404, {"error_code": 40403, "message": "Schema not found"}

    def find(self, name: str, text: str) -> tuple[int, Any]:
        if name not in self.subjects:
            return 404, {"error_code": 40401, "message": "Subject not found"}
        for schema_id, known in self.subjects[name]:
            if known == text:
                return 200, {"id": schema_id}
        return 404, {"error_code": 40403, "message": "Schema not found"}

    def add(self, name: str, text: str) -> int:
        versions = self.subjects.setdefault(name, [])
        for schema_id, known in versions:
            if known == text:
                return schema_id
        versions.append((1 + sum(map(len, self.subjects.values())), text))
        return versions[-1][0]


@pytest.fixture
def remote() -> Registry:
    return Registry()


def newer(topic: str) -> str:
    schema = copy.deepcopy(records.schema(topic))
    schema["fields"].append({"name": "mood", "type": ["null", "string"], "default": None})
    return subjects.text_of(schema)


async def test_without_a_registry_ids_come_from_the_lock() -> None:
    """The committed ids are taken, and no connection is made."""
    ids = await registry.resolve(KafkaSettings())
    assert ids == {topic: rows[-1].id for topic, rows in lock.versions().items()}
    codec = await registry.codec(KafkaSettings())
    assert codec.decode(Codec(ids).encode("decisions", DECISION))[0] == "decisions"


async def test_schemas_are_registered_under_the_fleets_subjects(remote: Registry) -> None:
    """Each topic's schema is registered once; a second start finds the same ids."""
    ids = await registry.resolve(SETTINGS, transport=remote)
    assert remote.subjects.keys() == {f"fleet.{topic}-value" for topic in records.RECORDS}
    assert ids.keys() == set(records.RECORDS)
    assert await registry.resolve(SETTINGS, transport=remote) == ids
    assert all(len(versions) == 1 for versions in remote.subjects.values())
    assert all(str(request.url).startswith(f"{URL}/subjects/") for request in remote.requests)


async def test_a_reader_registers_nothing(remote: Registry) -> None:
    """A program that only reads may have a user that may only read; it knows what is there."""
    await registry.codec(SETTINGS, transport=remote)
    assert remote.subjects == {}
    ids = await registry.resolve(SETTINGS, transport=remote)
    codec = await registry.codec(SETTINGS, transport=remote)
    data = Codec(ids).encode("decisions", DECISION)
    assert codec.encode("decisions", DECISION) == data
    assert codec.decode(data)[0] == "decisions"


async def test_what_a_registry_lacks_is_told(remote: Registry) -> None:
    """An operator may ask before a gateway is rolled out, and nothing is written by asking."""
    assert await registry.missing(SETTINGS, transport=remote) == list(records.RECORDS)
    assert remote.subjects == {}
    await registry.resolve(SETTINGS, transport=remote)
    remote.subjects["fleet.decisions-value"] = [(99, newer("decisions"))]
    assert await registry.missing(SETTINGS, transport=remote) == ["decisions"]


async def test_versions_that_others_registered_are_read(remote: Registry) -> None:
    """A program that is started while a newer one writes knows the newer schema already."""
    schema_id = remote.add("fleet.decisions-value", newer("decisions"))
    codec = await registry.codec(SETTINGS, transport=remote)
    written = Codec({"decisions": schema_id}).encode("decisions", DECISION) + b"\x00"
    assert codec.decode(written)[1]["station"] == "A"


async def test_an_id_that_is_met_later_is_learned(remote: Registry) -> None:
    """A running reader that meets an unknown id asks once, and reads on."""
    codec = await registry.codec(SETTINGS, transport=remote)
    schema_id = remote.add("fleet.decisions-value", newer("decisions"))
    written = Codec({"decisions": schema_id}).encode("decisions", DECISION) + b"\x00"
    with pytest.raises(UnknownSchemaId):
        codec.decode(written)
    assert await registry.learn(codec, SETTINGS, schema_id, transport=remote)
    assert codec.decode(written)[1]["station"] == "A"


async def test_an_id_that_nobody_knows_or_of_another_fleet_is_not_learned(remote: Registry) -> None:
    """The reader waits: the schema may yet appear."""
    codec = await registry.codec(SETTINGS, transport=remote)
    foreign = remote.add("other.decisions-value", newer("decisions"))
    assert not await registry.learn(codec, SETTINGS, 77, transport=remote)
    assert not await registry.learn(codec, SETTINGS, foreign, transport=remote)
    assert not await registry.learn(codec, KafkaSettings(), 77)


async def test_a_registry_that_is_slow_to_start_is_asked_again(remote: Registry) -> None:
    """Connections refused and errors of its own are passed over a few times."""

    def refused(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    remote.trouble = [refused, lambda _: httpx.Response(503), refused]
    ids = await registry.resolve(SETTINGS, pause_s=0, transport=remote)
    assert ids.keys() == set(records.RECORDS)


async def test_a_registry_that_never_answers_ends_the_start(remote: Registry) -> None:
    """The attempts are bounded; the text says where, and what may be done."""
    remote.trouble = [lambda _: httpx.Response(500)] * 100
    with pytest.raises(registry.RegistryError, match=r"registry\.test.*HTTP 500.*unset") as raised:
        await registry.resolve(SETTINGS, pause_s=0, transport=remote)
    assert len(remote.requests) == registry.ATTEMPTS
    assert "CHARGEWIRE_SCHEMA_REGISTRY" in str(raised.value)


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "name and password"), (403, "schemas register"), (404, "ccompat"), (409, "new prefix")],
)
async def test_a_refusal_says_what_to_do(remote: Registry, status: int, hint: str) -> None:
    """It is told at once, with the URL, the registry's own words and a way out."""
    body = {"error_code": status, "message": "own words"}
    remote.trouble = [lambda _: httpx.Response(status, json=body)]
    with pytest.raises(registry.RegistryError, match=f"{status} own words; .*{hint}"):
        await registry.resolve(SETTINGS, transport=remote)
    assert len(remote.requests) == 1


async def test_what_is_no_registry_is_told(remote: Registry) -> None:
    """A web page in place of JSON is an error with its beginning, not a crash."""
    remote.trouble = [lambda _: httpx.Response(200, text="<html>welcome</html>")]
    with pytest.raises(registry.RegistryError, match="<html>welcome"):
        await registry.resolve(SETTINGS, transport=remote)


async def test_the_password_in_the_url_is_sent_and_never_shown(remote: Registry) -> None:
    """Name and password go into the Authorization header, and into no error text."""
    settings = KafkaSettings(schema_registry="http://name:secret@registry.test", prefix="fleet.")
    remote.trouble = [lambda _: httpx.Response(401)]
    with pytest.raises(registry.RegistryError) as raised:
        await registry.resolve(settings, transport=remote)
    assert "secret" not in str(raised.value)
    sent = remote.requests[0].headers["authorization"]
    assert sent == "Basic " + base64.b64encode(b"name:secret").decode()


async def test_an_address_that_is_none_is_told() -> None:
    """The variable is named."""
    with pytest.raises(registry.RegistryError, match="CHARGEWIRE_SCHEMA_REGISTRY"):
        await registry.resolve(KafkaSettings(schema_registry="http://registry:port"))


def test_a_schema_that_was_not_published_has_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody writes records under the id of another schema."""
    changed, true = json.loads(newer("decisions")), records.schema
    monkeypatch.setattr(records, "schema", lambda t: changed if t == "decisions" else true(t))
    with pytest.raises(registry.UnpublishedError, match="decisions"):
        registry.builtin_ids()


def test_the_built_in_registry_serves_the_same_ids() -> None:
    """Whoever asks the gateway's admin port reads what the gateway writes."""
    number = registry.builtin_ids()["decisions"]
    status, found = subjects.answer("GET", f"/schemas/ids/{number}", "ocpp.")
    assert status == 200
    assert json.loads(found["schema"]) == records.schema("decisions")


@pytest.mark.parametrize("page", [b"<html>", b'{"ok": true}', b"[1]", b'"well"', b"null"])
async def test_what_is_no_registry_is_told_from_one(remote: Registry, page: bytes) -> None:
    """Another server behind the address answers 200 to anything: that is a line for a person."""
    for ask in (registry.resolve, registry.codec, registry.missing):
        remote.trouble = [lambda _: httpx.Response(200, content=page)]
        with pytest.raises(registry.RegistryError, match="no answer of a schema registry"):
            await ask(SETTINGS, transport=remote)
