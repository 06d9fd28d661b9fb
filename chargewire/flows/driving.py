"""Runs a flow: gives it what the log tells of the station, and does what it says."""

import asyncio
import getpass
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from chargewire.calls.asking import PATIENCE_S, put
from chargewire.flows.events import Ear, Event
from chargewire.flows.steps import SILENT, Answer, Ask, Flow, Look, Over, Step, Within, answer
from chargewire.log.reading import Log, opened
from chargewire.log.summary import Entry, order
from chargewire.stations.presence import Presence, fold
from programs import registry
from programs.settings import KafkaSettings
from schemas import topics

EXPIRES_S = 60.0
"""A station that takes its time with one call still hears of the next one."""
_RESULTS = "command-results"
_BATCHES = 16  # read ahead of the flow

Show = Callable[[Step], None]
Stored = Callable[[], Awaitable[Mapping[str, Any] | None]]


async def drive(
    settings: KafkaSettings,
    station: str,
    make: Callable[[str], Flow],
    show: Show,
    stored: Stored | None = None,
) -> bool:
    """Run the flow that `make` makes for the station's version to its end; whether it is reached.

    `show` gets every step. `stored` reads what a Look is for; whoever has it waits for stations
    that are gone, too. Raises what `reading.run` words.
    """
    codec = await registry.codec(settings)
    async with opened(settings, codec) as log:
        presence = await _presence(log, station)
        if stored is None and (presence is None or not presence.connected):
            there = "is not connected" if presence else "has never been connected"
            show(over := Over(False, f"{station} {there}"))
            return over.reached
        version = presence.version if presence else ""
        return await _Drive(settings, station, make(version), show, stored).run(log)


async def _presence(log: Log, station: str) -> Presence | None:
    key, entries = station.encode(), list[Entry]()
    places = _homes(await log.partitions(["connections"]), key)
    async for read in log.read(places, since=0, follow=False, keep=lambda raw: raw.key == key):
        entries += read
    return next(iter(fold(entries)), None)


def _homes(places: Iterable[Any], key: bytes) -> list[Any]:
    found = [*places]
    count = len({place.partition for place in found})
    return [place for place in found if place.partition == topics.partition(key, count)]


class _Drive:
    """One run of one flow."""

    def __init__(
        self,
        settings: KafkaSettings,
        station: str,
        flow: Flow,
        show: Show,
        stored: Stored | None,
    ) -> None:
        self._settings, self._station, self._flow = settings, station, flow
        self._show, self._stored = show, stored
        self._ear = Ear()
        self._ours: set[str] = set()
        self._open = ""  # the id of the command that has no result yet
        self._over: Over | None = None
        # When something is due by the loop's clock, and what then.
        self._due_s: dict[Callable[[], Awaitable[Iterable[Step]]], float] = {}
        self._batches: asyncio.Queue[list[Entry] | None] = asyncio.Queue(_BATCHES)

    async def run(self, log: Log) -> bool:
        reading = asyncio.create_task(self._read(log))
        try:
            await self._remember(reading)
            await self._do(self._flow.begin())
            while self._over is None:
                for entry in await self._next(reading):
                    await self._do(self._heard(entry))
        finally:
            reading.cancel()
            await asyncio.wait({reading})
        return self._over.reached

    async def _read(self, log: Log) -> None:
        """Read ahead; None in the queue means that something broke."""
        key, since_s = self._station.encode(), self._flow.since_s
        since = None if since_s is None else round((time.time() - since_s) * 1000)
        try:
            places = _homes(await log.partitions([_RESULTS, *self._flow.topics]), key)
            async for entries in log.read(
                places, since=since, follow=True, keep=lambda raw: raw.key == key
            ):
                await self._batches.put(entries)
        except Exception:
            await self._batches.put(None)
            raise

    async def _remember(self, reading: asyncio.Task[None]) -> None:
        """What lies behind, until the empty batch that ends it; put in order across topics."""
        past: list[Entry] = []
        while entries := await self._next(reading):
            past += entries
        for entry in sorted(past, key=order):
            if (event := self._event(entry)) is not None:
                self._flow.remember(event)

    async def _next(self, reading: asyncio.Task[None]) -> list[Entry]:
        """The next batch; on the way, whatever is due meanwhile is done."""
        while self._over is None:
            due = min(self._due_s, key=self._due_s.__getitem__, default=None)
            try:
                async with asyncio.timeout_at(None if due is None else self._due_s[due]):
                    entries = await self._batches.get()
            except TimeoutError:
                assert due is not None, "nothing else times out"
                del self._due_s[due]
                await self._do(await due())
                continue
            if entries is None:
                await reading  # raises what broke it
                return []
            return entries
        return []

    def _heard(self, entry: Entry) -> Iterable[Step]:
        if entry.topic != _RESULTS:
            event = self._event(entry)
            return self._flow.told(event) if event is not None else ()
        record = entry.record
        if record is None or record["command_id"] != self._open:
            return ()
        self._open = ""  # the first result counts
        self._due_s.pop(self._silent, None)
        return self._flow.answered(answer(record))

    def _event(self, entry: Entry) -> Event | None:
        if entry.record is None or entry.topic == _RESULTS:
            return None
        return self._ear.heard(
            entry.topic, entry.record, entry.offset, entry.timestamp_ms, self._ours
        )

    async def _do(self, steps: Iterable[Step]) -> None:
        """Do all of it up to the end of the flow."""
        clock = asyncio.get_running_loop().time
        for step in steps:
            if self._over is not None:
                return
            self._show(step)
            match step:
                case Ask():
                    await self._ask(step)
                case Within(seconds):
                    self._due_s[self._late] = clock() + seconds
                case Look(after_s):
                    self._due_s[self._look] = clock() + after_s
                case Over():
                    self._over = step

    async def _ask(self, ask: Ask) -> None:
        assert not self._open, "one at a time"
        self._open = str(uuid.uuid4())
        self._ours.add(self._open)
        patience_s = EXPIRES_S + PATIENCE_S
        self._due_s[self._silent] = asyncio.get_running_loop().time() + patience_s
        command = {
            "command_id": self._open,
            "station": self._station,
            "action": ask.action,
            "payload": json.dumps(ask.payload, ensure_ascii=False),
            "expires_at": round((time.time() + EXPIRES_S) * 1000),
            "requested_by": getpass.getuser(),
        }
        await put(self._settings, [command])

    async def _silent(self) -> Iterable[Step]:
        self._open = ""
        return self._flow.answered(Answer(SILENT))

    async def _late(self) -> Iterable[Step]:
        return self._flow.late()

    async def _look(self) -> Iterable[Step]:
        assert self._stored is not None, "only flows that look have something to look at"
        return self._flow.found(await self._stored())
