"""local_lists.tokens: what lists are to hold, and that a million tokens hold nobody up."""

import threading

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from consumers.authorizations.local_lists import tokens as list_tokens
from consumers.authorizations.local_lists.stations import STATIONS
from consumers.authorizations.local_lists.tokens import (
    LIST_MAX,
    PAGE,
    PAGES_AT_ONCE,
    REST_MS,
    SETTLE_MS,
    Tokens,
    page_after,
)
from consumers.authorizations.projection import CONSUMER
from consumers.stores.changes import Changes
from consumers.stores.store import Store
from tests.consumers.listing import NOON


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    return request.getfixturevalue("postgres")


@pytest.fixture
async def store(url):
    made = await Store.open(url, CONSUMER)
    yield made
    await made.close()


async def issue(store, first, last, lists='["*"]', *, position=1):
    """Write tokens from one number to another, as if so much of their log were read."""
    async with store.transaction() as connection:
        numbers = [{"token": f"t{number:07}", "lists": lists} for number in range(first, last + 1)]
        row = "(:token, UPPER(:token), 'Central', 'Accepted', :lists, 1)"
        names = "(token, spelling, token_type, status, lists, epoch)"
        await connection.execute(text(f"INSERT INTO id_tokens {names} VALUES {row}"), numbers)
    await tell(store, position)


async def tell(store, position):
    generation = (await store.own([0]))[0].generation
    await store.commit(0, generation, Changes(rows={}, positions={"id-tokens": position}))


def station(group=None):
    said = {"station_group": group, "ocpp_version": "1.6", "too_many": None}
    return dict.fromkeys(STATIONS.columns.keys()) | said


async def settled(tokens, now_ms=NOON):
    """Refresh until all is read; returns after how many wakes, and when."""
    wakes = 0
    while not await tokens.refresh(now_ms):
        wakes, now_ms = wakes + 1, now_ms + 1000
        assert wakes < 100, "reading does not end"
    return wakes, now_ms


@pytest.fixture
def worked(monkeypatch):
    """How many entries each list had that was worked out, and in which thread."""
    done = []
    wanted = list_tokens.wanted

    def counted(tokens, version, room):
        done.append((len(tokens), threading.current_thread()))
        return wanted(tokens, version, room)

    monkeypatch.setattr(list_tokens, "wanted", counted)
    return done


async def test_tokens_are_read_in_parts(store, monkeypatch):
    """A wake reads so many pages; the next one goes on. Until then, lists are as they were."""
    monkeypatch.setattr(list_tokens, "PAGE", 10)
    monkeypatch.setattr(list_tokens, "PAGES_AT_ONCE", 3)
    await issue(store, 1, 5)
    tokens = Tokens(store, settle_ms=0)
    assert await tokens.refresh(NOON)
    await issue(store, 6, 100, position=2)
    await issue(store, 101, 110, None, position=2)
    now_ms = NOON + REST_MS
    assert [await tokens.refresh(now_ms) for _ in range(3)] == [False] * 3
    assert (await tokens.brief(station())).entries == 5
    assert await tokens.refresh(now_ms)
    assert (await tokens.brief(station())).entries == 100


async def test_what_is_cut_short_goes_on(store, monkeypatch):
    """A wake that is cancelled has lost no page that was read."""
    monkeypatch.setattr(list_tokens, "PAGE", 10)
    await issue(store, 1, 45)
    tokens = Tokens(store, settle_ms=0)
    read, pages = tokens._read_page, []

    async def cut(reading):
        if len(pages) == 3:
            pages.append(0)
            raise TimeoutError
        pages.append(await read(reading))
        return pages[-1]

    tokens._read_page = cut
    with pytest.raises(TimeoutError):
        await tokens.refresh(NOON)
    assert not tokens.known
    assert await tokens.refresh(NOON + 1000)
    assert pages == [10, 10, 10, 0, 10, 5]
    assert (await tokens.brief(station())).entries == 45


async def test_what_changes_meanwhile_is_read_again(store, monkeypatch):
    """It may have come before the page that is next, or after it."""
    monkeypatch.setattr(list_tokens, "PAGE", 10)
    monkeypatch.setattr(list_tokens, "PAGES_AT_ONCE", 1)
    await issue(store, 11, 25)
    tokens = Tokens(store)
    assert not await tokens.refresh(NOON)
    assert not await tokens.refresh(NOON + SETTLE_MS)
    await issue(store, 1, 5, position=2)
    assert await tokens.refresh(NOON + SETTLE_MS + 1)
    assert (await tokens.brief(station())).entries == 15
    await settled(tokens, NOON + SETTLE_MS + 2)
    assert (await tokens.brief(station())).entries == 20


async def test_after_much_reading_there_is_a_rest(store, monkeypatch):
    """Ten times as long as it took, about: tokens that never stand still are not all it does."""
    monkeypatch.setattr(list_tokens, "PAGE", 10)
    await issue(store, 1, 45)
    tokens = Tokens(store, settle_ms=0)
    assert await tokens.refresh(NOON)
    await tell(store, 2)
    assert not await tokens.refresh(NOON + 5 * REST_MS - 1)
    assert await tokens.refresh(NOON + 5 * REST_MS)


async def test_a_list_that_is_too_long_is_not_worked_out(store, worked):
    """It is said, and no entry of it is touched; other lists are none the worse."""
    await issue(store, 1, LIST_MAX + 1, '["West"]')
    await issue(store, LIST_MAX + 2, LIST_MAX + 6, '["East"]')
    tokens = Tokens(store, settle_ms=0)
    with capture_logs() as said:
        wakes, _ = await settled(tokens)
    assert wakes == (LIST_MAX + 6) // (PAGE * PAGES_AT_ONCE)
    assert [(one["lists"], one["log_level"]) for one in said] == [(["West"], "error")]
    assert await tokens.brief(station("West")) is None
    assert (await tokens.brief(station("East"))).entries == 5
    assert [number for number, _ in worked] == [5]
    assert tokens._lists["West"] is None, "its tokens are not kept"


async def test_a_list_is_also_what_is_for_everybody(store, worked, monkeypatch):
    """Both together may be too long; what is for everybody may be it for all."""
    monkeypatch.setattr(list_tokens, "LIST_MAX", 10)
    await issue(store, 1, 6)
    await issue(store, 7, 11, '["West"]')
    await issue(store, 12, 15, '["East", "*"]')
    tokens = Tokens(store, settle_ms=0)
    await settled(tokens)
    assert await tokens.brief(station("West")) is None
    assert (await tokens.brief(station("East"))).entries == 10
    await issue(store, 16, 16, position=2)
    await settled(tokens, NOON + SETTLE_MS)
    assert await tokens.brief(station("East")) is await tokens.brief(station()) is None
    assert len(worked) == 1


async def test_lists_are_worked_out_beside_the_loop(store, worked):
    """In another thread, and once for all stations that have the same, at the same time too."""
    await issue(store, 1, 30)
    tokens = Tokens(store, settle_ms=0)
    await settled(tokens)
    for _ in range(3):
        assert len((await tokens.wanted(station())).entries) == 30
    ((number, thread),) = worked
    assert (number, thread is threading.main_thread()) == (30, False)


async def test_only_listed_tokens_are_read(store):
    """By an index of theirs: a million others cost nothing."""
    await issue(store, 1, 5)
    await issue(store, 6, 3000, None, position=2)
    async with store.transaction() as connection:
        await connection.execute(text("ANALYZE id_tokens"))
        dialect = connection.dialect
        page = page_after("t").compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        explain = "EXPLAIN QUERY PLAN" if dialect.name == "sqlite" else "EXPLAIN"
        plan = (await connection.execute(text(f"{explain} {page}"))).all()
    assert "id_tokens_listed" in str(plan)
