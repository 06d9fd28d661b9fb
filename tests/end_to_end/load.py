"""Stations that call without end, come back whatever happens, and keep books of what they heard."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from tests.station import Entry, Station

PATIENCE_S = 180.0
ANSWER_S = 90.0
PAUSE_S = 0.02  # between two calls, and before the next attempt to connect
Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Said:
    """One CALL that a station has sent, and what it heard."""

    station: str
    entry: Entry


@dataclass(slots=True)
class Restless:
    """One station: its day is repeated for ever, and what is not answered is sent again.

    It tries one URL after the other. Message ids begin with `label`. `heard` counts answers;
    `closes` and `refusals` are what became of its sockets and handshakes.
    """

    name: str
    urls: Iterator[str]
    label: str
    books: list[Said] = field(default_factory=list)
    closes: list[tuple[int, str]] = field(default_factory=list)
    refusals: list[tuple[int, str | None]] = field(default_factory=list)
    heard: int = 0
    tries: dict[int, int] = field(default_factory=dict)  # deed -> CALLs sent for it
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def live(self) -> None:
        """Until cancelled."""
        deeds = enumerate(_day(self.name))
        deed = next(deeds)
        while True:
            station = await self._connected()
            if station is None:
                await asyncio.sleep(PAUSE_S)
                continue
            try:
                while True:
                    number, (action, payload) = deed
                    self.tries[number] = self.tries.get(number, 0) + 1
                    name = f"{self.label}/{next(self._numbers)}"  # a retry has a new message id
                    await station.call(action, payload, message_id=name, timeout_s=ANSWER_S)
                    self.heard += 1
                    deed = next(deeds)
                    await asyncio.sleep(PAUSE_S)
            except ConnectionClosed:
                self.closes.append(await station.closed())
            finally:
                station.abort()
                self.books += [Said(self.name, entry) for entry in station.books]

    async def _connected(self) -> Station | None:
        try:
            return await Station.connect(next(self.urls), self.name, open_timeout=ANSWER_S)
        except InvalidStatus as refused:
            response = refused.response
            self.refusals.append((response.status_code, response.headers.get("Retry-After")))
        except (OSError, WebSocketException, TimeoutError):
            self.refusals.append((0, None))
        return None


class Load:
    """Several stations at once; `async with` ends them, after which the books are whole."""

    def __init__(self, count: int, *urls: str, label: str = "load") -> None:
        self.stations = [
            Restless(f"CS-{number}", itertools.cycle(_turned(urls, number)), label)
            for number in range(1, count + 1)
        ]
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def heard(self) -> int:
        """Answers so far."""
        return sum(station.heard for station in self.stations)

    @property
    def books(self) -> list[Said]:
        """What all stations sent on the sockets that have ended."""
        return [said for station in self.stations for said in station.books]

    @property
    def refusals(self) -> list[tuple[int, str | None]]:
        """(status, Retry-After) of all refused handshakes; status 0: nobody there."""
        return [refusal for station in self.stations for refusal in station.refusals]

    @property
    def closes(self) -> list[tuple[int, str]]:
        """(code, reason) of all sockets that the gateway ended."""
        return [close for station in self.stations for close in station.closes]

    async def goes_on(self, answers: int = 20, timeout_s: float = PATIENCE_S) -> None:
        """Wait until every station has had so many more answers. Raises TimeoutError."""
        wanted = {station.name: station.heard + answers for station in self.stations}
        await self.until(
            lambda: all(station.heard >= wanted[station.name] for station in self.stations),
            f"not every station had {answers} answers",
            timeout_s,
        )

    async def until(
        self, condition: Callable[[], object], what: str, timeout_s: float = PATIENCE_S
    ) -> None:
        """Wait for a condition while the stations live. Raises TimeoutError, or what broke one."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    for task in self._tasks:
                        if task.done():
                            task.result()
                    await asyncio.sleep(PAUSE_S)
        except TimeoutError:
            shown = [(s.name, s.heard, s.closes[-1:], s.refusals[-1:]) for s in self.stations]
            raise TimeoutError(f"{what}: {shown}") from None

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(station.live()) for station in self.stations]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception) and error is None:
                raise ended


def _turned(urls: Sequence[str], number: int) -> list[str]:
    """The URLs, begun with another one by every station."""
    at = number % len(urls)
    return [*urls[at:], *urls[:at]]


def _day(station: str) -> Iterable[Call]:
    """What a 1.6 station says, for ever; no two transactions are alike."""
    yield "BootNotification", {"chargePointVendor": "v", "chargePointModel": "m"}
    for number in itertools.count():
        minute = f"2026-11-21T{number // 60 % 24:02}:{number % 60:02}"
        token = f"T{number % 1000}"
        yield "Heartbeat", {}
        yield (
            "StatusNotification",
            {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"},
        )
        yield (
            "StartTransaction",
            {
                "connectorId": 1,
                "idTag": token,
                "meterStart": number * 100,
                "timestamp": f"{minute}:00Z",
            },
        )
        sample = {"value": str(number * 100), "unit": "Wh"}
        value = {"timestamp": f"{minute}:30Z", "sampledValue": [sample]}
        yield "MeterValues", {"connectorId": 1, "meterValue": [value]}
        yield (
            "StopTransaction",
            {
                "transactionId": number + 1,
                "meterStop": number * 100 + 50,
                "timestamp": f"{minute}:59Z",
            },
        )
