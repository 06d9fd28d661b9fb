"""Reads the log for a person: from some point to its end, or on and on."""

import asyncio
import difflib
import logging
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

import click
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from chargewire.log.summary import Entry, merged
from programs import registry
from programs.kafka.clients import discard
from programs.settings import KafkaSettings
from schemas.codec import Codec, CorruptRecord, UnknownSchemaId

_R = TypeVar("_R")
_POLL_MS = 200
_BATCH = 2000
END_TIME_S = 2.0
DELETED = "deleted"
"""The problem of a record that has no value: its key was taken away."""
Since = int | None
"""Epoch milliseconds to begin at, 0: the beginning of the log; None: its end."""


class NoBroker(click.ClickException):
    """Kafka cannot be reached, or does not let us in."""

    def __init__(self, kafka: str, why: str = "") -> None:
        super().__init__(
            f"no Kafka answers at {kafka}{f' ({why})' if why else ''}.\n"
            "Start one with `chargewire up`, or name yours with --kafka or CHARGEWIRE_KAFKA."
        )


def run(work: Coroutine[Any, Any, _R], kafka: str) -> _R:
    """Run a coroutine to its end; what Kafka's clients raise becomes a line for a person."""
    try:
        return asyncio.run(work)
    except registry.RegistryError as error:
        raise click.ClickException(str(error)) from error
    except BrokenPipeError:  # the reader of our output went away
        raise
    except TimeoutError as error:
        raise click.ClickException(f"Kafka at {kafka} takes too long. {error}".strip()) from error
    except OSError as error:
        raise click.ClickException(f"Kafka at {kafka}: {error}") from error
    except KafkaConnectionError as error:
        raise NoBroker(kafka, " ".join(getattr(error, "__notes__", ()))) from error
    except KafkaError as error:
        raise click.ClickException(f"Kafka at {kafka} says: {error}") from error


class Log:
    """The topics of one prefix, as one consumer without a group sees them."""

    def __init__(
        self,
        admin: AIOKafkaAdminClient,
        consumer: AIOKafkaConsumer,
        codec: Codec,
        settings: KafkaSettings,
    ) -> None:
        self._admin = admin
        self.consumer = self._consumer = consumer
        self._codec = codec
        self._settings = settings
        self._prefix = settings.prefix
        self._asked: set[int] = set()

    async def topics(self) -> set[str]:
        """The topics that exist, without prefix."""
        names = await self._admin.list_topics()
        return {name.removeprefix(self._prefix) for name in names if name.startswith(self._prefix)}

    async def partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        """All partitions of these topics; a topic that does not exist is an error with a hint."""
        wanted, known = list(topics), await self.topics()
        for topic in wanted:
            if topic not in known:
                raise no_topic(self._prefix, topic, known)
        described = await self._admin.describe_topics([self._prefix + topic for topic in wanted])
        return [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]

    async def read(
        self,
        partitions: Collection[TopicPartition],
        *,
        since: Since,
        follow: bool,
        keep: Callable[[ConsumerRecord], bool] = lambda _: True,
    ) -> AsyncIterator[list[Entry]]:
        """Yield records batch by batch, those of a batch by time; `keep` sees them undecoded.

        Ends at the end of the log as it was when reading began, unless told to `follow`; then an
        empty batch tells that this end is reached.
        """
        consumer = self._consumer
        consumer.assign(list(partitions))
        ends = await consumer.end_offsets(list(partitions))
        await self._seek(partitions, since, ends)
        told_end = False
        while True:
            if not told_end and await self._reached(ends):
                if not follow:
                    return
                told_end = True
                yield []
            batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
            kept = [
                [await self.entry(raw) for raw in batch if keep(raw)] for batch in batches.values()
            ]
            if entries := merged(kept):
                yield entries

    async def _seek(
        self,
        partitions: Collection[TopicPartition],
        since: Since,
        ends: Mapping[TopicPartition, int],
    ) -> None:
        if since == 0:
            await self._consumer.seek_to_beginning(*partitions)
            return
        found: Mapping[TopicPartition, Any] = {}
        if since is not None:
            found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, since))
        for partition in partitions:
            at = found.get(partition)
            self._consumer.seek(partition, ends[partition] if at is None else at.offset)

    async def _reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        for partition, end in ends.items():
            if await self._consumer.position(partition) < end:
                return False
        return True

    async def entry(self, raw: ConsumerRecord) -> Entry:
        """A record decoded; of a schema that is not known, the registry is asked once."""
        topic = raw.topic.removeprefix(self._prefix)
        record, problem = None, "" if raw.value is not None else DELETED
        while record is None and not problem:
            try:
                record = self._codec.decode(raw.value)[1]
            except UnknownSchemaId as error:
                if error.schema_id in self._asked:
                    problem = str(error)
                else:  # its writer is newer than we are: once, ask the registry
                    self._asked.add(error.schema_id)
                    await registry.learn(self._codec, self._settings, error.schema_id)
            except CorruptRecord as error:
                problem = str(error)
        return Entry(topic, raw.partition, raw.offset, raw.timestamp, raw.key, record, problem)


@asynccontextmanager
async def opened(settings: KafkaSettings, codec: Codec) -> AsyncIterator[Log]:
    """Connect to the log. KafkaConnectionError when there is none; `run` words it."""
    admin = AIOKafkaAdminClient(**settings.client_options())
    consumer = AIOKafkaConsumer(
        **settings.client_options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4_194_304,
        fetch_max_wait_ms=_POLL_MS,
    )
    try:
        with quiet():
            await admin.start()
            await consumer.start()
        yield Log(admin, consumer, codec, settings)
    finally:
        # Their own ways to end may wait for ever; whoever pressed Ctrl-C does not.
        await discard(consumer, END_TIME_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_TIME_S):
                await admin.close()


@contextmanager
def quiet() -> Iterator[None]:
    """Without aiokafka's own lines about a broker that is not there: `run` says that better.

    Only those lines know the reason, so the error takes the last one along as a note.
    """
    log, heard = logging.getLogger("aiokafka"), _Heard()
    before = log.propagate
    log.propagate = False
    log.addHandler(heard)
    try:
        yield
    except KafkaConnectionError as error:
        error.add_note(heard.reason)
        raise
    finally:
        log.removeHandler(heard)
        log.propagate = before


class _Heard(logging.Handler):
    """Keeps why a broker could not be connected to; that it refused is no more than its absence."""

    def __init__(self) -> None:
        super().__init__()
        self.reason = ""

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith("Unable connect to") and isinstance(record.args, tuple):
            error = record.args[-1]
            said = str(error) or type(error).__name__  # a socket that was just closed says nothing
            self.reason = "" if isinstance(error, ConnectionRefusedError) else said


def no_topic(prefix: str, topic: str, known: Collection[str]) -> click.ClickException:
    """Say that a topic does not exist, and which names come near."""
    if not known:
        return click.ClickException(
            f"there are no topics that begin with {prefix!r}.\n"
            "Create them with `chargewire topics apply`, or name your --prefix."
        )
    near = difflib.get_close_matches(topic, sorted(known), n=3, cutoff=0.4) or sorted(known)
    return click.ClickException(f"no topic {prefix}{topic}; there are {', '.join(near)}")
