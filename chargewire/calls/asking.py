"""Asks stations for something through the log, and reads what comes of it."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chargewire.calls.traces import CallTraces
from chargewire.log.reading import Log, opened
from chargewire.log.summary import Entry
from chargewire.log.writing import write
from chargewire.stations.presence import fold
from programs import registry
from programs.settings import KafkaSettings
from schemas import topics
from schemas.codec import Codec

Record = Mapping[str, Any]

# After a command has expired, its result may still be under way: where its gateway died, the
# consumer of commands gives up what was taken a minute later (CHARGEWIRE_ANSWER_WAIT_S).
PATIENCE_S = 75.0


async def put(
    settings: KafkaSettings, commands: Sequence[Record], traces: CallTraces | None = None
) -> None:
    """Write records of `commands`, and no more. Raises what `reading.run` words."""
    await _put(settings, await registry.codec(settings), commands, traces)


async def ask(
    settings: KafkaSettings,
    commands: Sequence[Record],
    *,
    ended: Callable[[Record], None],
    traces: CallTraces | None = None,
) -> list[Record]:
    """Write records of `commands`; returns those that had no result until they must have had one.

    `ended` gets the first result of each. Raises what `reading.run` words.
    """
    codec = await registry.codec(settings)
    waiting = {command["command_id"]: command for command in commands}
    until_s = max(command["expires_at"] for command in commands) / 1000 + PATIENCE_S
    keys = {command["station"].encode() for command in commands}
    async with opened(settings, codec) as log:
        results = log.read(
            await _places(log, keys), since=None, follow=True, keep=lambda raw: raw.key in keys
        )
        # Read from the end of the log as it is now, and only then ask: so no result is missed.
        await anext(results)
        await _put(settings, codec, commands, traces)
        try:
            async with asyncio.timeout(until_s - time.time()):
                async for entries in results:
                    for entry in entries:
                        record = entry.record
                        if record and waiting.pop(record["command_id"], None):
                            ended(record)
                    if not waiting:
                        break
        except TimeoutError:
            pass
    return [*waiting.values()]


async def connected(settings: KafkaSettings) -> list[str]:
    """The stations that are connected now, by the connection log. Raises what `run` words."""
    entries: list[Entry] = []
    async with opened(settings, await registry.codec(settings)) as log:
        places = await log.partitions(["connections"])
        async for read in log.read(places, since=0, follow=False):
            entries += read
    return [row.station for row in fold(entries) if row.connected]


async def _put(
    settings: KafkaSettings,
    codec: Codec,
    commands: Sequence[Record],
    traces: CallTraces | None,
) -> None:
    records = (
        (command["station"].encode(), codec.encode("commands", command)) for command in commands
    )
    if traces is None:
        await write(settings, "commands", records)
    else:
        await write(settings, "commands", records, headers=traces.headers)
        traces.written()


async def _places(log: Log, keys: set[bytes]) -> list[Any]:
    places = await log.partitions(["command-results"])
    homes = {topics.partition(key, len(places)) for key in keys}
    return [place for place in places if place.partition in homes]
