"""A tiny central system for tests of the simulated stations: answers by a table, remembers all."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

ANSWERS: dict[str, dict[str, Any]] = {
    "BootNotification": {
        "status": "Accepted",
        "currentTime": "2026-01-01T00:00:00.000Z",
        "interval": 300,
    },
    "Heartbeat": {"currentTime": "2026-01-01T00:00:00.000Z"},
    "StartTransaction": {"transactionId": 4711, "idTagInfo": {"status": "Accepted"}},
}
AUTHORIZED = {"1.6": {"idTagInfo": {"status": "Accepted"}}}
AUTHORIZED_2 = {"idTokenInfo": {"status": "Accepted"}}

Frame = list[Any]


@dataclass
class Central:
    """`calls` are those of the stations, `answers` what they said to ours, in order of arrival."""

    url: str = ""
    calls: list[Frame] = field(default_factory=list)
    answers: list[Frame] = field(default_factory=list)
    handshakes: list[str] = field(default_factory=list)
    refuse: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    reply: Callable[[Frame], Frame | None] = lambda frame: None
    sockets: set[ServerConnection] = field(default_factory=set)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def of(self, action: str) -> list[dict[str, Any]]:
        """Payloads of the calls of one action."""
        return [frame[3] for frame in self.calls if frame[2] == action]

    def until_first(self, action: str) -> list[Frame]:
        """The calls up to the first of this action, with it."""
        return self.calls[: self.actions().index(action) + 1]

    def actions(self) -> list[str]:
        return [frame[2] for frame in self.calls]

    async def until(self, fact: Callable[[], object], time_s: float = 120.0) -> None:
        """Wait until a frame has made `fact` true."""
        async with asyncio.timeout(time_s), self._changed:
            await self._changed.wait_for(lambda: bool(fact()))

    async def call(self, action: str, payload: dict[str, Any]) -> Frame:
        """Ask the only station that is connected; the frame that it answers with."""
        (socket,) = self.sockets
        name = f"c{len(self.answers)}-{action}"
        await socket.send(json.dumps([2, name, action, payload]))
        await self.until(lambda: any(frame[1] == name for frame in self.answers))
        return next(frame for frame in self.answers if frame[1] == name)

    async def serve(self, socket: ServerConnection) -> None:
        self.sockets.add(socket)
        try:
            with suppress(ConnectionClosed):
                async for text in socket:
                    await self._take(socket, json.loads(text))
        finally:
            self.sockets.discard(socket)
            async with self._changed:
                self._changed.notify_all()

    async def _take(self, socket: ServerConnection, frame: Frame) -> None:
        if frame[0] == 2:
            answer = self.reply(frame)
            if answer is None:
                answer = [3, frame[1], self._usual(socket, frame[2])]
            if answer:
                await socket.send(json.dumps(answer))
        async with self._changed:
            (self.calls if frame[0] == 2 else self.answers).append(frame)
            self._changed.notify_all()

    def _usual(self, socket: ServerConnection, action: str) -> dict[str, Any]:
        old = socket.subprotocol == "ocpp1.6"
        if action == "Authorize":
            return AUTHORIZED["1.6"] if old else AUTHORIZED_2
        return ANSWERS.get(action, {})

    async def admit(self, socket: ServerConnection, request: Request) -> Response | None:
        async with self._changed:
            self.handshakes.append(request.path)
            self._changed.notify_all()
        if not self.refuse:
            return None
        status, headers = self.refuse.pop(0)
        response = socket.respond(HTTPStatus(status), "not now")
        for name, value in headers.items():
            response.headers[name] = value
        return response


@asynccontextmanager
async def central() -> AsyncIterator[Central]:
    """A central system on a free port of this machine."""
    system = Central()
    names = [Subprotocol(f"ocpp{version}") for version in ("1.6", "2.0.1", "2.1")]
    async with serve(
        system.serve, "127.0.0.1", 0, subprotocols=names, process_request=system.admit
    ) as server:
        system.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"
        yield system
