"""Finds the id of each topic's schema: in the committed lock, or in a schema registry over HTTP.

With a registry (Confluent's REST API), schemas are registered or looked up at start; a record never
waits for it. Schemas that are in the lock are always known without asking.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx

from programs.settings import KafkaSettings
from schemas import lock, records, subjects
from schemas.codec import Codec

ATTEMPTS = 5
TIME_OUT_S = 10.0
_CONTENT = "application/vnd.schemaregistry.v1+json"
_NOT_FOUND = (40401, 40403)  # no such subject, no such schema

Transport = httpx.AsyncBaseTransport | None


class RegistryError(Exception):
    """The schemas cannot be had; the text says from where, and what to do about it."""


class UnpublishedError(RegistryError):
    """The code's schemas are not those that were published: they have no ids."""


async def resolve(
    settings: KafkaSettings, *, pause_s: float = 1.0, transport: Transport = None
) -> dict[str, int]:
    """Topic (without prefix) -> schema id to write with; registers what the registry lacks.

    Tries a registry that does not answer a few times, waiting `pause_s`, then twice that, and so
    on. Raises RegistryError.
    """
    if not settings.schema_registry:
        return builtin_ids()
    async with _opened(settings, pause_s, transport) as registry:
        return {topic: await registry.register(topic) for topic in records.RECORDS}


async def codec(
    settings: KafkaSettings, *, pause_s: float = 1.0, transport: Transport = None
) -> Codec:
    """A codec that reads every version published so far, and writes what is registered already.

    It changes nothing in the registry, so it suits programs that may only read. Raises
    RegistryError.
    """
    if not settings.schema_registry:
        return Codec(builtin_ids())
    async with _opened(settings, pause_s, transport) as registry:
        found = {topic: await registry.find(topic) for topic in records.RECORDS}
        made = Codec({topic: number for topic, number in found.items() if number is not None})
        for topic in records.RECORDS:
            await registry.teach(made, topic)
        return made


async def missing(
    settings: KafkaSettings, *, pause_s: float = 1.0, transport: Transport = None
) -> list[str]:
    """The topics whose newest schema the registry lacks. Raises RegistryError."""
    async with _opened(settings, pause_s, transport) as registry:
        return [topic for topic in records.RECORDS if await registry.find(topic) is None]


async def learn(
    codec: Codec, settings: KafkaSettings, schema_id: int, *, transport: Transport = None
) -> bool:
    """Teach a codec the schema of an id that it met; False where nobody knows that id (yet).

    Raises RegistryError when the registry does not answer.
    """
    if not settings.schema_registry:
        return False
    async with _opened(settings, 0, transport) as registry:
        return await registry.teach_id(codec, schema_id)


def builtin_ids() -> dict[str, int]:
    """Topic -> id in the lock. UnpublishedError where a schema has changed since."""
    published = lock.versions()
    for topic in records.RECORDS:
        rows = published.get(topic, ())
        if not rows or rows[-1].fingerprint != lock.fingerprint(records.schema(topic)):
            raise UnpublishedError(f"the schema of {topic} is not published: run `make schemas`")
    return {topic: published[topic][-1].id for topic in records.RECORDS}


@asynccontextmanager
async def _opened(
    settings: KafkaSettings, pause_s: float, transport: Transport
) -> AsyncIterator["_Registry"]:
    try:
        url = httpx.URL(settings.schema_registry)
    except httpx.InvalidURL as error:
        raise RegistryError(f"CHARGEWIRE_SCHEMA_REGISTRY: {error}") from None
    # httpx takes name and password out of the URL; nothing that we print may show them.
    shown = str(url.copy_with(username=None, password=None)).rstrip("/")
    async with httpx.AsyncClient(base_url=url, timeout=TIME_OUT_S, transport=transport) as client:
        yield _Registry(client, shown, settings.prefix, pause_s)


class _Registry:
    """The requests that we make of Confluent's REST API."""

    def __init__(self, client: httpx.AsyncClient, shown: str, prefix: str, pause_s: float) -> None:
        self._client = client
        self._shown = shown
        self._prefix = prefix
        self._pause_s = pause_s

    async def register(self, topic: str) -> int:
        path = f"subjects/{self._subject(topic)}/versions"
        found = await self._asked("POST", path, self._own(topic), has=("id",))
        return int(found["id"])

    async def find(self, topic: str) -> int | None:
        """The id of our newest schema of a topic; None where it is not registered."""
        path = f"subjects/{self._subject(topic)}"
        found = await self._asked("POST", path, self._own(topic), has=("id",), missing=_NOT_FOUND)
        return None if found is None else int(found["id"])

    async def teach(self, codec: Codec, topic: str) -> None:
        """Teach a codec every version of a topic that is registered, older and newer than ours."""
        path = f"subjects/{self._subject(topic)}/versions"
        for number in await self._asked("GET", path, missing=_NOT_FOUND) or ():
            found = await self._asked("GET", f"{path}/{number}", has=("id", "schema"))
            codec.learn(int(found["id"]), topic, json.loads(found["schema"]))

    async def teach_id(self, codec: Codec, schema_id: int) -> bool:
        path = f"schemas/ids/{schema_id}"
        found = await self._asked("GET", path, has=("schema",), missing=_NOT_FOUND)
        if found is None:
            return False
        for user in await self._asked("GET", f"{path}/versions"):
            topic = subjects.topic_of(self._prefix, user["subject"])
            if topic in records.RECORDS:
                codec.learn(schema_id, topic, json.loads(found["schema"]))
                return True
        return False

    def _subject(self, topic: str) -> str:
        return quote(subjects.subject(self._prefix, topic), safe="")

    @staticmethod
    def _own(topic: str) -> Mapping[str, str]:
        return {"schema": subjects.text_of(records.schema(topic))}

    async def _asked(
        self,
        method: str,
        path: str,
        body: Mapping[str, str] | None = None,
        *,
        has: tuple[str, ...] = (),
        missing: tuple[int, ...] = (),
    ) -> Any:
        """The answer: an object that `has` these keys, else a list; None for `missing` codes."""
        response = await self._sent(method, path, body)
        try:
            found = response.json()
        except ValueError:
            found = None
        fits = isinstance(found, dict if has else list) and all(key in found for key in has)
        if response.is_success and fits:
            return found
        code = found.get("error_code") if isinstance(found, dict) else None
        if code in missing:
            return None
        said = found.get("message", "") if isinstance(found, dict) else response.text[:200]
        hint = _HINTS.get(response.status_code, "see the registry's own log")
        raise RegistryError(
            f"{method} {self._shown}/{path}: {response.status_code} {said}; {hint} "
            "(CHARGEWIRE_SCHEMA_REGISTRY)"
        )

    async def _sent(self, method: str, path: str, body: Mapping[str, str] | None) -> httpx.Response:
        reason = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(self._pause_s * 2 ** (attempt - 1))
            try:
                response = await self._client.request(
                    method,
                    path,
                    content=None if body is None else json.dumps(body),
                    headers={"accept": _CONTENT, "content-type": _CONTENT},
                )
            except httpx.TransportError as error:
                reason = f"{type(error).__name__} {error}".strip()
                continue
            if response.status_code < 500:
                return response
            reason = f"HTTP {response.status_code}"
        raise RegistryError(
            f"no schema registry answers at {self._shown} ({reason}, {ATTEMPTS} attempts): start "
            "it, or correct CHARGEWIRE_SCHEMA_REGISTRY, or unset it to use the built-in schema ids"
        )


_HINTS: Mapping[int, str] = {
    200: "that is no answer of a schema registry: is it the address of something else?",
    401: "put name and password into the URL, as in https://name:password@host",
    403: "this user may not do that: register the schemas with `chargewire schemas register`",
    404: "is the URL the base of Confluent's API (with Apicurio it ends in /apis/ccompat/v7)?",
    409: "another schema is registered that this one is not compatible with: use a new prefix, or "
    "see whether a newer chargewire has registered it",
    422: "the registry does not take this schema; is it read-only?",
}
