"""The topics that say how things are to be, one record for each key: read whole, written by key."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import click

from chargewire.log.reading import DELETED, Log, opened
from chargewire.log.summary import Entry
from chargewire.log.writing import write
from programs import registry
from programs.settings import KafkaSettings
from schemas import topics
from schemas.codec import Codec

State = Mapping[bytes, Mapping[str, Any] | None]
"""Key -> record; None: it was taken away."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of a topic's keys: `written` of them, of `keys`; `unread` names bad records."""

    keys: int
    written: int
    unread: tuple[str, ...]


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
        await write(settings, topic, encoded.items(), written)


async def copy(
    source: KafkaSettings, target: KafkaSettings, topic: str, *, dry_run: bool = False
) -> Copied:
    """Have the target say of each key of the source what the source says; other keys stay.

    Written are only those of which it says something else, each where the target's number of
    partitions wants it. Raises what `reading.run` words.
    """
    unread: list[Entry] = []
    async with opened(source, await registry.codec(source)) as log:
        said = await _read(log, topic, None, unread.append)
    differing: dict[bytes, Mapping[str, Any] | None] = {}

    def decide(there: State) -> State:
        differing.update({key: one for key, one in said.items() if there.get(key) != one})
        return {} if dry_run else differing

    await change(target, topic, said.keys(), decide)
    places = (f"{source.prefix}{topic}-{one.partition}, {one.offset}" for one in unread)
    return Copied(len(said), len(differing), tuple(places))


async def _read(
    log: Log,
    topic: str,
    keys: Collection[bytes] | None,
    unread: Callable[[Entry], None] = lambda _: None,
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
                else:
                    unread(entry)
    return found


def _encoded(codec: Codec, topic: str, record: Mapping[str, Any] | None) -> bytes | None:
    try:
        return None if record is None else codec.encode(topic, record)
    except KeyError as error:
        raise click.ClickException(
            f"the schema registry does not have the schema of {topic}: "
            "`chargewire schemas register` gives it one."
        ) from error
