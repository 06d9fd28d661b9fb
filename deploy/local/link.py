"""One connection of a simulated station, spoken by the `ocpp` package's own ChargePoint.

That package is an OCPP implementation which we did not write: it frames, correlates and validates
both what the station says and what it is answered, so it is a witness of the gateway.
"""

import asyncio
import json
import logging
from collections.abc import Callable, MutableSequence
from dataclasses import dataclass, field
from typing import Any

from ocpp.charge_point import ChargePoint
from ocpp.exceptions import (
    NotImplementedError as NotImplementedInOcpp,
)
from ocpp.exceptions import (
    OCPPError,
    PropertyConstraintViolationError,
    UnknownCallErrorCodeError,
)
from ocpp.messages import Call, CallError, validate_payload
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from deploy.local.calls import Payload
from deploy.local.effects import Answer, Effect
from schemas.catalogue import ACTIONS

ANSWER_S = 30  # how long a call may remain unanswered, as most stations have it

QUIET = logging.Logger("simulated stations", logging.CRITICAL + 1)
"""The packages log every frame and every lost connection; here these are everyday life."""


class OfflineError(Exception):
    """The connection is gone; whether the last CALL arrived is not known."""


class WrongAnswerError(Exception):
    """A CALLERROR, an answer that breaks its schema, or none in time."""


@dataclass(slots=True)
class Entry:
    """One CALL that was sent; `answer` stays None until one came (frame as received, decoded)."""

    message_id: str
    action: str
    payload: Payload
    answer: list[Any] | None = None


Books = MutableSequence[Entry]


@dataclass(slots=True)
class _Tap:
    """The socket as ChargePoint sees it; whatever passes is written into the books."""

    socket: ClientConnection
    books: Books
    open: dict[str, Entry] = field(default_factory=dict)
    heard: int = 0

    async def send(self, text: str) -> None:
        match json.loads(text):
            case [2, message_id, action, payload]:
                entry = self.open[message_id] = Entry(message_id, action, payload)
                self.books.append(entry)
        await self.socket.send(text)

    async def recv(self) -> str | bytes:
        text = await self.socket.recv()
        try:
            frame = json.loads(text)
        except ValueError:
            return text  # ChargePoint passes over what is not JSON
        match frame:
            case [3 | 4, str(message_id), *_] if message_id in self.open:
                self.open[message_id].answer = frame
                self.heard += 1
        return text


@dataclass(frozen=True, slots=True)
class Hearing:
    """What happens with the calls of the other side.

    `answer` raises KeyError for an action that the station does not know and ValueError for what
    no schema forbids and no station understands; `perform` is called for each effect once the
    response has been sent.
    """

    answer: Callable[[str, Payload], Answer]
    perform: Callable[[Effect], None]


class _Point(ChargePoint):  # type: ignore[misc] # the package has no types
    """The package's ChargePoint without its renaming of keys, which loses `limit_L2` and `soC`."""

    def __init__(self, station: str, version: str, tap: _Tap, hearing: Hearing) -> None:
        super().__init__(station, tap, ANSWER_S, QUIET)
        self._ocpp_version = version
        self._hearing = hearing

    async def ask(self, action: str, payload: Payload, message_id: str) -> None:
        """Send a CALL when the one before it is done; the answer is in the tap's books."""
        call = Call(message_id, action, payload)
        await validate_payload(call, self._ocpp_version)
        async with self._call_lock:
            await self._send(call.to_json())
            answer = await self._get_specific_response(message_id, self._response_timeout)
        if isinstance(answer, CallError):
            raise answer.to_exception()
        answer.action = action
        await validate_payload(answer, self._ocpp_version)

    async def _handle_call(self, call: Any) -> None:
        """Raises OCPPError, which the package answers with a CALLERROR."""
        known = ACTIONS.get((self._ocpp_version, call.action))
        if known is None or not known.to_station:
            raise NotImplementedInOcpp
        payload = dict(call.payload)
        await validate_payload(call, self._ocpp_version)
        try:
            response, effects = self._hearing.answer(call.action, payload)
        except KeyError as unknown:
            raise NotImplementedInOcpp from unknown
        except ValueError as wrong:
            raise PropertyConstraintViolationError from wrong
        result = call.create_call_result(response)
        await validate_payload(result, self._ocpp_version)
        await self._send(result.to_json())
        for effect in effects:
            self._hearing.perform(effect)


class Link:
    """A connected station: `run` until the socket ends, `call` meanwhile from any task."""

    def __init__(
        self, station: str, version: str, socket: ClientConnection, books: Books, hearing: Hearing
    ) -> None:
        self._tap = _Tap(socket, books)
        self._point = _Point(station, version, self._tap, hearing)
        self._reader = asyncio.create_task(self._point.start())

    @property
    def heard(self) -> int:
        """Answers that came on this connection."""
        return self._tap.heard

    async def call(self, action: str, payload: Payload, message_id: str) -> Payload:
        """Send a CALL when the one before it is done, and return the payload of its CALLRESULT.

        Raises OfflineError and WrongAnswerError; both may come after the other side took it.
        """
        if self._reader.done():
            raise OfflineError
        asking = asyncio.create_task(self._point.ask(action, payload, message_id))
        try:
            await asyncio.wait({asking, self._reader}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise OfflineError
            await asking
        except ConnectionClosed as gone:
            raise OfflineError from gone
        except (OCPPError, UnknownCallErrorCodeError, TimeoutError) as wrong:
            if message_id not in self._tap.open:
                raise  # it never went out: our own payload breaks its schema, which is a bug
            raise WrongAnswerError(str(wrong)) from wrong
        finally:
            asking.cancel()
        # Only now: an answer that comes too late still belongs into the books.
        entry = self._tap.open.pop(message_id)
        assert entry.answer is not None
        return dict(entry.answer[2])

    async def run(self) -> None:
        """Wait for the end of the socket, answering the calls of the other side until then."""
        try:
            await asyncio.wait({self._reader})
        finally:
            self._reader.cancel()
        if not self._reader.cancelled():
            try:
                self._reader.result()
            except ConnectionClosed:
                return

    def lose(self) -> None:
        """Drop the TCP connection without a close frame, as a lost network does."""
        self._tap.socket.transport.abort()

    async def close(self) -> None:
        """Close as a station does that means to."""
        await self._tap.socket.close()
