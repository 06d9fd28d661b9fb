"""Rows that have grown old go, in SQLite and PostgreSQL alike, and nothing else does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from consumers.config import Config
from consumers.meter_readings.projection import CONSUMER
from consumers.metrics import Metrics
from consumers.sequels import remover
from consumers.sequels.producing import Producer
from consumers.sequels.remover import EVERY_MS, sequel
from consumers.sequels.running import Parts, Sequel
from consumers.stores import retention
from consumers.stores.store import Store
from tests.consumers.aging import DAY_MS, HERE, NOON_MS, PARTITIONS, THERE, folded, left, sample
from tests.consumers.written import CODEC


class Clock:
    """Stands still until it is put forward."""

    def __init__(self) -> None:
        self.ms = NOON_MS

    def __call__(self) -> int:
        return self.ms


class Instance:
    """A store with what removes its old rows."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.metrics = Metrics(CONSUMER.name)
        config = Config(partitions=PARTITIONS)
        parts = Parts(config, store, CODEC, cast(Producer, None), self.metrics, clock)
        self.remover: Sequel = sequel(parts)

    def value(self, name: str) -> float:
        labels = {"consumer": CONSUMER.name}
        found = self.metrics.registry.get_sample_value(f"chargewire_consumer_{name}", labels)
        assert found is not None
        return found


Opened = Callable[..., Awaitable[Instance]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    found: str = request.getfixturevalue("postgres")
    return found


@pytest.fixture
async def opened(url: str, clock: Clock) -> AsyncIterator[Opened]:
    """Opens instances on one database, which keep rows for so long."""
    stores = []

    async def open_one(kept_ms: int = DAY_MS) -> Instance:
        stores.append(await Store.open(url, CONSUMER, now_ms=clock, kept_ms=kept_ms))
        return Instance(stores[-1], clock)

    yield open_one
    for store in stores:
        await store.close()


TIMES = [NOON_MS - hour * 3_600_000 for hour in range(48)]
FACTS = [sample(station, at) for station in (*HERE[:2], *THERE[:2]) for at in TIMES]


async def test_a_live_table_and_one_made_anew_have_the_same_rows(
    opened: Opened, clock: Clock
) -> None:
    """Whatever was removed when: at one time, what is left is what is young enough."""
    live = await opened()
    owned = await live.store.own(range(PARTITIONS))
    for hour in range(0, 48, 5):
        clock.ms = NOON_MS - (47 - hour) * 3_600_000
        now = [one for one in FACTS if clock.ms - 5 * 3_600_000 < one.at.observed_ms <= clock.ms]
        await folded(live.store, owned, now)
        await live.remover.woken(owned)
    clock.ms = NOON_MS
    await folded(live.store, owned, FACTS)  # what is there stays, what is too old stays away
    await live.remover.woken(owned)
    rows = await left(live.store)
    young = [one for one in FACTS if one.at.observed_ms >= NOON_MS - DAY_MS]
    assert rows == sorted((one.at.station, one.at.observed_ms, 0) for one in young)
    assert live.value("removed_total") > 0
    assert live.value("overdue_seconds") == 0
    await live.store.clear()
    owned = await live.store.own(range(PARTITIONS))
    await folded(live.store, owned, FACTS)
    assert await left(live.store) == rows


async def test_each_removes_what_comes_from_its_own_numbers(opened: Opened, clock: Clock) -> None:
    """After a rebalance somebody else goes on, and who had them before removes nothing more."""
    one, two = await opened(), await opened()
    owned = await one.store.own(range(PARTITIONS))
    await folded(one.store, owned, [sample(name, NOON_MS) for name in (HERE[0], THERE[0])])
    clock.ms += 2 * DAY_MS
    theirs = await two.store.own([1])
    await one.remover.woken(owned)
    assert one.value("removed_total") == 0, "fenced"
    assert len(await left(one.store)) == 2
    await two.remover.woken(theirs)
    assert await left(two.store) == [(HERE[0], NOON_MS, 0)]
    mine = await one.store.own([0])
    await one.remover.woken(mine)
    assert await left(two.store) == []
    assert (one.value("removed_total"), two.value("removed_total")) == (1, 1)


async def test_much_is_removed_a_little_at_a_time(
    opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where more values are of one frame than go at once; what others have is passed by."""
    monkeypatch.setattr(remover, "AT_ONCE", 3)
    monkeypatch.setattr(remover, "PASS_TIME_S", 0.0)
    monkeypatch.setattr(remover, "TELL_EVERY_S", 0.0)
    one = await opened()
    owned = await one.store.own(range(PARTITIONS))
    frames = [
        *(sample(THERE[0], NOON_MS, index) for index in range(5)),
        *(sample(HERE[0], NOON_MS + 1, index) for index in range(5)),
        *(sample(HERE[0], NOON_MS + 9 + after) for after in range(5)),
    ]
    await folded(one.store, owned, frames)
    clock.ms += 2 * DAY_MS
    mine = {0: owned[0]}
    counts, overdue = [len(await left(one.store))], []
    with capture_logs() as told:
        for _ in range(8):
            await one.remover.woken(mine)
            counts.append(len(await left(one.store)))
            overdue.append(one.value("overdue_seconds"))
    assert all(before - after <= 3 for before, after in pairwise(counts))
    assert counts[-1] == 5
    assert {name for name, *_ in await left(one.store)} == {THERE[0]}
    assert overdue[0] > 86_000
    assert overdue[-1] == 0
    lines = [line for line in told if line["event"] == "removing old rows"]
    assert (lines[-1]["rows"], lines[-1]["percent"], lines[-1]["left_s"]) == (10, 100, 0)


async def test_what_stands_behind_rows_of_others_goes(
    opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where those of one millisecond, which nobody else removes, fill more than a slice."""
    monkeypatch.setattr(remover, "PASS_TIME_S", 600.0)
    one = await opened()
    owned = await one.store.own(range(PARTITIONS))
    for station in (THERE[0], HERE[0]):
        await folded(one.store, owned, [sample(station, NOON_MS, index) for index in range(600)])
    clock.ms += 2 * DAY_MS
    await one.remover.woken({0: owned[0]})
    assert {name for name, *_ in await left(one.store)} == {THERE[0]}
    assert one.value("overdue_seconds") == 0


class Watch:
    """Moves when somebody sleeps, or is slow."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, s: float) -> None:
        self.now_s += s


async def test_a_pass_of_long_slices_ends_in_its_time(
    opened: Opened, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the pause as well, or its sequel would be given up in the middle each time."""
    watch, found = Watch(), retention.old

    async def slow(*arguments: Any) -> list[Any]:
        watch.now_s += 4
        return await found(*arguments)

    monkeypatch.setattr(remover, "AT_ONCE", 1)
    monkeypatch.setattr(remover, "time", SimpleNamespace(monotonic=watch.monotonic))
    monkeypatch.setattr(remover, "asyncio", SimpleNamespace(sleep=watch.sleep))
    monkeypatch.setattr(retention, "old", slow)
    one = await opened()
    owned = await one.store.own(range(PARTITIONS))
    await folded(one.store, owned, [sample(HERE[0], NOON_MS, index) for index in range(2)])
    clock.ms += 2 * DAY_MS
    await one.remover.woken(owned)
    assert (watch.now_s, len(await left(one.store))) == (4, 1)


async def test_it_goes_on_from_where_it_was(opened: Opened, clock: Clock) -> None:
    """Not at once again, and not from the beginning; earlier, where rows are to be kept longer."""
    one = await opened()
    owned = await one.store.own(range(PARTITIONS))
    await one.remover.woken(owned)
    late = NOON_MS - DAY_MS - EVERY_MS - 1
    unwatched = await opened(3 * DAY_MS)
    await folded(unwatched.store, owned, [sample(HERE[0], at) for at in (late, late + 30_000)])
    await one.remover.woken(owned)
    assert len(await left(one.store)) == 2, "it is not due"
    clock.ms += EVERY_MS
    await one.remover.woken(owned)
    assert await left(one.store) == [(HERE[0], late, 0)], "only what is just done is looked through"
    await unwatched.remover.woken(owned)
    clock.ms += 3 * DAY_MS
    await unwatched.remover.woken(owned)
    assert await left(one.store) == []


async def test_nothing_is_removed_where_all_is_kept(opened: Opened, clock: Clock) -> None:
    """Which is the default: then no table has old rows."""
    assert Config().readings_kept_days == 0
    one = await opened(0)
    owned = await one.store.own(range(PARTITIONS))
    await folded(one.store, owned, [sample(HERE[0], 0)])
    clock.ms += 1000 * DAY_MS
    await one.remover.woken(owned)
    await one.remover.committed({})
    assert await left(one.store) == [(HERE[0], 0, 0)]
