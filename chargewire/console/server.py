"""The console's whole HTTP application: pages, commands, probes, files, and who may call."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiokafka.errors import KafkaError
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chargewire.console import asking, guard, queries
from chargewire.console.app import STATIC, Pages, answer, known_version
from chargewire.console.asking import WrongCommand
from chargewire.console.model import Model
from chargewire.console.queries import WrongQuery
from programs import registry

BODY_MAX_BYTES = 262_144
_AT_ONCE = 4  # commands under way to Kafka

Put = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Writes a record of `commands`; KafkaError, OSError, TimeoutError, RegistryError: it fails."""


class Commanding:
    """Takes commands from who has the token; without a token, from nobody."""

    def __init__(self, model: Model, token: str, put: Put) -> None:
        self._model, self._token, self._put = model, token, put
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def listed(self, request: Request) -> Response:
        """The newest commands."""
        query = request.query_params
        queries.known(query, ("station", "limit"))
        station, limit = query.get("station") or None, queries.limit(query)
        return answer({"commands": self._model.commands.newest(station, limit)})

    async def asked(self, request: Request) -> Response:
        """Ask a station for something; 202 once Kafka has the command."""
        self._admit(request)
        asked = asking.read(await _body(request))
        if asked["station"] not in self._model.views:
            raise HTTPException(404, f"no station {asked['station']} is known here")
        now_ms = time.time_ns() // 1_000_000
        version = known_version(self._model, asked["station"])
        name = str(uuid.uuid4())
        command = asking.command(asked, version, command_id=name, now_ms=now_ms)
        self._model.commands.asked(command, now_ms)
        try:
            async with self._places:
                await self._put(command)
        except (KafkaError, OSError, TimeoutError, registry.RegistryError) as error:
            text = f"Kafka has not taken it, as far as is known: {type(error).__name__}"
            return answer({"error": text, "command_id": name}, 503)
        return answer({"command_id": name}, 202)

    def _admit(self, request: Request) -> None:
        if not self._token:
            text = "this console only shows: it was started without CHARGEWIRE_CONSOLE_TOKEN"
            raise HTTPException(403, text)
        if not guard.is_bearer(request.headers, self._token):
            headers = {"www-authenticate": 'Bearer realm="chargewire console"'}
            raise HTTPException(401, "the token is missing or wrong", headers)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HTTPException(415, "the body has to be application/json")


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_MAX_BYTES:
            raise HTTPException(413, f"a body has at most {BODY_MAX_BYTES} bytes")
    return body


def application(
    pages: Pages,
    commanding: Commanding,
    *,
    unready: Callable[[], Sequence[str]],
    hosts: frozenset[str] | None,
) -> ASGIApp:
    """Put the parts together; `hosts` are the names it may be called by, None: any."""
    files = StaticFiles(directory=STATIC)

    async def page(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    async def readiness(_: Request) -> Response:
        reasons = unready()
        return answer(reasons, 503 if reasons else 200)

    async def health(_: Request) -> Response:
        return answer([])

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/healthz", health),
            Route("/readyz", readiness),
            Route("/api/commands", commanding.listed, methods=["GET"]),
            Route("/api/commands", commanding.asked, methods=["POST"]),
            *pages.routes(),
            Mount("/static", files),
        ],
        exception_handlers={HTTPException: _failed, WrongQuery: _wrong, WrongCommand: _wrong},
    )
    return Guarded(app, hosts)


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answer({"error": error.detail}, error.status_code, error.headers)


async def _wrong(_: Request, error: Exception) -> Response:
    path = getattr(error, "path", None)
    return answer({"error": str(error)} | ({"path": path} if path else {}), 400)


class Guarded:
    """Turns away who calls by another name, and gives every answer the headers of guard."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        kept = "no-store" if scope["path"].startswith("/api/") else "no-cache"

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in guard.HEADERS.items():
                    headers[name] = value
                headers["cache-control"] = kept
            await send(message)

        app = self._app
        if not guard.is_called(Headers(scope=scope).get("host", ""), self._hosts):
            text = "by this name the console may not be called: see CHARGEWIRE_CONSOLE_HOSTS"
            app = answer({"error": text}, 421)
        await app(scope, receive, guarded)
