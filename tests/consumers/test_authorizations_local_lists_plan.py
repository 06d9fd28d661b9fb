"""consumers.authorizations.local_lists.plan: what to do next about a station's local list."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.authorizations.local_lists import plan
from consumers.authorizations.local_lists.plan import (
    PAUSES_MS,
    Check,
    Learn,
    Limits,
    Send,
    Wait,
    limits,
    piece,
    wanted,
)
from consumers.meaning.facts import (
    Connected,
    LocalListAnswered,
    LocalListLimitsTold,
    LocalListVersionTold,
)
from consumers.meaning.list_commands import CHECK, LEARN, SEND
from schemas.identity import folded_token
from tests.consumers.listing import MINUTE, NOON, SECOND, Station, Talk, at, token

ASK = "GetConfiguration"
NAMES = [f"tag-{number:03}" for number in range(60)]
THREE = [token(name) for name in NAMES[:3]]
MANY = [token(name) for name in NAMES]


def sent(talk):
    """(version, full, entries) of each SendLocalList."""
    return [call[1:4] for call in talk.calls if call[0] == SEND]


def held(entries):
    return {folded_token(one.token): one for one in entries}


def test_a_list_goes_out_whole():
    """To a station of which nothing is known; nobody asks it first."""
    talk = Talk(Station())
    talk.run(THREE)
    assert talk.station.entries == held(THREE) == talk.book.entries
    assert [call[0] for call in talk.calls] == [SEND]
    assert sent(talk) == [(1, True, 3)]


def test_a_long_list_goes_out_in_pieces():
    """No longer than the station's own limit; each is answered before the next one."""
    talk = Talk(Station(limits=Limits(entries_per_call=25)))
    talk.run(MANY)
    assert sent(talk) == [(1, True, 25), (2, False, 25), (3, False, 10)]
    assert talk.station.entries == held(MANY)


def test_a_piece_is_no_longer_than_the_bytes_allow():
    """The whole frame counts, as BytesPerMessage does."""
    talk = Talk(Station(limits=Limits(bytes_per_call=600)))
    talk.run(MANY)
    assert max(call[4] for call in talk.calls) <= 600
    assert len(talk.calls) > 5
    assert talk.station.entries == held(MANY)


def test_changes_go_out_alone():
    """What is the same is not sent again; who is gone is taken out."""
    talk = Talk(Station())
    talk.run(THREE)
    other = [THREE[0], replace(THREE[1], status="Blocked"), token("new")]
    talk.run(other)
    assert sent(talk)[1:] == [(2, False, 3)]
    assert talk.station.entries == held(other)
    talk.run(other)
    assert len(talk.calls) == 2, "nothing is left to do"


def test_what_is_gone_goes_first():
    """So that a full list is never longer than it may be."""
    limits = Limits(entries_per_call=2, entries_max=3)
    talk = Talk(Station(limits=limits))
    talk.run(THREE)
    others = [token(name) for name in ("x", "y", "z")]
    before = len(talk.calls)
    talk.run(others)
    assert talk.station.entries == held(others)
    assert sent(talk)[before:] == [(3, False, 2), (4, False, 2), (5, False, 2)]


def test_a_short_list_replaces_a_long_one_at_once():
    """One call instead of many."""
    talk = Talk(Station(limits=Limits(entries_per_call=20)))
    talk.run(MANY)
    before = len(talk.calls)
    talk.run(THREE)
    assert sent(talk)[before:] == [(4, True, 3)]


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_who_did_not_tell_its_limits_is_asked(version):
    """Before the first list; what it says is what counts then."""
    talk = Talk(Station(limits=Limits(entries_per_call=7, entries_max=10), tells="asked"), version)
    talk.run(MANY)
    assert [call[0] in LEARN for call in talk.calls] == [True, False, False]
    assert [entries for _, _, entries in sent(talk)] == [7, 3]


def test_limits_are_asked_for_once_on_each_connection():
    """Where something is to be sent: the station may be another one, with the same name."""
    talk = Talk(Station(tells="asked"))
    talk.run(THREE)
    talk.run(MANY[:4])
    talk.connect()
    talk.run(MANY[:4])
    assert [call[0] for call in talk.calls] == [ASK, SEND, SEND, CHECK]
    talk.station.limits = Limits(entries_per_call=2)
    talk.run(MANY[:8])
    talk.run(MANY[:9])
    assert [call[0] for call in talk.calls[4:]] == [ASK, SEND, SEND, SEND]


@pytest.mark.parametrize("fault", [None, "deaf"])
def test_who_does_not_answer_for_its_limits_gets_its_list(fault):
    """At once, and with few entries to a call."""
    station = Station(fault=lambda action: None if action == SEND else fault, tells="never")
    talk = Talk(station)
    talk.run(MANY)
    assert [call[0] for call in talk.calls] == [ASK, SEND, SEND, SEND]
    assert {entries for _, _, entries in sent(talk)} == {20}
    assert talk.now_ms < NOON + 15 * SECOND


def test_limits_that_were_answered_are_waited_for():
    """The result of the command may be read before what was answered; not for ever."""
    talk = Talk(Station(tells="asked"))
    assert talk.step(THREE) == Learn()
    row = talk.book.row | {"told_id": None}
    step = plan.step(row, "", anything_wanted=True, now_ms=talk.now_ms)
    assert step == Wait(row["ended_ms"] + plan.EVENT_TIME_MS)
    later_ms = step.until_ms
    assert isinstance(plan.step(row, "", anything_wanted=True, now_ms=later_ms), Send)


def test_too_many_for_one_call_are_halved():
    """Where a station tells no limit; what was learned so is kept."""
    station = Station(limits=Limits(entries_per_call=3), tells="never")
    talk = Talk(station)
    talk.run(MANY[:25])
    tried = [entries for _, _, entries in sent(talk)]
    assert tried == [20, 10, 5, *[2] * 12, 1]
    assert station.entries == held(MANY[:25])
    talk.connect()
    talk.run(MANY[:30])
    assert [entries for _, _, entries in sent(talk)][len(tried) :] == [2, 2, 1]
    station.limits = Limits()
    talk.book.read(LocalListLimitsTold(talk.at(), entries_per_call=9))
    assert limits(talk.book.row).entries_per_call == 9, "until it tells"


def test_one_that_fails_alone_is_not_too_many():
    """Then it is something else, and short lists would help nobody."""
    talk = Talk(Station(fault=lambda action: "Failed" if action == SEND else None, tells="never"))
    while len(sent(talk)) < 7:
        match talk.step(MANY):
            case Wait(until_ms):
                talk.now_ms = until_ms
    assert [entries for _, _, entries in sent(talk)] == [20, 10, 5, 2, 1, 20, 10]


def test_what_does_not_fit_is_left_out():
    """Who may charge comes first, then the order of the tokens."""
    blocked = [token(f"a{number}", "Blocked") for number in range(3)]
    found = wanted([*blocked, *THREE], "1.6", Limits(entries_max=4))
    assert set(found.entries) == {*NAMES[:3], "a0"}
    assert found.left_out == 2
    assert wanted(blocked, "1.6", Limits(entries_max=0)).entries == {}
    too_long = [token("x" * 21), token("y" * 20)]
    assert wanted(too_long, "1.6", Limits()).left_out == 1
    assert wanted(too_long, "1.6", Limits(bytes_per_call=270)).left_out == 1
    assert wanted(too_long, "1.6", Limits(bytes_per_call=240)).left_out == 2


def test_another_type_is_another_entry():
    """In 2.x: the old one is taken out before the new one comes."""
    old = {"a": replace(token("A"), token_type="Central")}
    new = wanted([replace(token("A"), token_type="eMAID")], "2.0.1", Limits())
    full, changes = piece(old, new, "2.0.1", Limits())
    assert (full, [(one.token, one.token_type, one.status) for one in changes]) == (
        False,
        [("A", "Central", None)],
    )


def test_stations_that_have_no_list_are_left_alone():
    """Where no token is for them, and where the list is somebody else's."""
    talk = Talk(Station())
    assert talk.step([]) is None
    talk.book.read(LocalListAnswered(at(10, 8), 5, True, (token("x"),), "Accepted", "by hand"))
    assert talk.step([]) is None
    assert talk.calls == []


def test_our_list_ends_with_its_last_token():
    """The station is not left with what nobody may use any more."""
    talk = Talk(Station())
    talk.run(THREE)
    talk.run([])
    assert (talk.station.entries, talk.book.entries) == ({}, {})
    assert talk.step([]) is None


@pytest.mark.parametrize("told", [{"enabled": False}, {"supported": False}])
def test_stations_that_use_no_list_are_left_alone(told):
    """They said so themselves."""
    talk = Talk(Station())
    if "enabled" in told:
        talk.book.read(LocalListLimitsTold(at(10, 9), enabled=False))
    else:
        talk.book.read(LocalListVersionTold(at(10, 9), -1))
    assert talk.step(THREE) is None
    talk.book.read(LocalListLimitsTold(at(10, 11), enabled=True))
    talk.book.read(LocalListVersionTold(at(10, 11), 0))
    assert isinstance(talk.step(THREE), Send), "until they say otherwise"


def test_nobody_is_asked_who_is_not_there():
    """Nor who speaks a version without words for it."""
    talk = Talk(Station())
    talk.disconnect()
    assert talk.step(THREE) is None
    talk.book.read(Connected(at(99, 0), version="9.9"))
    assert talk.step(THREE) is None


def test_a_mismatch_is_mended_by_a_full_list():
    """With a version above the one that the station tells."""
    talk = Talk(Station())
    talk.run(THREE)
    talk.station.version = 70
    talk.run(MANY[:4])
    assert [call[0] for call in talk.calls[1:]] == [SEND, CHECK, SEND]
    assert sent(talk)[-1] == (71, True, 4)
    assert talk.station.entries == held(MANY[:4])


def test_pauses_grow_with_failures():
    """1, 2, 5, 15, 60 minutes and no longer; a list that is taken ends it."""
    faults = []
    talk = Talk(Station(fault=lambda action: faults.pop() if faults else None))
    faults += ["Failed"] * 7
    begun = []
    while True:
        match talk.step(THREE):
            case Wait(until_ms):
                talk.now_ms = until_ms
            case Send():
                begun.append(talk.now_ms - SECOND)
            case _:
                break
    pauses = [(after - before) // MINUTE for before, after in pairwise(begun)]
    assert pauses == [1, 2, 5, 15, 60, 60, 60]
    assert all(full for _, full, _ in sent(talk)), "what Failed leaves behind nobody knows"
    assert PAUSES_MS[-1] == 60 * MINUTE
    faults.append("Failed")
    talk.run(MANY[:2])
    assert talk.book.row["failures"] is None


def test_a_list_that_fails_at_its_end_is_not_begun_over_and_over():
    """Where it does not tell how much it can hold, each try begins well."""
    station = Station(limits=Limits(entries_max=50), tells="never")
    talk = Talk(station)
    while talk.now_ms < NOON + 12 * 60 * MINUTE:
        match talk.step(MANY):
            case Wait(until_ms):
                talk.now_ms = until_ms
    assert len([full for _, full, _ in sent(talk) if full]) < 20
    station.limits = Limits()
    talk.run(MANY)
    assert station.entries == held(MANY), "but it is tried"


def test_a_version_that_is_told_shortens_no_pause():
    """A station that refuses every list is not asked for ever in a loop."""
    talk = Talk(Station(fault=lambda action: "VersionMismatch" if action == SEND else None))
    begun_ms = talk.now_ms
    while len(talk.calls) < 20:
        match talk.step(THREE):
            case Wait(until_ms):
                talk.now_ms = until_ms
    assert talk.now_ms - begun_ms > 6 * 60 * MINUTE


def test_a_new_connection_is_asked_for_the_version():
    """Nothing more, where it is the one that we know."""
    talk = Talk(Station())
    talk.run(THREE)
    talk.disconnect()
    talk.connect()
    talk.run(THREE)
    assert [call[0] for call in talk.calls] == [SEND, CHECK]


def test_a_list_that_was_reset_is_filled_again():
    """Its version tells."""
    talk = Talk(Station())
    talk.run(THREE)
    talk.station.entries, talk.station.version = {}, 0
    talk.disconnect()
    talk.connect()
    talk.run(THREE)
    assert talk.station.entries == held(THREE)


@pytest.mark.parametrize("fault", ["lost", "deaf"])
def test_an_answer_that_is_lost_is_asked_for(fault):
    """The version tells whether the station has taken what it was sent."""
    faults = [fault]
    talk = Talk(Station())
    talk.run(THREE)
    talk.station.fault = lambda action: faults.pop() if faults else None
    talk.run(MANY[:4])
    expected = [SEND, CHECK, SEND]
    assert [call[0] for call in talk.calls[1:]] == expected
    assert sent(talk)[-1][1] is (fault == "lost")
    assert talk.station.entries == held(MANY[:4])


def test_who_cannot_tell_its_version_is_believed():
    """What we know of it holds, unless an answer of it was lost."""
    talk = Talk(Station())
    talk.run(THREE)
    talk.disconnect()
    talk.connect()
    assert isinstance(talk.step(THREE), Check)
    row = talk.book.row | {"vain_ms": talk.now_ms, "list_epoch": 10}
    digest = wanted(THREE, "1.6", Limits()).digest
    ask = {"anything_wanted": True, "now_ms": talk.now_ms + MINUTE}
    assert plan.step(row, digest, **ask) is None
    before = row | {"vain_ms": row["connected_ms"] - 1}
    assert plan.step(before, digest, **ask) == Check(), "a new connection, a new try"
    row["lost_ms"] = row["answered_ms"]
    assert plan.step(row, digest, **ask) == Send(2, full=True)


def test_the_event_of_an_answer_is_waited_for():
    """The result of a command may be read before what was answered; not for ever."""
    talk = Talk(Station())
    talk.run(THREE)
    row = talk.book.row | {"command_id": None}
    step = plan.step(row, "", anything_wanted=True, now_ms=talk.now_ms)
    assert step == Wait(row["ended_ms"] + plan.EVENT_TIME_MS)
    later_ms = step.until_ms
    assert plan.step(row, "", anything_wanted=True, now_ms=later_ms) == Send(2, full=False)


def test_one_command_at_a_time():
    """Until it has ended, or cannot end well any more."""
    talk = Talk(Station())
    talk.run(THREE)
    row = talk.book.row | {"asked_id": "local-list.other", "asked_until_ms": talk.now_ms}
    step = plan.step(row, "", anything_wanted=True, now_ms=talk.now_ms)
    assert step == Wait(talk.now_ms + plan.ANSWER_TIME_MS)
    later_ms = step.until_ms
    assert plan.step(row, "", anything_wanted=True, now_ms=later_ms) == Send(2, full=False)


def test_versions_begin_anew_with_a_full_list():
    """They are positive and have 31 bits."""
    talk = Talk(Station())
    most = 2**31 - 1
    talk.station.version = most - 1
    talk.book.read(LocalListVersionTold(at(10, 5), most - 1))
    talk.sequence = 5
    talk.run(THREE)
    talk.run(MANY[:4])
    talk.run(MANY[:5])
    assert sent(talk) == [(most, True, 3), (1, True, 4), (2, False, 1)]


LIMITS = st.builds(
    Limits,
    entries_per_call=st.integers(1, 8),
    bytes_per_call=st.sampled_from([300, 700, 5000]),
    entries_max=st.sampled_from([None, 3, 10]),
)
FAULTS = st.sampled_from(
    [None, None, None, "lost", "deaf", "Failed", "VersionMismatch", "reset", "away"]
)
TOKENS = st.lists(
    st.builds(
        token,
        st.sampled_from([*NAMES[:15], "TAG-001", "a token that is too long"]),
        st.sampled_from(["Accepted", "Blocked", "NoCredit"]),
        group=st.sampled_from([None, "G"]),
        expires_ms=st.sampled_from([None, 1_795_262_400_000]),
    ),
    max_size=25,
)


@given(
    told=LIMITS,
    wishes=st.lists(TOKENS, min_size=1, max_size=4),
    faults=st.lists(FAULTS, max_size=25),
    version=st.sampled_from(["1.6", "2.0.1", "2.1"]),
    tells=st.sampled_from(["unasked", "asked", "never"]),
)
def test_in_the_end_the_list_is_as_wanted(told, wishes, faults, version, tells):
    """Whatever breaks on the way; and no call is ever longer than the limits that we know of."""
    if tells == "never":
        told = replace(told, entries_max=None)  # a list that is never long enough has no end
    station = Station(limits=told, tells=tells)
    talk = Talk(station, version)

    def fault(action):
        found = faults.pop() if faults else None
        if found == "reset":  # and nobody hears of it before the next connection
            station.entries, station.version = {}, 0
        if found in ("reset", "away"):
            talk.disconnect()
            talk.connect()
            return "deaf"
        return found if action == SEND or found in ("lost", "deaf") else None

    station.fault = fault
    for wish in wishes:
        for _ in range(3):
            talk.step(wish)
            talk.now_ms += MINUTE
    faults.clear()
    talk.disconnect()
    talk.connect()
    talk.run(wishes[-1])
    aim = wanted(wishes[-1], version, limits(talk.book.row))
    assert station.entries == dict(aim.entries) == talk.book.entries
    for action, list_version, _, entries, size in talk.limited:
        assert entries <= told.entries_per_call
        assert action != SEND or size <= told.bytes_per_call
        assert (list_version is None) == (action != SEND)
        assert list_version is None or list_version > 0
