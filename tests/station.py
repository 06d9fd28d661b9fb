"""A scripted charging station for tests: says exactly what it is told over a real socket.

    async with await Station.connect("ws://127.0.0.1:9000/ocpp", "CW-1") as station:
        reply = await station.call("BootNotification", {...})   # waits for its own answer
        assert reply.payload["status"] == "Accepted"
        command = await station.receive()                       # [2, "id", "Reset", {...}]
        await station.answer(command, {"status": "Accepted"})
        assert await station.closed() == (1012, "...")

It knows nothing of OCPP beyond the frame: no boot, no queue, no retry, no validation. What it
sends as a CALL goes into `books`, with the answer once there is one, so that a test can compare
what a station was promised with what is in the log.
"""

import asyncio
import itertools
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.typing import Subprotocol

Frame = list[Any]

# Only a bug takes so long, or something that was stopped: a busy machine may be slow, and so none
# of our own time limits ends a connection, or a wait for something that has to come.
PATIENCE_S = 60.0
PATIENCE: dict[str, Any] = {
    "open_timeout": PATIENCE_S,
    "close_timeout": PATIENCE_S,
    "ping_interval": None,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a CALL. `payload` is set for a CALLRESULT, `code` for a CALLERROR."""

    message_id: str
    payload: dict[str, Any] | None = None
    code: str | None = None
    description: str | None = None
    details: Any = None

    @property
    def ok(self) -> bool:
        return self.code is None


@dataclass(slots=True)
class Entry:
    """One CALL that was sent; `answer` stays None until one came (frame as received, decoded)."""

    message_id: str
    action: str
    payload: Any
    answer: Frame | None = None


class Station:
    """One websocket of one station, made by `connect` or `at`; close it or use `async with`."""

    def __init__(self, station_id: str, socket: ClientConnection) -> None:
        self.station_id = station_id
        self.socket = socket
        self.books: list[Entry] = []
        self._numbers = itertools.count(1)
        self._open: dict[str, asyncio.Future[Frame]] = {}
        self._inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(
        cls,
        url: str,
        station_id: str,
        subprotocols: Sequence[str] = ("ocpp1.6",),
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Self:
        """Open a websocket at `<url>/<station id, percent-encoded>`.

        `subprotocols` may be empty (no header is sent). `options` go to `websockets.connect`; for
        TLS that is `ssl`, and `tests.certificates.basic` makes the `headers` of a password. It
        sends no pings: whether the other side lives is for the test to find out.
        Raises websockets.InvalidStatus (`.response.status_code`, `.headers`, `.body`) when refused.
        """
        uri = f"{url.rstrip('/')}/{quote(station_id, safe='')}"
        return await cls.at(uri, station_id, subprotocols, headers, **options)

    @classmethod
    async def at(
        cls,
        uri: str,
        station_id: str = "",
        subprotocols: Sequence[str] = ("ocpp1.6",),
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Self:
        """Open a websocket at exactly `uri`: for wrong paths and odd encodings."""
        options = {"compression": None, "proxy": None, "max_size": None} | PATIENCE | options
        socket = await connect(
            uri,
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            additional_headers=dict(headers or {}),
            **options,
        )
        return cls(station_id, socket)

    @property
    def subprotocol(self) -> str | None:
        """The one that the other side chose."""
        return self.socket.subprotocol

    async def call(
        self,
        action: str,
        payload: Any = None,
        *,
        message_id: str | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> Reply:
        """Send a CALL and wait for its answer; several may wait at once (pipelining).

        `payload` None means {}. `message_id` None means a number counted from 1.
        Raises TimeoutError after `timeout_s`, ConnectionClosed when the socket ends first.
        """
        future = await self.send_call(action, payload, message_id=message_id)
        async with asyncio.timeout(timeout_s):
            return _reply(await future)

    async def send_call(
        self, action: str, payload: Any = None, *, message_id: str | None = None
    ) -> "asyncio.Future[Frame]":
        """Send a CALL without waiting; the future holds the decoded answer frame.

        A message id that is still open may be used again: the next answer settles both.
        """
        name = str(next(self._numbers)) if message_id is None else message_id
        entry = Entry(name, action, {} if payload is None else payload)
        future = self._open.get(name)
        if future is None or future.done():
            future = self._open[name] = asyncio.get_running_loop().create_future()
            # A test that no longer cares about an answer should not see "never retrieved".
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.books.append(entry)
        await self.send_text(json.dumps([2, name, action, entry.payload]))
        return future

    async def send_text(self, raw: str | bytes) -> None:
        """Send a text frame with exactly this content (bytes: sent as text, even if not UTF-8)."""
        await self.socket.send(raw, text=True)

    async def send_binary(self, raw: bytes) -> None:
        """Send a binary frame, which OCPP-J does not know."""
        await self.socket.send(raw, text=False)

    async def receive(self, timeout_s: float = PATIENCE_S) -> Frame:
        """The next frame that is no answer to `call` or `send_call`, decoded from JSON.

        Raises TimeoutError, or ConnectionClosed when there is none left and the socket has ended.
        """
        return _decoded(await self.receive_text(timeout_s))

    async def receive_text(self, timeout_s: float = PATIENCE_S) -> str | bytes:
        """As `receive`, but exactly as it came (key order, blanks)."""
        async with asyncio.timeout(timeout_s):
            text = await self._inbox.get()
        if text is None:
            self._inbox.put_nowait(None)
            raise self.socket.protocol.close_exc
        return text

    async def answer(self, call: Frame, payload: Any = None) -> None:
        """Send a CALLRESULT to a CALL that `receive` gave. `payload` None means {}."""
        await self.send_text(json.dumps([3, call[1], {} if payload is None else payload]))

    async def answer_error(
        self, call: Frame, code: str, description: str = "", details: Any = None
    ) -> None:
        """Send a CALLERROR to a CALL that `receive` gave. `details` None means {}."""
        frame = [4, call[1], code, description, {} if details is None else details]
        await self.send_text(json.dumps(frame))

    async def closed(self, timeout_s: float = PATIENCE_S) -> tuple[int, str]:
        """Wait until the socket has ended; its close code (1006: without a close frame), reason."""
        async with asyncio.timeout(timeout_s):
            await asyncio.wait([self._reader])
            await self.socket.wait_closed()
        code, reason = self.socket.close_code, self.socket.close_reason
        return (1006 if code is None else code), reason or ""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close as a station does that means to; harmless when the socket has ended already."""
        if self.socket.state is not State.CLOSED:  # asyncio trips over a second end of some sockets
            await self.socket.close(code, reason)
        await asyncio.wait([self._reader])

    def abort(self) -> None:
        """Drop the TCP connection without a close frame, as a lost network does."""
        self.socket.transport.abort()

    def answered(self) -> list[Entry]:
        """The CALLs of the books that have an answer."""
        return [entry for entry in self.books if entry.answer is not None]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _read(self) -> None:
        """The only reader of the socket: an answer goes to its caller, the rest to the inbox."""
        with suppress(ConnectionClosed):
            async for text in self.socket:
                frame = _decoded(text)
                if not self._settled(frame):
                    self._inbox.put_nowait(text)
        self._inbox.put_nowait(None)
        for future in self._open.values():
            if not future.done():
                future.set_exception(self.socket.protocol.close_exc)

    def _settled(self, frame: Frame) -> bool:
        if len(frame) < 3 or frame[0] not in {3, 4}:
            return False
        future = self._open.get(frame[1])
        if future is None or future.done():
            return False
        for entry in self.books:
            if entry.message_id == frame[1] and entry.answer is None:
                entry.answer = frame
        future.set_result(frame)
        return True


def _decoded(text: str | bytes) -> Frame:
    try:
        frame = json.loads(text)
    except ValueError:
        return [text]  # still something that a test can look at
    return frame if isinstance(frame, list) else [frame]


def _reply(frame: Frame) -> Reply:
    if frame[0] == 3:
        return Reply(frame[1], payload=frame[2])
    return Reply(frame[1], code=frame[2], description=frame[3], details=frame[4])
