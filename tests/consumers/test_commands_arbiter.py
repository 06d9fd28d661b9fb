"""consumers.commands.arbiter: what is owed is written, from rows, by whoever owns them."""

from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from consumers.commands import arbiter_rows
from consumers.commands.arbiter import Arbiter, Counts
from consumers.commands.arbiter_records import AWAY, GIVEN_BACK, NOT_TAKEN, result
from consumers.commands.arbitration import circumstances, step
from consumers.commands.once import REPEAT_MS
from consumers.commands.projection import CONSUMER
from consumers.config import Config
from consumers.metrics import Metrics
from consumers.sequels.running import Parts
from consumers.stores.changes import Changes, differences
from consumers.stores.store import Store
from consumers.tables.projections import fold
from schemas.replying import ReplyTo
from schemas.topics import partition
from tests.consumers.arbitrating import EXPIRES, LIMITS, connected, disconnected, joined
from tests.consumers.commanding import asked, ended, settled, taken
from tests.consumers.telling import NOON
from tests.consumers.written import CODEC

PARTITIONS = 3
HOME = partition(b"CS-1", PARTITIONS)
TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Sent:
    """In the place of a producer: keeps what is sent, as it would be read."""

    def __init__(self):
        self.records, self.headers, self.fails = [], [], False

    async def send(self, topic, key, record, *, headers=()):
        if self.fails:
            raise TimeoutError
        name, read = CODEC.decode(CODEC.encode(topic, record))
        assert (name, read["station"].encode()) == (topic, key)
        self.records.append((topic, read))
        self.headers.append(dict(headers))

    @property
    def said(self):
        names = ("type", "command_id", "attempt", "outcome")
        return [(topic, *(read.get(name) for name in names)) for topic, read in self.records]


class Told:
    """A consumer that has read some facts, with an arbiter and a clock."""

    def __init__(self, store, generation):
        self.store, self._generation, self.now_ms = store, generation, NOON
        self.sent, self.copies, self._rows = Sent(), [], defaultdict(dict)
        self.parts = Parts(
            config=Config(kafka="127.0.0.1:1", partitions=PARTITIONS),
            store=store,
            codec=CODEC,
            producer=self.sent,
            metrics=Metrics("commands"),
            now_ms=lambda: self.now_ms,
        )
        self.restart()

    def restart(self):
        """All that is in memory is gone."""
        copies = SimpleNamespace(post=lambda *copied: self.copies.append(copied))
        self.arbiter = Arbiter(self.parts, copies, Counts(Metrics("commands")))

    async def read(self, *facts):
        """These are folded, committed, and told."""
        rows = {}
        for projection in CONSUMER.projections:
            before = self._rows[projection.tables[0].name]
            after = fold(projection, before, facts)
            rows |= differences(projection.tables, before, after)
            before |= after
        await self.store.commit(HOME, self._generation, Changes(rows=rows))
        await self.arbiter.committed({HOME: facts})

    async def wake(self, after_ms=0, numbers=(HOME,)):
        self.now_ms += after_ms
        await self.arbiter.woken(dict.fromkeys(numbers))

    def count(self, name, **labels):
        return self.arbiter.counts.__dict__[name].labels(**labels)._value.get()


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ((settled(5, outcome="offline"),), AWAY),
        ((connected(3), disconnected(4, 3), settled(5, outcome="offline")), AWAY),
        ((settled(5, outcome="offline"), connected(6)), AWAY),
        ((connected(3), settled(5, outcome="offline")), NOT_TAKEN),
        ((connected(77), taken(78), settled(79, outcome="offline", gateway="gw-1")), GIVEN_BACK),
    ],
)
def test_a_result_says_why_nobody_was_asked(facts, why):
    """A station that is connected is not offline for the same reason as one that is away."""
    row = joined(asked(1), *facts)
    found = step(row, NOON, NOON, LIMITS)
    assert result(row, found, NOON).record["outcome"] == "offline"
    assert result(row, found, NOON).record["error_description"] == why


@asynccontextmanager
async def telling(url):
    store = await Store.open(url, CONSUMER)
    try:
        owned = await store.own([HOME])
        told = Told(store, owned[HOME].generation)
        await told.wake()
        yield told
    finally:
        await store.close()


async def _nobody_takes_it(url):
    async with telling(url) as told:
        headers = ReplyTo("replies", 3, b"\x01")
        await told.read(asked(1, reply_to=headers, trace=TRACE))
        await told.wake(1_999)
        assert told.sent.records == []
        await told.wake(1)
        assert told.sent.said == [("connections", "settled", "c", 1, "offline")]
        # Not before that is read back, as the first that was said of the attempt.
        await told.wake(REPEAT_MS - 1)
        assert len(told.sent.records) == 1
        await told.read(settled(5, outcome="offline"))
        result = ("command-results", None, "c", 1, "offline")
        assert told.sent.said[1:] == [result]
        assert told.sent.headers[1]["traceparent"] == TRACE
        assert told.sent.headers[1]["ce_type"] == b"ocpp.command.result"
        ((to, key, copied),) = told.copies
        assert (to, key) == (headers, b"CS-1")
        assert CODEC.decode(copied.value) == told.sent.records[1]
        await told.read(ended(1, outcome="offline"))
        await told.wake(10 * REPEAT_MS)
        assert len(told.sent.records) == 2
        assert told.count("results", outcome="offline") == 1


async def _somebody_was_quicker(url):
    async with telling(url) as told:
        await told.read(asked(1), connected(1))
        await told.wake(2_000)
        await told.read(taken(5, connection_epoch=1), settled(6, outcome="offline"))
        await told.wake(REPEAT_MS)
        assert [one[1] for one in told.sent.said] == ["settled"]
        await told.read(disconnected(7, 1))
        await told.wake(2_000)
        assert told.sent.said[1:] == [("connections", "settled", "c", 1, "connection_lost")]
        await told.read(settled(8, outcome="connection_lost"))
        assert told.sent.said[2:] == [("command-results", None, "c", 1, "connection_lost")]


async def _killed_at_any_point(url):
    async with telling(url) as told:
        await told.read(asked(1, when_offline="wait", requested_by="cron", trace=TRACE))
        told.restart()
        await told.wake()
        await told.wake(2_000)
        told.restart()
        await told.wake()
        await told.wake(2_000)
        settling = ("connections", "settled", "c", 1, "offline")
        assert told.sent.said == [settling, settling]
        await told.read(settled(5, outcome="offline"), settled(6, outcome="offline"))
        await told.read(connected(7))
        again = told.sent.records[2][1]
        assert (again["attempt"], again["epoch"], again["expires_at"]) == (2, 7, EXPIRES)
        assert (again["action"], again["payload"]) == ("Reset", "{}")
        assert (again["when_offline"], again["requested_by"]) == ("wait", "cron")
        assert told.sent.headers[2] == {"traceparent": TRACE}
        told.restart()  # it died before that was acknowledged: written twice, asked once
        await told.wake()
        assert [one["attempt"] for _, one in told.sent.records[2:]] == [2, 2]
        await told.read(asked(2, 2), taken(8, 2, connection_epoch=7), ended(1, 2))
        told.restart()
        await told.wake()
        await told.wake(100_000)
        assert len(told.sent.records) == 4


async def _a_backlog(url):
    async with telling(url) as told:
        told.now_ms = EXPIRES + 3_600_000
        facts = [
            *(asked(1), asked(2, command="w", when_offline="wait")),
            *(settled(3, command="w", outcome="offline"), connected(4)),
            *(asked(5, command="t"), taken(6, command="t", connection_epoch=4)),
        ]
        await told.read(*facts)
        assert sorted(told.sent.said, key=str) == [
            ("command-results", None, "w", 1, "expired"),
            ("connections", "settled", "c", 1, "expired"),
            ("connections", "settled", "t", 1, "timeout"),
        ]


async def _what_is_not_ours(url):
    async with telling(url) as told:
        await told.wake(numbers=())
        await told.read(asked(1))
        await told.wake(60_000, numbers=(HOME + 1,))
        await told.wake(60_000, numbers=(HOME + 1,))
        assert told.sent.records == []


async def _a_broker_that_is_away(url):
    async with telling(url) as told:
        await told.read(asked(1))
        told.sent.fails = True
        with pytest.raises(TimeoutError):
            await told.wake(2_000)
        told.sent.fails = False
        await told.wake()
        assert told.sent.records == []  # it may be in the log
        await told.wake(REPEAT_MS)
        assert len(told.sent.records) == 1
        assert told.count("settled", outcome="offline") == 1


async def _pages(url):
    async with telling(url) as told:
        names = [f"k-{number:04}" for number in range(arbiter_rows.PAGE + 7)]
        await told.read(*(asked(n, command=name) for n, name in enumerate(names)))
        await told.wake(2_000)
        assert sorted(one["command_id"] for _, one in told.sent.records) == names
        found = await arbiter_rows.states(told.store)
        assert found == {"waiting": len(names)}


STORIES = {
    "a": [asked(1)],
    "b": [asked(1), taken(5, connection_epoch=1)],
    "c": [asked(1), taken(5, connection_epoch=0)],
    "d": [asked(1), settled(5, outcome="offline")],
    "e": [asked(1, when_offline="wait"), settled(5, outcome="offline")],
    "f": [asked(1), ended(5)],
    "g": [settled(5)],
    "h": [asked(1), taken(5, connection_epoch=None)],
    "i": [asked(1, when_offline="wait"), settled(5, outcome="expired")],
    "j": [asked(1), settled(5, outcome=None)],
}


async def _all_that_is_owed_is_found(url):
    for newest in ([], [connected(1)], [connected(1), disconnected(2, 1)], [connected(9)]):
        async with telling(url) as told:
            await told.store.clear()
        async with telling(url) as told:
            facts = [replace(one, command=name) for name, story in STORIES.items() for one in story]
            told.arbiter = SimpleNamespace(committed=_nothing)
            await told.read(*newest, *facts)
            for now_ms in (NOON + 20_000, EXPIRES + 3_600_000):
                found = {
                    row["command_id"]: row
                    for row in await arbiter_rows.owed(told.store, now_ms, LIMITS, ("", ""))
                }
                assert {"f", "g"}.isdisjoint(found)
                every = await arbiter_rows.owed(told.store, 2**60, LIMITS, ("", ""))
                for row in every:
                    assert circumstances(row)
                    if step(row, 0, now_ms, LIMITS) is not None:
                        assert row["command_id"] in found, (row, newest)
                of_none = await arbiter_rows.owed(told.store, now_ms, LIMITS, ("", ""), ["CS-2"])
                assert of_none == []


async def _nothing(_):
    """In the place of an arbiter that is told."""


CASES = {
    case.__name__[1:]: case
    for case in (
        _nobody_takes_it,
        _somebody_was_quicker,
        _killed_at_any_point,
        _a_backlog,
        _what_is_not_ours,
        _a_broker_that_is_away,
        _pages,
        _all_that_is_owed_is_found,
    )
}


@pytest.mark.parametrize("case", CASES)
async def test_in_a_file(tmp_path, case):
    """SQLite."""
    await CASES[case](f"sqlite:///{tmp_path}/store.db")


@pytest.mark.postgres
@pytest.mark.parametrize("case", CASES)
async def test_in_a_server(postgres, case):
    """PostgreSQL."""
    await CASES[case](postgres)
