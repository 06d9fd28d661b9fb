"""Writes records for an operator, and returns when all of them are acknowledged."""

import asyncio
import itertools
from collections.abc import Callable, Iterable

from chargewire.log.reading import quiet
from programs.kafka.clients import discard, open_producer
from programs.settings import KafkaSettings
from schemas.replying import Headers

_AT_ONCE = 2000  # records under way
_ACK_TIME_S = 30.0
_END_TIME_S = 5.0


async def write(
    settings: KafkaSettings,
    topic: str,
    records: Iterable[tuple[bytes, bytes | None]],
    written: Callable[[int], None] = lambda _: None,
    headers: Callable[[bytes], Headers] = lambda _: (),
) -> None:
    """Write keys and values to a topic (without prefix); `written` counts them as they are safe.

    `headers` tells by key what a record carries.

    All are acknowledged by all in-sync replicas when it returns; TimeoutError says how many were
    when it gave up. Raises what `reading.run` words.
    """
    with quiet():
        producer = await open_producer(
            settings.client_options(),
            frame_limit_bytes=settings.frame_limit_bytes,
            ack_time_s=_ACK_TIME_S,
        )
    done, left, name = 0, iter(records), settings.prefix + topic
    try:
        while part := list(itertools.islice(left, _AT_ONCE)):
            async with asyncio.timeout(_ACK_TIME_S):
                # Without a partition the client chooses it as Kafka's own does, by murmur2.
                sent = [
                    await producer.send(name, value, key, headers=[*headers(key)])
                    for key, value in part
                ]
                await asyncio.gather(*sent)
            done += len(part)
            written(len(part))
    except TimeoutError as error:
        raise TimeoutError(f"{done} records are written; say it all again") from error
    finally:
        await discard(producer, _END_TIME_S)
