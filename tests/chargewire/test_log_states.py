"""Topics with one record for each key, read whole and written by key, on a real Kafka."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from click import ClickException

from chargewire.log.states import change, state
from programs.settings import KafkaSettings
from schemas.topics import partition
from tests.log import create

PARTITIONS = 3
TOKEN = {"token": "A", "type": "Central", "status": "Accepted"}


@pytest.fixture
async def settings(kafka, prefix):
    await create(kafka.bootstrap, [f"{prefix}id-tokens"], partitions=PARTITIONS)
    return KafkaSettings(kafka=kafka.bootstrap, prefix=prefix, partitions=PARTITIONS)


def token(name):
    return TOKEN | {"token": name, "expires_at": None, "group": None, "lists": None}


@pytest.mark.kafka
async def test_the_last_record_of_a_key_counts(settings):
    """One without a value takes the key away, which is told."""
    names = [f"t{number}" for number in range(20)]
    await change(
        settings, "id-tokens", [], lambda _: {name.encode(): token(name) for name in names}
    )
    seen = {}

    def decide(there):
        seen.update(there)
        return {b"t3": None, b"t4": token("T4")}

    await change(settings, "id-tokens", [b"t3", b"t4", b"none"], decide)
    assert seen == {b"t3": token("t3"), b"t4": token("t4")}
    found = await state(settings, "id-tokens")
    assert (len(found), found[b"t3"], found[b"t4"]) == (20, None, token("T4"))
    assert await state(settings, "id-tokens", [b"t4"]) == {b"t4": token("T4")}


@pytest.mark.kafka
async def test_records_lie_where_every_writer_puts_them(settings):
    """By murmur2 of the key: a consumer refuses others."""
    names = [f"t{number}" for number in range(20)]
    counted = []
    await change(
        settings,
        "id-tokens",
        [],
        lambda _: {name.encode(): token(name) for name in names},
        written=counted.append,
    )
    assert sum(counted) == 20
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        topic = f"{settings.prefix}id-tokens"
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        left = 20
        while left:
            for at, records in (await consumer.getmany(timeout_ms=200)).items():
                assert {partition(one.key, PARTITIONS) for one in records} == {at.partition}
                left -= len(records)
    finally:
        await consumer.stop()


@pytest.mark.kafka
async def test_what_cannot_be_read_hides_nothing(settings):
    """A record of somebody who does not know the contract."""
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka) as producer:
        await producer.send_and_wait(f"{settings.prefix}id-tokens", b"{}", b"t")
    await change(settings, "id-tokens", [], lambda _: {b"t": token("t")})
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka) as producer:
        await producer.send_and_wait(f"{settings.prefix}id-tokens", b"{}", b"u")
    assert await state(settings, "id-tokens") == {b"t": token("t")}


@pytest.mark.kafka
async def test_no_topic_is_an_error_and_none_is_made(kafka, prefix):
    """With what to do about it."""
    settings = KafkaSettings(kafka=kafka.bootstrap, prefix=prefix)
    with pytest.raises(ClickException, match="chargewire topics apply"):
        await change(settings, "id-tokens", [], lambda _: {b"t": token("t")})
