"""Reads the log on and on, and hands what it says to the model; comes back when Kafka does."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from chargewire.console.feed import Feed
from chargewire.console.model import EVENTS, STATES, Model
from chargewire.log.reading import Log, opened
from chargewire.log.summary import Entry, merged
from programs import registry
from programs.settings import KafkaSettings
from schemas.codec import Codec

POLL_MS = 200
BATCH = 500  # records; what asks for a page waits so long
PROBE_S = 2.0
PROBE_TIME_S = 5.0
PAUSE_S = 2.0
ABSENT_S = 10.0  # until topics that are not there are looked for again

log = structlog.get_logger("console")


class Follower:
    """Follows the topics of a model, without a group, and hands what changes to a feed."""

    def __init__(
        self,
        settings: KafkaSettings,
        codec: Codec,
        model: Model,
        feed: Feed,
        *,
        since_ms: int,
    ) -> None:
        self._settings, self._codec = settings, codec
        self._model, self._feed, self._since_ms = model, feed, since_ms
        self._next: dict[TopicPartition, int] = {}
        self._ends: Mapping[TopicPartition, int] = {}
        self._problem = "not connected to Kafka yet"
        self._is_settled = False
        self.records = 0

    @property
    def behind(self) -> int:
        """Records that are there and have not been read, by the last look at the ends."""
        ends = self._ends.items()
        return sum(max(end - self._next.get(place, 0), 0) for place, end in ends)

    def unready(self) -> list[str]:
        """Why what is shown may be old; nothing: it is not."""
        reasons = [self._problem] if self._problem else []
        if not self._is_settled:
            reasons.append(f"the log is being read, {self.behind} records are left")
        return reasons

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                async with opened(self._settings, self._codec) as opened_log:
                    await self._follow(opened_log)
            except (KafkaError, OSError, TimeoutError, registry.RegistryError) as error:
                self._troubled(f"Kafka does not answer: {type(error).__name__}")
                await asyncio.sleep(PAUSE_S)

    async def _follow(self, opened_log: Log) -> None:
        """Return when topics that were not there have to be looked for again."""
        known = await opened_log.topics()
        wanted = [topic for topic in (*STATES, *EVENTS) if topic in known]
        if not wanted:
            self._troubled(f"there are no topics that begin with {self._settings.prefix!r}")
            await asyncio.sleep(PAUSE_S)
            return
        places = await opened_log.partitions(wanted)
        until_s = time.monotonic() + ABSENT_S if len(wanted) < len((*STATES, *EVENTS)) else None
        opened_log.consumer.assign(places)
        await self._seek(opened_log.consumer, places)
        probing = asyncio.create_task(self._probe(opened_log.consumer, places))
        try:
            while until_s is None or time.monotonic() < until_s:
                await self._read(opened_log)
                if probing.done():
                    probing.result()
        finally:
            probing.cancel()
            with contextlib.suppress(asyncio.CancelledError, KafkaError, OSError, TimeoutError):
                await probing

    async def _seek(self, consumer: Any, places: list[TopicPartition]) -> None:
        """Go on where we were; else begin with what is, and with what happened lately."""
        prefix = self._settings.prefix
        new = [place for place in places if place not in self._next]
        # Before it is asked what is lately: where nothing is, what comes meanwhile is not passed.
        self._ends = await consumer.end_offsets(places)
        beginnings = await consumer.beginning_offsets(new) if new else {}
        events = [place for place in new if place.topic.removeprefix(prefix) in EVENTS]
        times = dict.fromkeys(events, self._since_ms)
        lately = await consumer.offsets_for_times(times) if events else {}
        for place in new:
            begin = beginnings[place]
            if place in times:
                found = lately.get(place)
                begin = self._ends[place] if found is None else found.offset
            self._next[place] = begin
        for place in places:
            consumer.seek(place, self._next[place])

    async def _read(self, opened_log: Log) -> None:
        batches = await opened_log.consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
        decoded = [[await opened_log.entry(raw) for raw in batch] for batch in batches.values()]
        for entry in merged(decoded):
            self._take(entry)
        for place in batches:
            self._next[place] = await opened_log.consumer.position(place)
        if not self._is_settled and await self._reached(opened_log.consumer):
            self._is_settled = True
            self._model.settled()
            self._feed.renew()
            log.info("the log is read", records=self.records)
        if batches:
            self._feed.tell(self._model.changes())
            await asyncio.sleep(0)  # pages are waiting, too

    def _take(self, entry: Entry) -> None:
        self.records += 1
        try:
            self._model.take(entry)
        except Exception as error:  # anybody may write there: the rest of the log is shown
            place = {"topic": entry.topic, "partition": entry.partition, "offset": entry.offset}
            log.warning("a record was left out", **place, problem=repr(error)[:200])

    async def _reached(self, consumer: Any) -> bool:
        for place, end in self._ends.items():
            # What was compacted away leaves no record to stand behind.
            self._next[place] = await consumer.position(place)
            if self._next[place] < end:
                return False
        return True

    async def _probe(self, consumer: Any, places: list[TopicPartition]) -> None:
        """See again and again how far the log is: whether Kafka answers at all."""
        while True:
            try:
                async with asyncio.timeout(PROBE_TIME_S):
                    ends = await consumer.end_offsets(places)
                if self._is_settled:
                    self._ends = ends
                if self._problem:
                    log.info("following the log", topics=len({place.topic for place in places}))
                    self._problem = ""
            except (KafkaError, OSError, TimeoutError) as error:
                self._troubled(f"Kafka does not answer: {type(error).__name__}")
            await asyncio.sleep(PROBE_S)

    def _troubled(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("cannot follow the log", problem=problem)
        self._problem = problem
