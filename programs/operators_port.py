"""The operators' port: metrics, health and the schemas, over HTTP."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from programs.addresses import address

Reasons = Callable[[], Sequence[str]]
BODY_MAX_BYTES = 1_048_576  # of a request; our largest schema has a tenth of that
_STARTS_WITHIN_S = 10.0
_METRICS = "text/plain; version=0.0.4; charset=utf-8"
_REGISTRY = "application/vnd.schemaregistry.v1+json"


class Schemas(Protocol):
    """The read side of a schema registry, as `schemas.subjects.answer` is."""

    def __call__(self, method: str, path: str, *, body: bytes) -> tuple[int, object]:
        """(HTTP status, JSON body) of a request; `path` as it came, percent-encoded."""


def application(
    *, metrics: Callable[[], bytes], unready: Reasons, unwell: Reasons, schemas: Schemas | None
) -> Starlette:
    """Put the routes together.

    `metrics` gives Prometheus' text; `unready` and `unwell` give reasons, none of them meaning
    ready and well; `schemas` is the read side of a schema registry, None where a real one serves.
    """

    # Coroutines all: an answer proves that the loop turns, and no thread reads changing numbers.

    async def exposed(_: Request) -> Response:
        return Response(metrics(), headers={"content-type": _METRICS})

    async def health(_: Request) -> Response:
        return _reasoned(unwell())

    async def readiness(_: Request) -> Response:
        return _reasoned(unready())

    async def registry(request: Request) -> Response:
        if schemas is None:
            text = "the schemas are in the registry of CHARGEWIRE_SCHEMA_REGISTRY"
            return JSONResponse({"error_code": 404, "message": text}, 404)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > BODY_MAX_BYTES:
                return JSONResponse({"error_code": 413, "message": "too large"}, 413)
        path = request.scope.get("raw_path", b"").decode("ascii", "replace")
        # The server leaves the body of an answer to HEAD away (RFC 9110, 9.3.2).
        method = "GET" if request.method == "HEAD" else request.method
        status, found = schemas(method, path, body=body)
        return Response(json.dumps(found), status, media_type=_REGISTRY)

    return Starlette(
        routes=[
            Route("/metrics", exposed),
            Route("/healthz", health),
            Route("/readyz", readiness),
            Route("/{path:path}", registry, methods=["GET", "POST", "PUT", "DELETE"]),
        ]
    )


def _reasoned(reasons: Sequence[str]) -> Response:
    return JSONResponse(list(reasons), 503 if reasons else 200)


class _Server(uvicorn.Server):
    """uvicorn inside a program that has signals and a lifetime of its own."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.serving.set()


class Admin:
    """Serves an application on one address until stopped."""

    def __init__(self, listen: str, app: ASGIApp) -> None:
        self._listen = listen
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; returns the port. OSError when the address cannot be had."""
        host, port = address(self._listen)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=128)
        bound: int = listening.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))
        serving = asyncio.create_task(self._server.serving.wait())
        await asyncio.wait(
            {serving, self._task}, return_when="FIRST_COMPLETED", timeout=_STARTS_WITHIN_S
        )
        serving.cancel()
        if self._task.done():
            self._task.result()
        return bound

    async def stop(self, timeout_s: float = 2.0) -> None:
        """Finish what is being answered, within `timeout_s`; then end all the same."""
        if self._task is None:
            return
        self._server.should_exit = True
        done, _ = await asyncio.wait({self._task}, timeout=timeout_s)
        if not done:
            self._server.force_exit = True
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1.0)
