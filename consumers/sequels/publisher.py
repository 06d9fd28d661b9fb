"""Puts the rows of public tables on topics: what was committed, and nothing else."""

import asyncio
import time
from collections.abc import Mapping

from consumers.sequels.running import FactsOf, Parts, Sequel
from consumers.stores import outbox
from consumers.stores.changes import Ownership
from consumers.stores.outbox import Outgoing
from consumers.stores.store import Away, Fenced
from consumers.tables.projections import Consumer
from consumers.tables.schemas import GENERATION, REVISION, record, topic

PASS_TIME_S = 5.0  # of those that a sequel has
COUNT_EVERY_S = 15.0  # counting costs as much as there is, after a rebuild all rows


def published(consumer: Consumer, choice: str) -> frozenset[str]:
    """The names of the tables whose rows are published; `choice` is CHARGEWIRE_PUBLISH."""
    match choice:
        case "on":
            return consumer.published
        case "auto":  # tables that are only appended to are as large as the log
            appended = (projection.appended for projection in consumer.projections)
            return consumer.published.difference(*appended)
    return frozenset()


def sequel(parts: Parts) -> Sequel:
    """What publishes for one store."""
    return Publisher(parts)


class Publisher:
    """About once a second, all rows that have changed since; of each row the newest state.

    A record is written at least once, with its state at that time; readers keep the highest
    (generation, revision) of a key. A number that is not caught up with waits: so rows that are
    made anew only collect, and what comes out the same is not written again.
    """

    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._producer = parts.producer
        self._metrics = parts.metrics
        self._count_s = 0.0  # when next
        # How far rows are compared after a rebuild: number -> generation, the last place.
        self._compared: dict[int, tuple[int, outbox.Place]] = {}

    async def committed(self, facts: FactsOf) -> None:
        """The outbox has it."""

    async def woken(self, owned: Mapping[int, Ownership]) -> None:
        """Publish what waits, in turn for all numbers. Raises what Store and Producer raise."""
        end_s = time.monotonic() + PASS_TIME_S
        await self._count(owned)
        due = await outbox.due(self._store, owned)
        failure: Exception | None = None
        while due:
            for number, settled in [*due.items()]:
                more, generation = True, owned[number].generation
                try:
                    if settled:
                        more = await self._some(number, generation)
                    else:
                        due[number] = await self._settled(number, generation)
                except Fenced:
                    more = False  # whoever has it now publishes it
                except Away:
                    raise
                except Exception as error:  # others may be luckier
                    more, failure = False, failure or error
                if not more:
                    del due[number]
            if time.monotonic() >= end_s:
                break
        if failure is not None:
            raise failure

    async def _count(self, owned: Mapping[int, Ownership]) -> None:
        if (now_s := time.monotonic()) >= self._count_s:
            self._count_s = now_s + COUNT_EVERY_S
            self._metrics.outbox_rows.set(await outbox.waiting(self._store, owned))

    async def _settled(self, number: int, generation: int) -> bool:
        """Compare some more rows of a number with their topics; returns whether these were all."""
        since, after = self._compared.get(number, (generation, outbox.FIRST))
        if since != generation:
            after = outbox.FIRST
        place = await outbox.settle(self._store, number, generation, after)
        if place is None:
            self._compared.pop(number, None)
        else:
            self._compared[number] = generation, place
        return place is None

    async def _some(self, number: int, generation: int) -> bool:
        """Publish some rows of a number; returns whether there are more."""
        rows = await outbox.unpublished(self._store, number, generation)
        sending = (self._send(number, generation, row) for row in rows)
        failed = await asyncio.gather(*sending, return_exceptions=True)
        done = [row for row, error in zip(rows, failed, strict=True) if error is None]
        if done:
            await outbox.published(self._store, number, generation, done)
            self._metrics.published.inc(len(done))
        if error := next(filter(None, failed), None):
            raise error
        return len(rows) == outbox.AT_ONCE

    async def _send(self, number: int, generation: int, row: Outgoing) -> None:
        order = {GENERATION: generation, REVISION: row.revision}
        await self._producer.send(
            topic(row.table),
            row.key.encode(),
            None if row.row is None else record(row.row, generation, row.revision),
            partition=number,
            headers=[(name, str(value).encode()) for name, value in order.items()],
        )
