"""Reads and changes the topics of a Kafka cluster."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from programs.settings import KafkaSettings
from schemas.topics import Change, Layout, faults, layouts

# DescribeConfigs: the option was set on the topic itself (KIP-226).
_SET_ON_TOPIC = 1
EFFECT_TIME_S = 60.0


async def existing(settings: KafkaSettings) -> dict[str, Layout]:
    """Full name -> layout of every topic that begins with the prefix, with all effective options.

    Raises KafkaError, OSError where Kafka cannot be reached or does not let us in.
    """
    async with _opened(settings) as admin:
        return await _layouts(admin, settings.prefix)


async def apply(settings: KafkaSettings, changes: Iterable[Change]) -> None:
    """Carry out the creations and alterations of a plan, and wait until they are in effect.

    What the plan refuses is left alone; a topic that somebody else creates meanwhile is fine.
    Raises KafkaError with the topic's name, OSError, TimeoutError (after EFFECT_TIME_S).
    """
    steps = list(changes)
    created = [change for change in steps if change.kind == "create"]
    altered = {change.topic: change.layout.config for change in steps if change.kind == "alter"}
    async with _opened(settings) as admin:
        if created:
            await _create(admin, created)
        if altered:
            await _alter(admin, altered)
        await _in_effect(
            admin, {change.topic: change.layout.config for change in created} | altered
        )


async def unfit(settings: KafkaSettings, *, allow_single_replica: bool) -> list[str]:
    """Why a gateway must not start on these topics, one line for each reason; see topics.faults.

    Raises KafkaError, OSError where Kafka cannot be reached or does not let us in.
    """
    wanted = layouts(
        settings.prefix,
        partitions=settings.partitions,
        frame_limit_bytes=settings.frame_limit_bytes,
    )
    return faults(await existing(settings), wanted, allow_single_replica=allow_single_replica)


@asynccontextmanager
async def _opened(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**settings.client_options())
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _layouts(admin: AIOKafkaAdminClient, prefix: str) -> dict[str, Layout]:
    names = [name for name in await admin.list_topics() if name.startswith(prefix)]
    if not names:
        return {}
    options = await _options(admin, names)
    found: dict[str, Layout] = {}
    for topic in await admin.describe_topics(names):
        partitions = topic["partitions"]
        replication = min((len(row["replicas"]) for row in partitions), default=0)
        config = {name: value for name, (value, _) in options[topic["topic"]].items()}
        found[topic["topic"]] = Layout(len(partitions), replication, config)
    return found


async def _options(
    admin: AIOKafkaAdminClient, topics: Iterable[str]
) -> dict[str, dict[str, tuple[str, bool]]]:
    """Topic -> option -> (effective value, whether it was set on the topic itself)."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for response in await admin.describe_configs(resources):
        for code, message, _, name, entries in response.resources:
            _raise_for(code, message, name)
            found[name] = {entry[0]: (entry[1], entry[3] == _SET_ON_TOPIC) for entry in entries}
    return found


async def _create(admin: AIOKafkaAdminClient, changes: list[Change]) -> None:
    topics = [
        NewTopic(
            change.topic,
            change.layout.partitions,
            change.layout.replication,
            topic_configs=dict(change.layout.config),
        )
        for change in changes
    ]
    response = await admin.create_topics(topics)
    for name, code, message, *_ in response.topic_errors:
        if code != TopicAlreadyExistsError.errno:
            _raise_for(code, message, name)


async def _alter(admin: AIOKafkaAdminClient, altered: Mapping[str, Mapping[str, str]]) -> None:
    """Set options and keep the others: AlterConfigs by itself takes back whatever is not named."""
    options = await _options(admin, altered)
    resources = []
    for name, wanted in altered.items():
        own = {option: value for option, (value, set_here) in options[name].items() if set_here}
        resources.append(ConfigResource(ConfigResourceType.TOPIC, name, {**own, **wanted}))
    for response in await admin.alter_configs(resources):
        for code, message, _, name in response.resources:
            _raise_for(code, message, name)


async def _in_effect(admin: AIOKafkaAdminClient, wanted: Mapping[str, Mapping[str, str]]) -> None:
    """Wait until the brokers show what the controller has accepted: they lag behind by seconds.

    Whoever reads and alters again before that would take back what was altered first.
    """
    try:
        async with asyncio.timeout(EFFECT_TIME_S):
            while not await _shown(admin, wanted):  # noqa: ASYNC110 - Kafka tells nobody
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise TimeoutError(
            f"What was changed is not in effect after {EFFECT_TIME_S:g} s; look again later."
        ) from None


async def _shown(admin: AIOKafkaAdminClient, wanted: Mapping[str, Mapping[str, str]]) -> bool:
    try:
        options = await _options(admin, wanted) if wanted else {}
    except UnknownTopicOrPartitionError:
        return False
    return all(
        options[topic].get(option, ("", False))[0] == value
        for topic, config in wanted.items()
        for option, value in config.items()
    )


def _raise_for(code: int, message: str | None, topic: str) -> None:
    if code:
        kind: Any = for_code(code)
        error: KafkaError = kind(f"{topic}: {message or kind.description}")
        raise error
