from dataclasses import replace

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError

from deploy.local.kafka import Broker
from programs.kafka import admin
from programs.settings import KafkaSettings
from schemas.topics import Change, Layout, layouts, plan


@pytest.fixture
def settings(kafka: Broker, prefix: str) -> KafkaSettings:
    return KafkaSettings(kafka=kafka.bootstrap, prefix=prefix, partitions=2)


def small(prefix: str, **options: str) -> dict[str, Layout]:
    """Two topics of the table; making all of them takes a broker seconds."""
    wanted = layouts(prefix, partitions=2, replication=1)
    chosen = {prefix + name: wanted[prefix + name] for name in ("commands", "stations")}
    return {
        name: replace(layout, config={**layout.config, **options})
        for name, layout in chosen.items()
    }


@pytest.mark.kafka
async def test_topics_are_made_and_altered_until_the_plan_is_empty(settings: KafkaSettings) -> None:
    """What the plan says is carried out, and a second plan finds nothing left to do."""
    assert await admin.existing(settings) == {}
    wanted = small(settings.prefix)
    await admin.apply(settings, plan({}, wanted))
    assert plan(await admin.existing(settings), wanted) == []
    longer = small(settings.prefix, **{"retention.ms": "123456789"})
    changes = plan(await admin.existing(settings), longer)
    assert [change.kind for change in changes] == ["alter", "alter"]
    await admin.apply(settings, changes)
    assert plan(await admin.existing(settings), longer) == []


@pytest.mark.kafka
async def test_altering_one_option_keeps_what_others_have_set(settings: KafkaSettings) -> None:
    """An operator's own options on a topic survive `topics apply`."""
    wanted = small(settings.prefix, **{"flush.ms": "3600000"})
    await admin.apply(settings, plan({}, wanted))
    longer = small(settings.prefix, **{"retention.ms": "123456789"})
    await admin.apply(settings, plan(await admin.existing(settings), longer))
    found = await admin.existing(settings)
    assert {layout.config["flush.ms"] for layout in found.values()} == {"3600000"}
    assert {layout.config["retention.ms"] for layout in found.values()} == {"123456789"}


@pytest.mark.kafka
async def test_making_a_topic_twice_is_no_error(settings: KafkaSettings) -> None:
    """Two gateways or operators may start at the same time."""
    changes = plan({}, small(settings.prefix))
    await admin.apply(settings, changes)
    await admin.apply(settings, changes)


@pytest.mark.kafka
async def test_what_kafka_refuses_names_the_topic(settings: KafkaSettings) -> None:
    """More replicas than brokers is Kafka's own error, with the name of the topic."""
    name = f"{settings.prefix}commands"
    with pytest.raises(KafkaError, match=rf"{name}: .*replication"):
        await admin.apply(settings, [Change("create", name, Layout(2, 3), "")])


@pytest.mark.kafka
async def test_a_gateway_is_told_what_it_lacks(settings: KafkaSettings) -> None:
    """Missing topics, and single replicas unless they are allowed, keep a gateway from starting."""
    await admin.apply(settings, plan({}, small(settings.prefix)))
    missing = await admin.unfit(settings, allow_single_replica=True)
    assert [line.rpartition(": ")[2] for line in missing] == [
        "missing; run `chargewire topics apply`"
    ]
    found = await admin.unfit(settings, allow_single_replica=False)
    names = f"{settings.prefix}commands, {settings.prefix}stations"
    assert any(line.startswith(f"{names}: replication 1, not 3; ") for line in found)


async def test_no_kafka_is_a_kafka_error() -> None:
    """A wrong address raises what callers of aiokafka expect."""
    settings = KafkaSettings(kafka="127.0.0.1:1")
    with pytest.raises(KafkaConnectionError):
        await admin.existing(settings)
