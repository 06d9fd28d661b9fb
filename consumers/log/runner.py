"""Runs a consumer for ever: makes what a reading needs, and makes it anew whatever breaks."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from consumers.log import groups, rebuild
from consumers.log.beginnings import LogCutError
from consumers.log.folding import Folder
from consumers.log.membership import Membership
from consumers.log.reading import Reading
from consumers.log.traces import Traces
from consumers.metrics import Metrics
from consumers.sequels.running import Sequel, Sequels
from consumers.stores.store import Away, Fenced, Store
from consumers.stores.unusable import Unusable
from consumers.stores.upgrade import UpgradeError
from consumers.tables.projections import Consumer
from programs.kafka.clients import discard
from programs.tracing import Tracing
from schemas.codec import Codec
from schemas.topics import partition as home

LEAVE_TIME_S = 5.0
CONNECT_TIME_S = 30.0
KNOWN_KEYS = 100_000

log = structlog.get_logger(__name__)


class Runner:
    """Joins the group, folds into the store; `run` ends when it is told to stop.

    `open_store` and `connect` are called whenever something broke: but for what is in the store,
    nothing outlives a failure. `connect` is given the name of the group. `learn` asks for a schema
    whose id nobody here knows. `sequels` makes what follows from the rows of a store. With
    `rebuilds`, all rows are thrown away first; `whole_log` then refuses a log that was cut.
    """

    def __init__(  # noqa: PLR0913 - everything outside arrives as an argument
        self,
        *,
        consumer: Consumer,
        open_store: Callable[[], Awaitable[Store]],
        connect: Callable[[str], Awaitable[AIOKafkaConsumer]],
        codec: Codec,
        learn: Callable[[int], Awaitable[bool]],
        partitions: int,
        prefix: str,
        metrics: Metrics,
        sequels: Callable[[Store], Sequence[Sequel]] = lambda _: (),
        tracing: Tracing | None = None,
        batch_records: int = 2000,
        rebuilds: bool = False,
        whole_log: bool = True,
        back_off_s: tuple[float, float] = (0.5, 10.0),
    ) -> None:
        self._consumer = consumer
        self._open_store = open_store
        self._connect = connect
        self._codec = codec
        self._learn = learn
        self._partitions = partitions
        self._prefix = prefix
        self._metrics = metrics
        self._sequels = sequels
        self._tracing = tracing
        self._batch_records = batch_records
        self._rebuilds = rebuilds
        self._whole_log = whole_log
        self._back_off_s = back_off_s
        self._progress: rebuild.Progress | None = None
        self._topics = [prefix + topic for topic in consumer.topics]
        self._homes: dict[bytes, int] = {}
        self._folding = asyncio.Lock()
        self._reading: Reading | None = None
        self._opened = False
        self._state = "starting"

    def unready(self) -> list[str]:
        """Why nothing, or not all, is folded now; none: it is."""
        reason = self._state if self._reading is None else self._reading.unready
        return [reason] if reason else []

    async def run(self, stop: asyncio.Event) -> None:
        """Fold until `stop`; a commit that is under way is finished.

        Raises RebuildRefusedError, UpgradeError, and Unusable where the store was never open.
        """
        working = asyncio.create_task(self._run())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if working.done():
            working.result()
        async with self._folding:
            working.cancel()
        await asyncio.wait({working})

    async def _run(self) -> None:
        least_s, most_s = self._back_off_s
        pause_s = least_s
        while True:
            begun_s = time.monotonic()
            try:
                await self._once()
            except Fenced as error:
                self._broke("fenced", "another instance has taken over", error)
            except (Away, Unusable) as error:
                if isinstance(error, Unusable) and not self._opened:
                    raise  # a mistake; once it was right, somebody else has changed something
                self._broke("store", "the database is away", error)
            except LogCutError as error:
                self._broke("log", "the log is not the one that was folded", error)
            except (rebuild.RebuildRefusedError, UpgradeError):
                raise
            except (KafkaError, OSError) as error:  # OSError: TimeoutError
                self._broke("kafka", "Kafka is away", error)
            except Exception as error:
                what = "something unexpected, which the log tells"
                self._broke("unexpected", what, error, traced=True)
            if time.monotonic() - begun_s > most_s:
                pause_s = least_s
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - jitter
            pause_s = min(2 * pause_s, most_s)

    def _broke(self, reason: str, what: str, error: Exception, *, traced: bool = False) -> None:
        self._state = f"waiting: {what}"
        self._metrics.broke(reason)
        if traced:
            log.error(what, exc_info=error)
        else:
            log.warning(what, error=str(error) or repr(error))

    async def _once(self) -> None:
        """Until something breaks."""
        async with AsyncExitStack() as ending:
            store = await self._open_store()
            ending.push_async_callback(store.close)
            self._opened = True
            sequels = Sequels(self._sequels(store), self._metrics)
            ending.push_async_callback(sequels.close)
            group = groups.group(self._prefix, self._consumer.name, await groups.identity(store))
            async with asyncio.timeout(CONNECT_TIME_S):
                consumer = await self._connect(group)
            log.info("joining", group=group)
            ending.push_async_callback(discard, consumer, grace_s=LEAVE_TIME_S)
            await self._prepare(consumer, store)
            self._reading = self._read(consumer, store, sequels, group)
            try:
                await self._reading.run(self._topics)
            finally:
                self._reading = None

    async def _prepare(self, consumer: AIOKafkaConsumer, store: Store) -> None:
        # To subscribe to one that is missing could create it, with whatever is a broker's default.
        if missing := {*self._topics} - await consumer.topics():
            raise UnknownTopicOrPartitionError(
                f"{', '.join(sorted(missing))}: run `chargewire topics apply`"
            )
        if self._rebuilds:
            await self._clear(consumer, store)
        if (origin := await store.origin(self._prefix)) != self._prefix:
            raise LogCutError(
                f"the tables are made of the topics {origin}*, not {self._prefix}*: name another "
                "CHARGEWIRE_STORE, or --rebuild"
            )

    async def _clear(self, consumer: AIOKafkaConsumer, store: Store) -> None:
        everything = [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in range(self._partitions)
        ]
        begins = await consumer.beginning_offsets(everything)
        if self._whole_log:
            rebuild.check(begins)
        ends = await consumer.end_offsets(everything)
        await store.clear()
        self._rebuilds = False
        self._progress = rebuild.Progress(begins, ends, time.monotonic())
        log.info("rebuilding", of=sum(ends[at] - begins[at] for at in everything))

    def _read(
        self, consumer: AIOKafkaConsumer, store: Store, sequels: Sequels, group: str
    ) -> Reading:
        return Reading(
            consumer=consumer,
            store=store,
            folder=Folder(store, self._consumer, decode=self._codec.decode, home=self._home),
            membership=Membership(self._topics, self._folding),
            sequels=sequels,
            traces=Traces(self._tracing, self._consumer.name, self._prefix, group),
            learn=self._learn,
            partitions=self._partitions,
            prefix=self._prefix,
            batch_records=self._batch_records,
            metrics=self._metrics,
            progress=self._progress,
        )

    def _home(self, key: bytes) -> int:
        """The partition that a key belongs into; computed once for each station."""
        found = self._homes.get(key)
        if found is None:
            if len(self._homes) >= KNOWN_KEYS:
                self._homes.clear()
            found = self._homes[key] = home(key, self._partitions)
        return found
