"""What every store has to keep, whatever database is below it: the facts of `test_stores`."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from consumers.stores.changes import Changes, Difference, OpenCall, Poison, differences
from consumers.stores.store import Fenced, Refused, Store
from consumers.tables.projections import Key, Row, Rows
from tests.consumers.tally import HEARD, OF_STATIONS, PROJECTION, TALLY, TOTALS

Opened = Callable[..., Awaitable[Store]]

KEY: Key = ("S1", "Seen")
AT = {"provisioning": 7}


def row(number: int = 0, **values: Any) -> Row:
    """A row of the group KEY."""
    return {
        "station": "S1",
        "kind": "Seen",
        "number": number,
        "count": 1,
        "total": None,
        "said": None,
        **values,
    }


def rows(*found: Row) -> Rows:
    return {TALLY.name: found}


async def committed(store: Store, *found: Row, key: Key = KEY, **changes: Any) -> None:
    """Replace a group by these rows, as a new owner of partition 0."""
    generation = (await store.own([0]))[0].generation
    before = await store.load(PROJECTION, [key])
    differing = differences(PROJECTION.tables, before, {key: rows(*found)})
    await store.commit(0, generation, Changes(differing, AT, **changes))


def put(*found: Row) -> dict[str, Difference]:
    """What differs where these rows of the tally are new."""
    return {TALLY.name: Difference(put=found, gone=())}


def opened_call(written_ms: int = 0, topic: str = "provisioning", **payload: Any) -> OpenCall:
    """A CALL that waits for its answer."""
    return OpenCall(topic, written_ms, payload)


class Contract:
    """The facts; a subclass gives the fixture `opened`, which opens the same store each time."""

    async def test_rows_and_positions_come_back(self, opened: Opened) -> None:
        """What was committed is there for the next owner, through another connection."""
        store = await opened()
        assert (await store.own([0, 3]))[3].positions == {}
        await committed(store, row(0), row(1, count=2))
        again = await opened()
        owned = await again.own([0, 1])
        assert (owned[0].positions, owned[1].positions) == (AT, {})
        found = await again.load(PROJECTION, [KEY, ("S2", "Seen")])
        assert found[KEY][TALLY.name] == (row(0), row(1, count=2))
        assert not any(found[("S2", "Seen")].values())

    async def test_values_come_back_as_they_were(self, opened: Opened) -> None:
        """Decimals keep every digit, integers 64 bits, texts every character but NUL."""
        odd = 'ü "quoted" \\ \n 漢 🔌'
        digits = Decimal("12345678901234567890.123456789012345678901")
        store = await opened()
        given = row(2**63 - 1, count=-(2**63), total=digits, said=odd)
        await committed(store, given)
        assert (await store.load(PROJECTION, [KEY]))[KEY][TALLY.name] == (given,)
        key = ("S\0", odd)
        await committed(store, row(station=key[0], kind=odd, said="a\0b"), key=key)
        (found,) = (await store.load(PROJECTION, [key]))[key][TALLY.name]
        assert found["said"] == "a\ufffdb"

    async def test_rows_change_and_go(self, opened: Opened) -> None:
        """A changed row replaces the one with its key; one that is missing is taken away."""
        store = await opened()
        await committed(store, row(0), row(1), row(2))
        await committed(store, row(1, said="new"), row(2))
        assert (await store.load(PROJECTION, [KEY]))[KEY][TALLY.name] == (
            row(1, said="new"),
            row(2),
        )

    async def test_appended_rows_stay_as_they_came(self, opened: Opened) -> None:
        """Rows of an appended table are neither loaded nor replaced."""
        store = await opened()
        heard = {"station": "S1", "kind": "Seen", "epoch": 1, "sequence": 2}
        for said in ("first", "second"):
            generation = (await store.own([0]))[0].generation
            differing = {HEARD.name: Difference(put=[{**heard, "said": said}], gone=[])}
            await store.commit(0, generation, Changes(differing))
        assert not (await store.load(PROJECTION, [KEY]))[KEY][HEARD.name]
        async with store.transaction() as connection:
            found = (await connection.execute(text("SELECT said FROM tally_heard"))).all()
        assert [tuple(one) for one in found] == [("first",)]

    async def test_projections_have_groups_of_their_own(self, opened: Opened) -> None:
        """Keys of another shape; one commit has the rows of all of them, or none."""
        store = await opened()
        generation = (await store.own([0]))[0].generation
        total = {TOTALS.name: Difference(put=[{"station": "S1", "count": 7}], gone=[])}
        with pytest.raises(Refused):
            await store.commit(0, generation, Changes(put(row(count=2**70)) | total))
        assert not (await store.load(OF_STATIONS, [("S1",)]))["S1",][TOTALS.name]
        await store.commit(0, generation, Changes(put(row()) | total))
        found = await store.load(OF_STATIONS, [("S1",), ("S2",)])
        assert found["S1",] == {TOTALS.name: ({"station": "S1", "count": 7},)}
        assert found["S2",] == {TOTALS.name: ()}
        assert (await store.load(PROJECTION, [KEY]))[KEY][TALLY.name] == (row(),)

    async def test_many_groups_at_once(self, opened: Opened) -> None:
        """Thousands of groups are written and loaded in one go, none for another."""
        store = await opened()
        generation = (await store.own([0]))[0].generation
        after = {
            (f"S{number}", "Seen"): rows(row(station=f"S{number}", count=number))
            for number in range(12_000)
        }
        await store.commit(0, generation, Changes(differences(PROJECTION.tables, {}, after)))
        found = await store.load(PROJECTION, [*after, ("S0", "Other")])
        assert {key: group[TALLY.name] for key, group in found.items() if group[TALLY.name]} == {
            key: group[TALLY.name] for key, group in after.items()
        }

    async def test_a_slow_predecessor_is_fenced(self, opened: Opened) -> None:
        """Who was succeeded writes nothing any more: no row, no position, no poison."""
        slow, quick = await opened(), await opened()
        old = (await slow.own([0, 1]))[0].generation
        new = (await quick.own([0]))[0].generation
        assert new > old
        bad = Poison("provisioning", 0, 1, "bad", None, None)
        late = Changes(put(row(said="late")), AT, poison=[bad])
        with pytest.raises(Fenced):
            await slow.commit(0, old, late)
        assert (await quick.own([0]))[0].positions == {}
        assert not (await quick.load(PROJECTION, [KEY]))[KEY][TALLY.name]
        assert await quick.poison() == []

    async def test_numbers_share_a_transaction(self, opened: Opened) -> None:
        """Each with rows, place and revision of its own; without one of them nothing is written."""
        one, other = await opened(), await opened()
        owned = await one.own(range(3))
        generations = {number: owned[number].generation for number in owned}
        changes = {
            0: Changes(put(row()), AT, opened={("S1", 1, 1): opened_call(a=1)}),
            2: Changes(put(row(1)), {"connections": 3}),
        }
        async with one.working({0: generations[0], 2: generations[2]}) as work:
            assert await work.write(changes) == 2
        found = await one.load(PROJECTION, [KEY])
        assert found[KEY][TALLY.name] == (row(), row(1))
        assert await one.calls([("S1", 1, 1)]) == {("S1", 1, 1): {"a": 1}}
        for number, revision in ((0, 2), (1, 1), (2, 2)):
            async with one.holding(number, generations[number]) as (_, raised):
                assert raised == revision
        taken = await other.own([2])
        assert taken[2].positions == {"connections": 3}
        with pytest.raises(Fenced):
            async with one.working(generations) as work:
                await work.write({0: Changes(put(row(count=9)), AT)})
        assert (await one.load(PROJECTION, [KEY]))[KEY][TALLY.name] == (row(), row(1))

    async def test_partitions_are_owned_one_by_one(self, opened: Opened) -> None:
        """Taking one partition over leaves the others with their owner."""
        one, other = await opened(), await opened()
        owned = await one.own([0, 1])
        await other.own([0])
        await one.commit(1, owned[1].generation, Changes(positions=AT))
        assert (await one.own([1]))[1].positions == AT

    async def test_generations_rise_with_the_clock(self, opened: Opened) -> None:
        """A store that begins anew has higher generations than the one that was lost."""
        store = await opened(now_ms=lambda: 1_000_000)
        first, second = [(await store.own([0]))[0].generation for _ in range(2)]
        assert (first, second) == (1_000_000, 1_000_001)

    async def test_rows_that_cannot_be_stored_are_refused(self, opened: Opened) -> None:
        """An integer beyond 64 bits is refused by name, and nothing of its commit is kept."""
        store = await opened()
        generation = (await store.own([0]))[0].generation
        changes = Changes(put(row(0), row(1, count=2**70)), AT)
        with pytest.raises(Refused):
            await store.commit(0, generation, changes)
        assert (await store.own([0]))[0].positions == {}
        assert not (await store.load(PROJECTION, [KEY]))[KEY][TALLY.name]

    async def test_rows_and_positions_are_kept_together(self, opened: Opened) -> None:
        """Where the position cannot be stored, no row of its commit is: all of it, or nothing."""
        store = await opened()
        generation = (await store.own([0]))[0].generation
        with pytest.raises(Refused):
            await store.commit(0, generation, Changes(put(row()), {"provisioning": 2**70}))
        assert (await store.own([0]))[0].positions == {}
        assert not (await store.load(PROJECTION, [KEY]))[KEY][TALLY.name]

    async def test_poison_is_kept_with_its_place(self, opened: Opened) -> None:
        """A record set aside keeps its bytes, place and reason; the same place again is one."""
        store = await opened()
        bad = Poison("provisioning", 0, 5, "no magic", b"\0key", b"\xff\0value")
        empty = Poison("connections", 0, 9, "no value", None, None)
        await committed(store, poison=[bad, empty])
        await committed(store, poison=[replace(bad, reason="again")])
        assert await store.poison() == [empty, replace(bad, reason="again")]

    async def test_open_calls_wait_for_their_answers(self, opened: Opened) -> None:
        """A CALL is there until it is answered, whatever comes on newer connections."""
        store = await opened()
        payload = {"idToken": {"idToken": "ü"}, "n": 1.5}
        call = opened_call(**payload)
        await committed(store, opened={("S1", 1, 2): call, ("S2", 1, 2): call})
        wanted = [("S1", 1, 2), ("S1", 1, 3), ("S2", 1, 2)]
        assert await store.calls(wanted) == {("S1", 1, 2): payload, ("S2", 1, 2): payload}
        await committed(store, closed=[("S1", 1, 2)], opened={("S2", 4, 1): call})
        assert await store.calls([*wanted, ("S2", 4, 1)]) == {
            ("S2", 1, 2): payload,
            ("S2", 4, 1): payload,
        }

    async def test_calls_that_stay_open_are_forgotten(self, opened: Opened) -> None:
        """After a day by the clock of their own topic and partition; of others nothing is known."""
        store = await opened()
        day = 24 * 60 * 60 * 1000
        first = {
            ("S1", 1, 2): opened_call(1000),
            ("S1", 1, 3): opened_call(2000),
            ("S1", 1, 4): opened_call(1000, "availability"),
        }
        await committed(store, opened=first)
        elsewhere = (await store.own([3]))[3].generation
        await store.commit(3, elsewhere, Changes(opened={("S3", 1, 2): opened_call(1000)}))
        await committed(store, opened={("S1", 5, 1): opened_call(day + 1500)})
        wanted = [*first, ("S3", 1, 2), ("S1", 5, 1)]
        assert {*(await store.calls(wanted))} == {*wanted} - {("S1", 1, 2)}

    async def test_clearing_takes_all_and_fences(self, opened: Opened) -> None:
        """After a clear there are no rows and positions, and the owner before cannot write."""
        store = await opened()
        bad = Poison("provisioning", 0, 5, "bad", None, None)
        await committed(store, row(), poison=[bad], opened={("S1", 1, 2): opened_call()})
        generation = (await store.own([0]))[0].generation
        await store.clear()
        with pytest.raises(Fenced):
            await store.commit(0, generation, Changes(positions=AT))
        owned = (await store.own([0]))[0]
        assert (owned.generation > generation, owned.positions) == (True, {})
        assert not (await store.load(PROJECTION, [KEY]))[KEY][TALLY.name]
        assert await store.poison() == []
        assert await store.calls([("S1", 1, 2)]) == {}

    async def test_tables_are_of_one_prefix(self, opened: Opened) -> None:
        """The first that is named stays until all is cleared; another consumer's is its own."""
        store, other = await opened(), await opened(name="other")
        assert [await store.origin(prefix) for prefix in ("a.", "b.", "a.")] == ["a."] * 3
        assert await other.origin("b.") == "b."
        await store.clear()
        assert (await store.origin("c."), await other.origin("c.")) == ("c.", "b.")

    async def test_consumers_share_a_database(self, opened: Opened) -> None:
        """Another consumer's positions, generations and clearing are its own."""
        store = await opened()
        other = await opened(name="other")
        mine = (await store.own([0]))[0].generation
        theirs = (await other.own([0]))[0]
        assert theirs.positions == {}
        await store.commit(0, mine, Changes(positions=AT))
        await other.commit(0, theirs.generation, Changes(positions={"provisioning": 1}))
        assert (await store.own([0]))[0].positions == AT
