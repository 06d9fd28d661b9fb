"""The stations of the chaos, in a process of their own: they come back whatever happens.

`python -m tests.end_to_end.chaos.crowd FILE` reads its orders from a JSON file. SIGTERM is closing
time: everyone ends his transaction, says what he has kept, and then the books are whole.
"""

import asyncio
import json
import random
import resource
import signal
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import uvloop
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.end_to_end.chaos.charger import VERSIONS, Charger, Deed, said
from tests.end_to_end.chaos.ledger import Pen
from tests.end_to_end.commanded import Heard, obey
from tests.station import Entry, Station

TELL_S = 1.0
MEMORY = 40  # deeds that a station keeps; while it is full nobody can charge there


@dataclass(frozen=True, slots=True)
class Orders:
    """What the crowd is told: its size, its gateways, how fast and how patient it is.

    `pause_s` is the mean time between two deeds of a station.
    """

    folder: str
    urls: list[str]
    stations: int
    tokens: list[str]
    seed: int
    pause_s: float
    answer_s: float

    @property
    def books(self) -> Path:
        return Path(self.folder, "books.jsonl")

    @property
    def state(self) -> Path:
        """Rewritten every second: stations connected, answers, deeds that wait, who is at home."""
        return Path(self.folder, "crowd.json")

    def written(self) -> Path:
        """Put into a file."""
        path = Path(self.folder, "orders.json")
        path.write_text(json.dumps(asdict(self)))
        return path


@dataclass(slots=True)
class Crowd:
    """What the stations have in common."""

    orders: Orders
    pen: Pen
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    connected: int = 0
    answers: int = 0
    unanswered: int = 0


class Line:
    """One station: its life goes on while there is no line, and is told when there is one again."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd = crowd
        self._name = f"CS-{number}"
        self._random = random.Random(f"{crowd.orders.seed} {self._name}")
        tokens = tuple(crowd.orders.tokens)
        version = VERSIONS[number % len(VERSIONS)]
        self.charger = Charger(self._name, version, tokens, self._random)
        self._numbers = count()
        self._kept: deque[Deed] = deque()
        self._talk: deque[Deed] = deque(maxlen=3)
        self._work = asyncio.Event()
        self._online = False
        self.over = False

    @property
    def waiting(self) -> int:
        return len(self._kept)

    async def live(self) -> None:
        """Until closing time, and until what was kept is confirmed."""
        pause_s = self._crowd.orders.pause_s
        await asyncio.sleep(self._random.uniform(0, min(10.0, pause_s)))
        async with asyncio.TaskGroup() as both:
            carrying = both.create_task(self._carry())
            while not (self._crowd.closing.is_set() and self.charger.open is None):
                closing = self._crowd.closing.is_set()
                if closing or len(self._kept) < MEMORY:
                    self._live_on(closing=closing)
                wait_s = pause_s * self._random.uniform(0.3, 1.7)
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._crowd.closing.wait()
            self._talk.clear()
            while self._kept:  # noqa: ASYNC110 - 2,000 events of all that is confirmed cost more
                await asyncio.sleep(0.5)
            self.over = True
            carrying.cancel()

    def _live_on(self, *, closing: bool) -> None:
        """The next thing happens here."""
        for deed in self.charger.next(time.time(), online=self._online, closing=closing):
            (self._kept if deed.transaction else self._talk).append(deed)
        self._work.set()

    async def _carry(self) -> None:
        lost_s = time.time()
        first = True
        while True:
            station = await self._connected()
            if station is None:
                await asyncio.sleep(self._random.uniform(0.1, 1.0))
                continue
            self._crowd.connected += 1
            self._online = True
            if not first:
                now_s = time.time()
                self._crowd.pen.write("away", from_s=lost_s, for_s=now_s - lost_s)
            try:
                # Many never boot again when only the line was broken.
                await self._serve(station, boots=first or self._random.random() < 0.5)
            finally:
                self._online = first = False
                self._crowd.connected -= 1
                station.abort()
                lost_s = time.time()
            # Not all at once, as well-behaved stations do.
            await asyncio.sleep(self._random.uniform(0.0, 1.0))

    async def _connected(self) -> Station | None:
        url = self._random.choice(self._crowd.orders.urls)
        protocols = ["ocpp" + self.charger.version]
        with suppress(OSError, WebSocketException, TimeoutError):
            limits: dict[str, Any] = {"open_timeout": 15, "ping_interval": None}
            return await Station.connect(url, self._name, protocols, **limits)
        return None

    async def _serve(self, station: Station, *, boots: bool) -> None:
        """Until the connection is lost."""
        obeying = asyncio.create_task(obey(station, self._random, self._note))
        lost = asyncio.create_task(station.closed(timeout_s=1e6))
        try:
            if boots:
                await self._said(station, self.charger.boot())
            while not lost.done():
                await self._next(station, lost)
        except (ConnectionClosed, TimeoutError, OSError):
            pass
        finally:
            obeying.cancel()
            lost.cancel()
            await asyncio.gather(obeying, lost, return_exceptions=True)

    async def _next(self, station: Station, lost: asyncio.Task[Any]) -> None:
        """Say one thing, as soon as there is one."""
        if self._kept:
            if await self._said(station, self._kept[0]):
                self._kept.popleft()
            else:
                await asyncio.sleep(1)  # refused: the books tell, and it is tried again
        elif self._talk:
            await self._said(station, self._talk.popleft())
        else:
            self._work.clear()
            working = asyncio.create_task(self._work.wait())
            try:
                await asyncio.wait({working, lost}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                working.cancel()

    async def _said(self, station: Station, deed: Deed) -> bool:
        """One try: a CALL with an id of its own; whether it was confirmed.

        Raises ConnectionClosed, TimeoutError.
        """
        entry = Entry(f"{self._name}/{next(self._numbers)}", deed.action, said(deed))
        sent_s, answered_s = time.time(), None
        leaves = self._random.random() < 0.005
        try:
            future = await station.send_call(
                deed.action, entry.payload, message_id=entry.message_id
            )
            if leaves:
                station.abort()
            async with asyncio.timeout(self._crowd.orders.answer_s):
                entry.answer = await future
            answered_s = time.time()
        finally:
            self._crowd.answers += answered_s is not None
            self._crowd.unanswered += answered_s is None
            self._crowd.pen.write(
                "call",
                station=self._name,
                id=entry.message_id,
                action=entry.action,
                payload=entry.payload,
                answer=entry.answer,
                deed=deed.number,
                kept=deed.transaction is not None,
                sent_s=sent_s,
                answered_s=answered_s,
            )
        confirmed = bool(entry.answer) and entry.answer[0] == 3
        if confirmed:
            self._learned(deed, entry)
        return confirmed

    def _learned(self, deed: Deed, entry: Entry) -> None:
        """What a confirmation means to the station."""
        of = deed.transaction
        if of is None or entry.answer is None:
            return
        if deed.action == "StartTransaction":
            of.id = str(entry.answer[2]["transactionId"])
        ended = deed.payload.get("eventType") == "Ended"
        of.confirmed |= deed.action == "StopTransaction" or ended

    def _note(self, heard: Heard) -> None:
        self._crowd.pen.write("heard", **asdict(heard))


async def run(orders: Orders) -> None:
    """Live until SIGTERM, and until everybody has said everything."""
    crowd = Crowd(orders, Pen(orders.books))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, crowd.closing.set)
    lines = [Line(crowd, number) for number in range(orders.stations)]
    tasks = [asyncio.create_task(line.live()) for line in lines]
    telling = asyncio.create_task(_tell(crowd, lines))
    await asyncio.gather(*tasks)
    telling.cancel()
    for line in lines:
        for one in line.charger.began:
            crowd.pen.write("transaction", **one.written())
    crowd.pen.close()
    _put(crowd, lines)


async def _tell(crowd: Crowd, lines: list[Line]) -> None:
    while True:
        _put(crowd, lines)
        await asyncio.sleep(TELL_S)


def _put(crowd: Crowd, lines: list[Line]) -> None:
    state = {
        "connected": crowd.connected,
        "answers": crowd.answers,
        "unanswered": crowd.unanswered,
        "waiting": sum(line.waiting for line in lines),
        "over": sum(line.over for line in lines),
    }
    new = crowd.orders.state.with_suffix(".new")
    new.write_text(json.dumps(state))
    new.replace(crowd.orders.state)


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(run(Orders(**json.loads(Path(sys.argv[1]).read_text()))))
