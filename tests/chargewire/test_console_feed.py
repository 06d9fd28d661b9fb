"""Who watches gets what changes; who is slow loses some, and hears of it."""

import json

from chargewire.console.feed import PAST_MAX, QUEUE_MAX, Feed, Filter, Watcher, item
from chargewire.console.model import Change
from chargewire.console.rings import Recent
from chargewire.console.told import told
from tests.chargewire.consoled import frame


def event(**more):
    return told(frame("Heartbeat", **more))


def change(one):
    return Change("event", one.station, {}, one)


def names(items):
    return [one.split(b"\n")[0].removeprefix(b"event: ").decode() for one in items]


def test_an_item_is_one_event_of_the_standard() -> None:
    """Name, id, data on one line, an empty line (HTML, 9.2.6)."""
    text = item("result", 7, {"a": "x\ny"})
    assert text == b'event: result\nid: 7\ndata: {"a":"x\\ny"}\n\n'


def test_each_watcher_gets_what_it_wants_and_is_woken() -> None:
    """Events by filter; the other kinds by their station alone."""
    feed, woken = Feed(Recent(9, 0)), []
    everything = Watcher(Filter(), lambda: woken.append("all"))
    mine = Watcher(Filter(station="CS-2", action="Reset"), lambda: woken.append("mine"))
    for watcher in (everything, mine):
        feed.join(watcher)
    feed.tell([change(event()), change(event(station="CS-2"))])
    feed.tell([Change("result", "CS-2", {"command_id": "c"}), Change("station", "CS-1", {})])
    assert names(everything.taken(0)) == ["event", "event", "result", "station"]
    assert names(mine.taken(0)) == ["result"]
    assert woken == ["all", "all", "all", "mine", "all"]
    feed.leave(mine)
    feed.tell([Change("result", "CS-2", {})])
    assert mine.taken(0) == []


def test_who_wants_only_some_kinds_gets_no_others() -> None:
    """A page of stations is not sent every frame, also not when it comes back."""
    recent = Recent(1, 100)
    recent.settled()
    feed, watcher = Feed(recent), Watcher(Filter(only=frozenset({"station"})))
    feed.join(watcher)
    for number in range(3):
        recent.add(one := event(sequence=number))
        feed.tell([change(one), Change("station", "CS-1", {}), Change("result", "CS-1", {})])
    assert names(watcher.taken(0)) == ["station"] * 3
    assert names(feed.missed(103, watcher.filter)) == ["station"]
    assert names(feed.missed(100, watcher.filter)) == ["station"] * 3
    assert names(feed.missed(7, watcher.filter))[0] == "lost"


def test_filters_take_what_they_name() -> None:
    """All of station, action, topic, direction, and a text in any of the words, of any case."""
    one = told(frame("Authorize", {"idTag": "Token-7"}))
    takes = [{}, {"station": "CS-1"}, {"action": "Authorize"}, {"topic": "authorization"}]
    takes += [{"direction": "from_station"}, {"text": "token-7"}, {"text": "AUTHOR"}]
    assert all(Filter(**wanted).takes(one) for wanted in takes)
    refuses = [{"station": "CS-10"}, {"action": "Auth"}, {"topic": "metering"}]
    refuses += [{"direction": "to_station"}, {"text": "token-8"}]
    assert not any(Filter(**wanted).takes(one) for wanted in refuses)


def test_who_is_slow_loses_the_oldest_and_is_told_how_many() -> None:
    """Once; then it goes on."""
    feed, watcher = Feed(Recent(9, 0)), Watcher(Filter())
    feed.join(watcher)
    feed.tell(change(event(sequence=number)) for number in range(QUEUE_MAX + 3))
    first, *rest = watcher.taken(42)
    assert first == b'event: lost\nid: 42\ndata: {"count":3}\n\n'
    assert len(rest) == QUEUE_MAX
    assert json.loads(rest[0].split(b"data: ")[1])["at_ms"] % 60_000 == 3000
    feed.tell([change(event())])
    assert names(watcher.taken(43)) == ["event"]


def test_who_comes_back_gets_what_was_missed() -> None:
    """Events after the last one that it has, what else has changed since, and what is lost."""
    recent = Recent(3, 100)
    recent.settled()
    feed = Feed(recent)
    for number in range(1, 6):
        one = event(sequence=number)
        recent.add(one)
        feed.tell([change(one), Change("station", "CS-1", {"n": number})])
    assert names(feed.missed(104, Filter())) == ["event", "station", "station"]
    assert names(feed.missed(104, Filter(station="CS-2"))) == []
    first, *rest = feed.missed(101, Filter(action="Reset"))
    assert json.loads(first.split(b"data: ")[1]) == {"count": 1}
    assert names(rest) == ["station"] * 5
    unknown, *_ = feed.missed(7, Filter())
    assert json.loads(unknown.split(b"data: ")[1]) == {"count": None}


def test_there_is_room_for_so_many() -> None:
    """And when it closes, all of them wake."""
    woken = []
    feed = Feed(Recent(9, 0), watchers_max=1)
    assert not feed.is_full
    feed.join(Watcher(Filter(), lambda: woken.append(1)))
    assert feed.is_full
    feed.close()
    assert (feed.is_closed, woken) == (True, [1])


def test_who_comes_back_too_late_hears_that_more_than_events_is_lost() -> None:
    """Nobody knows how much: then all has to be read anew."""
    recent = Recent(9, 100)
    recent.settled()
    feed, wanted = Feed(recent), Filter(only=frozenset({"station"}))
    recent.add(event())
    feed.tell([Change("station", "CS-1", {})] * PAST_MAX)
    assert names(feed.missed(100, wanted)) == ["lost"] + ["station"] * PAST_MAX
    assert names(feed.missed(101, wanted)) == ["station"] * PAST_MAX


def test_everyone_can_be_told_to_read_anew() -> None:
    """Whatever they want to hear of."""
    feed, watcher = Feed(Recent(9, 100)), Watcher(Filter(only=frozenset({"result"})))
    feed.join(watcher)
    feed.renew()
    assert watcher.taken(0) == [item("lost", 100, {"count": None})]
