"""The topics that say how things are to be, one record for each key: read whole, written by key."""

import asyncio
import itertools
from collections.abc import Callable, Collection, Mapping
from typing import Any

import click

from chargewire.reading import DELETED, Log, opened, quiet
from schemas import registry, topics
from schemas.codec import Codec
from schemas.kafka_clients import discard, open_producer
from schemas.settings import KafkaSettings

State = Mapping[bytes, Mapping[str, Any] | None]
"""Key -> record; None: it was taken away."""

_AT_ONCE = 2000  # records under way
_ACK_TIME_S = 30.0
_END_TIME_S = 5.0


async def state(
    settings: KafkaSettings, topic: str, keys: Collection[bytes] | None = None
) -> dict[bytes, Mapping[str, Any] | None]:
    """What a topic says of these keys, of all of them by default; a key without record is absent.

    Records that cannot be read are passed over. Raises what `reading.run` words.
    """
    async with opened(settings, await registry.codec(settings)) as log:
        return await _read(log, topic, keys)


async def change(
    settings: KafkaSettings,
    topic: str,
    keys: Collection[bytes],
    decide: Callable[[State], State],
    *,
    written: Callable[[int], None] = lambda _: None,
) -> None:
    """Write what `decide` makes of what the topic says of the keys; `written` counts records.

    All are acknowledged by all in-sync replicas when it returns; TimeoutError says how many were
    when it gave up. Raises what `reading.run` words.
    """
    codec = await registry.codec(settings)
    async with opened(settings, codec) as log:
        wanted = decide(await _read(log, topic, keys))
    encoded = {key: _encoded(codec, topic, record) for key, record in wanted.items()}
    if encoded:
        await _write(settings, topic, encoded, written)


async def _read(
    log: Log, topic: str, keys: Collection[bytes] | None
) -> dict[bytes, Mapping[str, Any] | None]:
    places = await log.partitions([topic])
    if keys is not None:
        homes = {topics.partition(key, len(places)) for key in keys}
        places = [place for place in places if place.partition in homes]
    found: dict[bytes, Mapping[str, Any] | None] = {}
    if places:
        async for entries in log.read(
            places, since=0, follow=False, keep=lambda raw: keys is None or raw.key in keys
        ):
            for entry in sorted(entries, key=lambda entry: entry.offset):
                if entry.key is not None and entry.problem in ("", DELETED):
                    found[entry.key] = entry.record
    return found


def _encoded(codec: Codec, topic: str, record: Mapping[str, Any] | None) -> bytes | None:
    try:
        return None if record is None else codec.encode(topic, record)
    except KeyError as error:
        raise click.ClickException(
            f"the schema registry does not have the schema of {topic}: "
            "`chargewire schemas register` gives it one."
        ) from error


async def _write(
    settings: KafkaSettings,
    topic: str,
    encoded: Mapping[bytes, bytes | None],
    written: Callable[[int], None],
) -> None:
    with quiet():
        producer = await open_producer(
            settings.client_options(),
            frame_limit_bytes=settings.frame_limit_bytes,
            ack_time_s=_ACK_TIME_S,
        )
    done, left = 0, iter(encoded.items())
    try:
        while part := list(itertools.islice(left, _AT_ONCE)):
            async with asyncio.timeout(_ACK_TIME_S):
                # Without a partition the client chooses it as Kafka's own does, by murmur2.
                sent = [
                    await producer.send(settings.prefix + topic, value, key) for key, value in part
                ]
                await asyncio.gather(*sent)
            done += len(part)
            written(len(part))
    except TimeoutError as error:
        raise TimeoutError(
            f"{done} of {len(encoded)} records are written; say it all again"
        ) from error
    finally:
        await discard(producer, _END_TIME_S)
