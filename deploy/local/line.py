"""Keeps a simulated station connected and its transaction calls from being lost.

What belongs to a transaction waits in a queue while the station is cut off, as field stations do;
only wrong answers use up attempts. Everything else is said now or not at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from deploy.local.calls import Call, Payload
from deploy.local.link import QUIET, Books, Hearing, Link, OfflineError, WrongAnswerError
from schemas.catalogue import VERSIONS

ATTEMPTS = 3  # TransactionMessageAttempts: wrong answers, after which a station gives up
RETRY_S = 60.0  # TransactionMessageRetryInterval, times the attempt; of the plan
PAUSE_S, PAUSE_MAX_S = 1.0, 30.0  # real seconds between attempts to connect


def pause_s(attempt: int, random: Random, retry_after: str | None = None) -> float:
    """Real seconds before the next attempt to connect; `attempt` counts from 0.

    Doubles up to a limit, with jitter, so that a fleet does not come back as one. `retry_after` is
    the header of a 503 (RFC 9110, 10.2.3; only its form in seconds): never sooner than that.
    """
    longest = min(PAUSE_MAX_S, PAUSE_S * 2.0 ** min(attempt, 10))
    asked = float(retry_after) if retry_after and retry_after.isdigit() else 0.0
    return asked + random.uniform(longest / 2, longest)


@dataclass(frozen=True, slots=True)
class Owner:
    """What a line asks of its station."""

    hearing: Hearing
    greet: Callable[[], Awaitable[None]]  # what is said first on a new connection
    payload: Callable[[Call], Payload]  # of a queued call, at the time it goes out
    learn: Callable[[Call, Payload], None]  # the answer to a queued call


@dataclass(slots=True)
class Line:
    """`live` runs until cancelled; `say` and `post` work meanwhile from any task."""

    station: str
    uri: str
    version: str
    owner: Owner
    random: Random
    books: Books
    speed: float
    pause: Callable[[int, Random, str | None], float] = pause_s
    abandoned: int = 0  # queued calls given up after wrong answers
    said_at: float = 0.0  # by the loop's clock: when anything was last sent
    online: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: str = ""  # why the last attempt to connect failed, for people; empty: it did not
    changed: Callable[[], None] = lambda: None  # called when `connected` has
    _queue: asyncio.Queue[Call] = field(default_factory=asyncio.Queue)
    _in_range: asyncio.Event = field(default_factory=asyncio.Event)
    _link: Link | None = None
    _fresh_ids: bool = False
    _errands: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._in_range.set()
        # Some makes repeat a call under its old message id, some under a new one.
        self._fresh_ids = self.random.random() < 0.5

    @property
    def connected(self) -> bool:
        """Whether there is a connection, also before the station was accepted on it."""
        return self._link is not None

    async def live(self) -> None:
        """Connect for ever and deliver the queue. Raises only what is a bug."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stay_connected())
                group.create_task(self._deliver())
        finally:
            for errand in self._errands:
                errand.cancel()

    def spawn(self, errand: Coroutine[Any, Any, None]) -> None:
        """Let something happen meanwhile; it ends with the line."""
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def passing(self, seconds: float) -> None:
        """Let so many seconds of the plan pass."""
        await asyncio.sleep(seconds / self.speed)

    async def say(self, call: Call) -> Payload | None:
        """Send a call now; its answer, or None where there is no connection or no right answer."""
        try:
            return await self._ask(call, self._new_id())
        except (OfflineError, WrongAnswerError):
            return None

    def post(self, call: Call) -> None:
        """Queue a call of a transaction: it goes out after all those before it."""
        self._queue.put_nowait(call)

    async def delivered(self) -> None:
        """Wait until the queue is empty."""
        await self._queue.join()

    async def lose(self, seconds: float) -> None:
        """Drop the connection and stay out of range for so many seconds of the plan."""
        if not self._in_range.is_set():
            return
        self._in_range.clear()
        if self._link is not None:
            self._link.lose()
        await self.passing(seconds)
        self._in_range.set()

    async def _stay_connected(self) -> None:
        attempt = 0
        await self.passing(self.random.uniform(0, 60))  # not all at once
        while True:
            await self._in_range.wait()
            retry_after = None
            try:
                if await self._attend():
                    attempt = 0
            except InvalidStatus as refused:
                retry_after = refused.response.headers.get("Retry-After")
                self.trouble = str(refused)
            except (OSError, TimeoutError, InvalidHandshake) as error:
                # Away, or not there yet: an ordinary day.
                self.trouble = str(error) or type(error).__name__
            await asyncio.sleep(self.pause(attempt, self.random, retry_after))
            attempt += 1

    async def _attend(self) -> bool:
        """One connection from handshake to end; whether anything was answered on it."""
        async with connect(
            self.uri,
            subprotocols=[Subprotocol(VERSIONS[self.version].subprotocol)],
            proxy=None,
            close_timeout=1,
            logger=QUIET,
        ) as socket:
            link = Link(self.station, self.version, socket, self.books, self.owner.hearing)
            self._join(link)
            greeting = asyncio.create_task(self._greet())
            try:
                await link.run()
            finally:
                self._join(None)
                self.online.clear()
                greeting.cancel()
                await link.close()  # also when cancelled: then it is a station that means to go
        return link.heard > 0

    def _join(self, link: Link | None) -> None:
        self._link = link
        if link is not None:
            self.trouble = ""
        self.changed()

    async def _greet(self) -> None:
        await self.owner.greet()
        if self._link is not None:
            self.online.set()

    async def _deliver(self) -> None:
        while True:
            call = await self._queue.get()
            await self._insist(call)
            self._queue.task_done()

    async def _insist(self, call: Call) -> None:
        """Repeat a call until it is answered; a lost connection costs no attempt."""
        message_id, attempt = self._new_id(), 0
        while attempt < ATTEMPTS:
            await self.online.wait()
            try:
                answer = await self._ask(call, message_id)
            except OfflineError:
                self.online.clear()
            except WrongAnswerError:
                attempt += 1
                await self.passing(RETRY_S * attempt)
            else:
                self.owner.learn(call, answer)
                return
            if self._fresh_ids:
                message_id = self._new_id()
        self.abandoned += 1

    async def _ask(self, call: Call, message_id: str) -> Payload:
        if self._link is None:
            raise OfflineError
        self.said_at = asyncio.get_running_loop().time()
        return await self._link.call(call.action, self.owner.payload(call), message_id)

    def _new_id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))
