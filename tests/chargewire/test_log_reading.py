"""Reading the log of a real Kafka: to its end, from a time, on and on; and what can go wrong."""

import asyncio
import logging
from collections.abc import AsyncIterator

import click
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

from chargewire.log.reading import Log, NoBroker, opened, quiet, run
from chargewire.log.summary import Entry
from deploy.local.ports import free_port
from programs.settings import KafkaSettings
from schemas.codec import Codec
from tests.log import create

CODEC = Codec({"decisions": 1})
PARTITIONS = 3


def settings(bootstrap: str, prefix: str) -> KafkaSettings:
    return KafkaSettings(kafka=bootstrap, prefix=prefix, partitions=PARTITIONS)


async def write(bootstrap: str, topic: str, *records: tuple[int, str, int, bytes | None]) -> None:
    """Write (partition, key, epoch milliseconds, value)."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for partition, key, at_ms, value in records:
            await producer.send_and_wait(
                topic, value, key.encode(), partition=partition, timestamp_ms=at_ms
            )


def decision(event_id: str) -> bytes:
    record = {"event_id": event_id, "station": "CS-1", "response": "{}", "decided_by": "t", "at": 1}
    return CODEC.encode("decisions", record)


def ids(entries: list[Entry]) -> list[str]:
    return [entry.record["event_id"] if entry.record else entry.problem for entry in entries]


async def drained(batches: AsyncIterator[list[Entry]]) -> list[str]:
    return [one async for batch in batches for one in ids(batch)]


@pytest.fixture
async def log(kafka, prefix) -> AsyncIterator[Log]:
    await create(kafka.bootstrap, [f"{prefix}decisions"], partitions=PARTITIONS)
    async with opened(settings(kafka.bootstrap, prefix), CODEC) as log:
        yield log


@pytest.mark.kafka
async def test_the_log_is_read_to_its_end_over_all_partitions(kafka, prefix, log):
    """In the order of time, and then it is over."""
    records = [(0, "a", 1000, "one"), (1, "b", 1001, "two"), (2, "c", 1002, "three")]
    await write(
        kafka.bootstrap, f"{prefix}decisions", *((*at, decision(name)) for *at, name in records)
    )
    places = await log.partitions(["decisions"])
    assert len(places) == PARTITIONS
    found = await drained(log.read(places, since=0, follow=False))
    assert sorted(found) == ["one", "three", "two"]


@pytest.mark.kafka
async def test_an_empty_log_ends_at_once(log):
    """There is nothing to wait for."""
    places = await log.partitions(["decisions"])
    assert await drained(log.read(places, since=0, follow=False)) == []


@pytest.mark.kafka
async def test_clients_that_do_not_end_keep_nobody(kafka, prefix, monkeypatch):
    """Whoever pressed Ctrl-C is not to wait for what Kafka's client waits for."""

    async def ends_never(_: object) -> None:
        await asyncio.Event().wait()

    end = AIOKafkaAdminClient.close
    with monkeypatch.context() as broken:
        broken.setattr("chargewire.log.reading.END_TIME_S", 0.1)
        broken.setattr(AIOKafkaConsumer, "stop", ends_never)
        broken.setattr(AIOKafkaAdminClient, "close", ends_never)
        async with asyncio.timeout(60):
            async with opened(settings(kafka.bootstrap, prefix), CODEC) as log:
                pass
    await log.consumer.stop()
    await end(log._admin)


@pytest.mark.kafka
async def test_reading_begins_at_a_time(kafka, prefix, log):
    """What is older is not fetched; a partition without anything newer is read from its end."""
    await write(
        kafka.bootstrap,
        f"{prefix}decisions",
        (0, "a", 1000, decision("old")),
        (0, "a", 9000, decision("new")),
        (1, "b", 1000, decision("older")),
    )
    places = await log.partitions(["decisions"])
    assert await drained(log.read(places, since=5000, follow=False)) == ["new"]


@pytest.mark.kafka
async def test_following_goes_on_with_what_is_written_later(kafka, prefix, log):
    """An empty batch tells that the end is reached; from then on it is live."""
    topic = f"{prefix}decisions"
    await write(kafka.bootstrap, topic, (0, "a", 1000, decision("before")))
    places = await log.partitions(["decisions"])
    batches = log.read(places, since=None, follow=True)
    async with asyncio.timeout(60):
        assert await anext(batches) == []
        await write(kafka.bootstrap, topic, (2, "c", 1000, decision("after")))
        assert ids(await anext(batches)) == ["after"]
    await batches.aclose()


@pytest.mark.kafka
async def test_records_can_be_left_out_before_they_are_decoded(kafka, prefix, log):
    """By key, as for one station: the bytes of others may be anything."""
    topic = f"{prefix}decisions"
    await write(
        kafka.bootstrap, topic, (0, "x", 1, b"\0\0\0\0\1corrupt"), (0, "a", 2, decision("mine"))
    )
    places = await log.partitions(["decisions"])
    keep = {"keep": lambda raw: raw.key == b"a"}
    assert await drained(log.read(places, since=0, follow=False, **keep)) == ["mine"]


@pytest.mark.kafka
async def test_what_cannot_be_decoded_is_told_and_passed_over(kafka, prefix, log):
    """Foreign bytes, unknown schemas and deletions are lines like others."""
    topic = f"{prefix}decisions"
    values = (b"plain text", b"\0\0\0\0\7x", None, decision("good"))
    await write(kafka.bootstrap, topic, *((0, "a", at, value) for at, value in enumerate(values)))
    places = await log.partitions(["decisions"])
    found = await drained(log.read(places, since=0, follow=False))
    assert [word for word in ("magic", "schema id 7", "deleted", "good") if word in str(found)]
    assert len(found) == 4
    assert found[2:] == ["deleted", "good"]


@pytest.mark.kafka
async def test_an_unknown_topic_is_an_error_with_near_names(log, prefix):
    """In the words of whoever typed it."""
    with pytest.raises(click.ClickException, match=f"no topic {prefix}decision; there are decis"):
        await log.partitions(["decision"])


@pytest.mark.kafka
async def test_a_prefix_without_topics_says_how_to_make_them(kafka):
    """Most often the prefix is misspelt, or nobody has created anything."""
    async with opened(settings(kafka.bootstrap, "nobody."), CODEC) as log:
        with pytest.raises(click.ClickException, match="chargewire topics apply"):
            await log.partitions(["connections"])


def test_no_broker_is_an_error_that_says_what_to_do():
    """Within seconds, and without a traceback."""
    address = f"127.0.0.1:{free_port()}"

    async def work() -> None:
        async with opened(settings(address, "ocpp."), CODEC):
            raise AssertionError("nobody listens there")

    with pytest.raises(NoBroker, match=f"no Kafka answers at {address}.*\n.*chargewire up"):
        run(work(), address)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError("certificate verify failed"), " (certificate verify failed)"),
        (TimeoutError(), " (TimeoutError)"),
        (ConnectionRefusedError(111, "Connection refused"), ""),
    ],
)
def test_why_no_broker_answers_is_told(error: OSError, why: str, capsys: pytest.CaptureFixture):
    """Kafka's client has it in a line of its log alone, which is not shown."""

    async def work() -> None:
        with quiet():
            logging.getLogger("aiokafka").error('Unable connect to "%s:%s": %s', "k", 1, error)
            raise KafkaConnectionError("Unable to bootstrap")

    with pytest.raises(NoBroker) as caught:
        run(work(), "k:1")
    assert caught.value.message.startswith(f"no Kafka answers at k:1{why}.\n")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TimeoutError(), "Kafka at k:1 takes too long."),
        (TimeoutError("Look again later."), "Kafka at k:1 takes too long. Look again later."),
        (OSError(113, "No route to host"), "Kafka at k:1: [Errno 113] No route to host"),
    ],
)
def test_what_the_network_raises_is_a_line_for_a_person(error: OSError, told: str):
    """Also where the error itself has no text."""

    async def work() -> None:
        raise error

    with pytest.raises(click.ClickException) as raised:
        run(work(), "k:1")
    assert raised.value.message == told
