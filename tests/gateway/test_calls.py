"""The slot for our own CALLs: commands in, one at a time out, one result each."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import replies
from gateway.calls import LATE_MAX, Limits
from gateway.claims import Claim
from gateway.effects import Count, Instant, Record, Write
from schemas.replying import ReplyTo
from schemas.traces import Trace
from tests.gateway.conversation import Conversation

HEARTBEAT = '[2,"h","Heartbeat",{}]'
ACCEPTED = '{"status":"Accepted"}'


def ready(**policy):
    """A conversation that can be asked: its first call is answered."""
    told = Conversation(**policy)
    told.hear(HEARTBEAT)
    told.writes.clear()
    return told


def sent(told, *ids):
    """Have these commands claimed and read back."""
    for command_id in ids:
        told.command(command_id)
        told.read(command_id=command_id)


def claim(kind="taken"):
    """A claim to be read by the session alone: what it writes is not sent at once."""
    return Claim(kind, "k-1", 1, 90, 77, "c-1")


def outcomes(told):
    return [(one["command_id"], one["attempt"], one["outcome"]) for one in told.results]


def taken(told):
    return [r["command_id"] for t, r in told.events if t == "connections" and r["type"] == "taken"]


def settled(told):
    """What was given back."""
    events = [record for topic, record in told.events if topic == "connections"]
    return [(r["command_id"], r["outcome"]) for r in events if r["type"] == "settled"]


def test_a_command_is_sent_only_after_its_claim_was_read_back():
    """Promise 5: the claim may turn out to be the second one."""
    told = ready()
    told.command()
    assert (taken(told), told.writes) == (["k-1"], [])
    told.read()
    assert told.answers == [[2, "k-1", "Reset", {"type": "Soft"}]]


def test_no_write_stands_before_the_record_of_its_event():
    """Promise 1 holds for our own frames, too."""
    told = ready()
    told.command()
    effects = [one for one in told.read() if not isinstance(one, Count)]
    assert [type(effect) for effect in effects] == [Record, Write]
    assert effects[0].event.message_id == effects[1].call == "k-1"


def test_a_claim_lost_to_another_gateway_says_nothing():
    """The other one asks, and has the result."""
    told = ready()
    told.command()
    told.read(connection_id="c-0", epoch=60, position=70)
    told.read()
    told.later(100)
    assert (told.writes, told.results) == ([], [])


def test_a_claim_that_was_read_before_the_command_keeps_us_from_claiming():
    """Its gateway reads the commands faster than we do."""
    told = ready()
    told.read(connection_id="c-0", epoch=60, position=70)
    told.command()
    assert taken(told) == []
    assert ("commands_left", "repeated") in told.counts


def test_the_same_attempt_twice_in_the_log_is_asked_once():
    """Whoever writes commands may repeat himself; another attempt is another one."""
    told = ready()
    sent(told, "k-1", "k-1")
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    sent(told, "k-1")
    assert len(told.writes) == 1
    told.command("k-1", attempt=2, message_id="m-2")
    told.read(attempt=2)
    assert told.answers[1][1] == "m-2"


def test_a_command_that_was_settled_is_never_sent():
    """Before the claim is read, while it waits, and while its event is on its way."""
    told = ready()
    told.command("k-1")
    told.read("settled", "k-1")
    told.read("taken", "k-1")
    told.read("settled", "k-2")
    told.command("k-2")
    sent(told, "k-3", "k-4")
    told.read("settled", "k-4")
    told.hear(f'[3,"k-3",{ACCEPTED}]')
    assert [answer[1] for answer in told.answers] == ["k-3"]
    assert outcomes(told) == [("k-3", 1, "answered")]
    session = told.session
    told.command("k-5")
    told.read("taken", "k-5")
    late = ready()
    late.command("k-1")
    effects = late.session.claimed(claim("taken"), late.now)
    late.session.claimed(claim("settled"), late.now)
    assert any(isinstance(effect, Write) for effect in effects)
    assert not late.session.leaves("k-1", late.now)
    assert session.calls.outstanding


def test_a_settlement_that_comes_after_our_claim_is_void_if_it_says_that_nobody_took_it():
    """Who arbitrates was late; that an attempt was lost it may say at any time."""
    told = ready()
    sent(told, "k-1", "k-2")
    for outcome in ("offline", "expired"):
        told.read("settled", "k-1", outcome=outcome)
        told.read("settled", "k-2", outcome=outcome)
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    told.read("settled", "k-2", outcome="timeout")
    told.hear(f'[3,"k-2",{ACCEPTED}]')
    assert outcomes(told) == [("k-1", 1, "answered")]
    told.command("k-3")
    told.read("settled", "k-3", outcome="offline")
    told.read("taken", "k-3")
    assert [answer[1] for answer in told.answers] == ["k-1", "k-2"]


def test_what_was_asked_when_it_is_settled_gets_no_result_from_here():
    """The answer is an event of the command all the same, and the next one goes out."""
    told = ready()
    sent(told, "k-1", "k-2")
    told.read("settled", "k-1")
    assert [answer[1] for answer in told.answers] == ["k-1", "k-2"]
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    assert told.results == []
    assert told.events[-1][1]["command_id"] == "k-1"


def test_commands_wait_in_their_order_and_one_is_outstanding():
    """Also where the first one runs out of time."""
    told = ready()
    sent(told, "k-1", "k-2", "k-3")
    assert [answer[1] for answer in told.answers] == ["k-1"]
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    assert [answer[1] for answer in told.answers] == ["k-1", "k-2"]
    told.later(30)
    told.read(command_id="k-3")  # claimed once more, see below
    assert [answer[1] for answer in told.answers] == ["k-1", "k-2", "k-3"]
    assert outcomes(told) == [("k-1", 1, "answered"), ("k-2", 1, "timeout")]


def test_a_pipelined_call_and_a_command_do_not_wait_for_each_other():
    """One outstanding CALL for each direction, never a slot shared by both."""
    told = ready(decided=frozenset({"Authorize"}))
    told.call("1", "Authorize", {"idTag": "A"})
    told.call("2", "Heartbeat", {})
    sent(told, "k-1", "k-2")
    assert [answer[:2] for answer in told.answers] == [[2, "k-1"]]
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    assert [answer[:2] for answer in told.answers] == [[2, "k-1"], [2, "k-2"]]
    assert outcomes(told) == [("k-1", 1, "answered")]
    assert told.session.pending == 2


def test_more_commands_than_may_wait_end_at_once():
    """They are claimed, so that they end once; one is asked, and so many wait."""
    told = ready(commands=Limits(queued_max=2))
    sent(told, "k-1", "k-2", "k-3", "k-4")
    assert outcomes(told) == [("k-4", 1, "expired")]
    assert told.results[0]["error_description"].startswith("queue_full")
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    sent(told, "k-5")
    assert len(told.results) == 2


def test_nothing_is_asked_before_the_first_call_is_answered():
    """Some stations ignore all that comes before; some never call: ten seconds are enough."""
    told = Conversation()
    sent(told, "k-1")
    assert told.writes == []
    assert told.session.deadline_s == told.now.s + 10
    told.later(9.9)
    assert told.writes == []
    told.later(0.1)
    told.read()
    assert len(told.writes) == 1
    called = Conversation(decided=frozenset({"BootNotification"}))
    boot = {"chargePointVendor": "v", "chargePointModel": "m"}
    called.call("1", "BootNotification", boot)
    sent(called, "k-1")
    assert called.writes == []
    called.later(5)
    called.read()
    assert [answer[0] for answer in called.answers] == [3, 2]


def test_what_waits_too_long_is_never_sent():
    """Held, behind another one, or not allowed yet: the time counts."""
    told = Conversation()
    told.command(expires_s=5)
    told.read()
    assert told.session.deadline_s == told.now.s + 5
    told.later(5)
    told.later(10)
    assert (told.writes, outcomes(told)) == ([], [("k-1", 1, "expired")])
    busy = ready()
    sent(busy, "k-1")
    busy.command("k-2", expires_s=29)
    busy.read(command_id="k-2")
    busy.later(29)
    busy.later(1)
    assert outcomes(busy) == [("k-2", 1, "expired"), ("k-1", 1, "timeout")]
    assert len(busy.writes) == 1


@pytest.mark.parametrize("jump", [(5, 5000), (5, 0), (0, 5000)])
def test_a_gateway_that_was_stopped_does_not_send_what_has_expired(jump):
    """Stopped between claim and reading it back; by either clock."""
    told = ready()
    told.command(expires_s=5)
    told.now = Instant(told.now.s + jump[0], told.now.ms + jump[1])
    told.read()
    assert (told.writes, outcomes(told)) == ([], [("k-1", 1, "expired")])


def test_an_event_that_takes_too_long_keeps_its_call_back():
    """Between the record and its acknowledgement: the event stands, the result says expired."""
    told = ready()
    told.command(expires_s=5)
    effects = told.session.claimed(claim("taken"), told.now)
    assert isinstance(effects[-2], Write) or any(isinstance(e, Write) for e in effects)
    told.now = Instant(told.now.s + 5, told.now.ms + 5000)
    assert not told.session.leaves("k-1", told.now)
    assert told.session.deadline_s == told.now.s
    told.later(0)
    assert (outcomes(told), told.results[0]["message_id"]) == ([("k-1", 1, "expired")], "k-1")
    assert not told.session.calls.outstanding


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 1499), st.integers(0, 1499), st.sampled_from([(1, 1), (1, 0), (0, 1)]))
def test_no_call_leaves_once_it_has_expired(expires_ms, waited_ms, clocks):
    """Also while its claim is fresh, after the shortest wait for its event, and by either clock."""
    told = ready()
    told.command(expires_s=expires_ms / 1000)
    told.session.claimed(claim("taken"), told.now)
    passed_s, passed_ms = (clock * waited_ms for clock in clocks)
    told.now = Instant(told.now.s + passed_s / 1000, told.now.ms + passed_ms)
    leaves = told.session.leaves("k-1", told.now)
    assert leaves == (waited_ms < expires_ms)
    told.later(0)
    assert outcomes(told) == ([] if leaves else [("k-1", 1, "expired")])


def test_the_time_of_a_call_runs_from_its_sending():
    """And not while nothing is read from the station."""
    told = ready()
    told.command()
    told.session.claimed(claim("taken"), told.now)
    told.now = Instant(told.now.s + 1, told.now.ms + 1000)
    assert told.session.leaves("k-1", told.now)
    assert not told.session.leaves("k-1", told.now)
    assert told.session.deadline_s == told.now.s + 30
    told.now = Instant(told.now.s + 31, told.now.ms + 31000)
    told.session.unread(told.now)
    told.later(0)
    assert told.results == []
    told.later(30)
    assert outcomes(told) == [("k-1", 1, "timeout")]


def test_an_old_claim_is_made_once_more():
    """Whatever the log says of the command before that is then read first."""
    told = ready()
    sent(told, "k-1", "k-2", "k-3")
    told.later(5)
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    assert taken(told) == ["k-1", "k-2", "k-3", "k-2"]
    told.read("settled", "k-2", outcome="connection_lost", connection_id=None, epoch=None)
    assert taken(told)[4:] == ["k-3"]
    told.read(command_id="k-3")
    assert [answer[1] for answer in told.answers] == ["k-1", "k-3"]
    assert outcomes(told) == [("k-1", 1, "answered")]


def marks(told):
    """Which claims were written to wait alone."""
    events = [record for topic, record in told.events if topic == "connections"]
    return [(r["command_id"], r["waiting"]) for r in events if r["type"] == "taken"]


def queued(**command):
    """A command behind another one, claimed to wait for its turn."""
    told = ready()
    sent(told, "k-1")
    told.command("k-2", **command)
    told.read(command_id="k-2", waiting=True)
    return told


def test_what_waits_for_its_turn_is_claimed_once_more_before_it_is_asked():
    """Its first claim says so: without the second one it was never asked, whoever died."""
    told = queued()
    assert marks(told) == [("k-1", False), ("k-2", True)]
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    assert marks(told)[2:] == [("k-2", False)]
    assert [answer[1] for answer in told.answers] == ["k-1"]
    told.read(command_id="k-2", waiting=True)  # the first one, twice in the log
    assert [answer[1] for answer in told.answers] == ["k-1"]
    told.read(command_id="k-2")
    assert [answer[1] for answer in told.answers] == ["k-1", "k-2"]
    assert len(marks(told)) == 3


def test_what_is_held_is_claimed_to_wait_and_what_needs_no_station_is_not():
    """Before the first call; a verdict ends as soon as it is read back."""
    told = Conversation()
    told.command("k-1")
    told.command("k-2", "NoSuchAction")
    assert marks(told) == [("k-1", True), ("k-2", False)]
    pending = ready(answers=replies.Policy(registration="Pending"))
    boot = {"chargePointVendor": "v", "chargePointModel": "m"}
    pending.call("1", "BootNotification", boot)
    pending.command("k-1", "RemoteStartTransaction", {"idTag": "A"})
    pending.command("k-2", "NoSuchAction")
    assert marks(pending) == [("k-1", True), ("k-2", False)]


@pytest.mark.parametrize("busy", [True, False])
def test_what_only_waited_ends_by_a_claim_of_more_than_that(busy):
    """It may have been given up, and be asked on another connection: the log decides."""
    told = queued(expires_s=2)
    if not busy:
        told.hear(f'[3,"k-1",{ACCEPTED}]')
    told.later(2)
    told.later(3)
    assert (marks(told)[2:], outcomes(told)[1 - busy :]) == ([("k-2", False)], [])
    told.read(command_id="k-2")
    assert outcomes(told)[1 - busy :] == [("k-2", 1, "expired")]
    why = told.results[-1]["error_description"].split(":")[0]
    assert why == ("queued" if busy else "log_slow")
    given_up = queued(expires_s=2)
    given_up.later(2)
    given_up.read("settled", "k-2", outcome="offline", waiting=True)
    given_up.read(command_id="k-2")
    assert outcomes(given_up) == []


def test_what_only_waited_may_be_given_up_by_who_arbitrates():
    """Not once it is claimed to be asked; then it takes that it may have been."""
    told = queued()
    told.read("settled", "k-2", outcome="offline", waiting=False)  # of what nobody took: too late
    told.read("settled", "k-2", outcome="offline", waiting=True)
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    assert (len(marks(told)), outcomes(told)) == (2, [("k-1", 1, "answered")])
    told = queued()
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    told.read("settled", "k-2", outcome="offline", waiting=True)
    told.read(command_id="k-2")
    assert [answer[1] for answer in told.answers] == ["k-1"]
    told = ready()
    told.command()
    told.session.claimed(claim(), told.now)
    told.read("settled", outcome="offline", waiting=True)
    assert told.session.leaves("k-1", told.now)


def leaving(**command):
    """A command whose event is on its way to the log for so long that its claim is old."""
    told = ready()
    told.command(**command)
    effects = told.session.claimed(claim("taken"), told.now)
    told.keep([one for one in effects if isinstance(one, Record)])
    told.now = Instant(told.now.s + 1.6, told.now.ms + 1600)
    assert not told.session.leaves("k-1", told.now)
    assert told.session.deadline_s == told.now.s
    return told


def events(told):
    """Of the CALL that asks it."""
    return [record["kind"] for topic, record in told.events if topic == "provisioning"]


def test_what_was_claimed_too_long_ago_is_sent_once_it_is_claimed_again():
    """The gateway was stopped between claim and sending: who arbitrates may have given it up. If
    not, Kafka was slow, and the CALL goes out, by the event that it has."""
    told = leaving()
    told.later(0)
    assert (taken(told), told.writes) == (["k-1", "k-1"], [])
    told.read()
    assert [answer[1] for answer in told.answers] == ["k-1"]
    told.read()
    assert (len(told.writes), events(told)) == (1, ["call"])
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    assert (outcomes(told), settled(told)) == ([("k-1", 1, "answered")], [])


def test_a_call_is_proved_to_be_ours_until_it_leaves():
    """However often: whenever it may leave, the claim has to be fresh."""
    told = leaving()
    told.later(0)
    told.later(1.6)
    told.read()
    assert (taken(told), told.writes) == (["k-1"] * 3, [])
    effects = told.session.claimed(claim("taken"), told.now)
    assert [one.call for one in effects if isinstance(one, Write)] == ["k-1"]
    told.now = Instant(told.now.s + 1.6, told.now.ms + 1600)  # it waited for events before it
    assert not told.session.leaves("k-1", told.now)
    told.later(0)
    assert (taken(told), events(told)) == (["k-1"] * 4, ["call"])


@pytest.mark.parametrize(
    ("end", "results", "back"),
    [
        (lambda told: told.later(60), [("k-1", 1, "expired")], []),
        (lambda told: told.close(), [], [("k-1", "offline")]),
        (
            lambda told: (told.keep(told.session.stopping(told.now)), told.read()),
            [],
            [("k-1", "offline")],
        ),
        (lambda told: told.read("settled", outcome="connection_lost"), [], []),
    ],
)
def test_a_call_that_is_not_proved_to_be_ours_is_not_sent(end, results, back):
    """It expires, is given back, or is another's; the next one has its turn."""
    told = leaving()
    told.later(0)
    end(told)
    assert (told.writes, outcomes(told), settled(told)) == ([], results, back)
    assert not told.session.calls.outstanding


def test_a_call_with_an_old_claim_expires_and_ends_with_its_gateway():
    """Nothing is claimed once more then."""
    told = leaving(expires_s=1.4)
    told.later(0)
    assert outcomes(told) == [("k-1", 1, "expired")]
    told = leaving()
    told.keep(told.session.stopping(told.now))
    told.later(0)
    assert (settled(told), told.closes) == ([("k-1", "offline")], [1012])


def test_a_claim_that_is_old_when_it_is_read_back_again_is_made_once_more():
    """Kafka takes long; it may take less the next time."""
    told = ready()
    sent(told, "k-1", "k-2")
    told.later(5)
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    for _ in range(3):
        told.later(1.6)
        told.read(command_id="k-2")
    assert taken(told) == ["k-1"] + ["k-2"] * 5
    assert len(told.writes) == 1
    told.read(command_id="k-2")
    assert [answer[1] for answer in told.answers] == ["k-1", "k-2"]


def test_what_is_claimed_again_ends_with_its_connection_or_gateway():
    """Or when it expires."""
    for end in (
        lambda told: told.close(),
        lambda told: (told.keep(told.session.stopping(told.now)), told.read(command_id="k-2")),
    ):
        told = ready()
        sent(told, "k-1", "k-2")
        told.later(5)
        told.hear(f'[3,"k-1",{ACCEPTED}]')
        end(told)
        assert settled(told) == [("k-2", "offline")]
        assert [answer[1] for answer in told.answers] == ["k-1"]
    told = ready()
    sent(told, "k-1", "k-2")
    told.later(5)
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    told.later(60)
    assert outcomes(told)[1:] == [("k-2", 1, "expired")]


def test_a_command_that_expires_says_what_kept_it():
    """The station, other commands, or Kafka: what to do about it is not the same."""
    told = Conversation()
    sent(told, "k-1")
    told.later(5)
    told.command("k-2", expires_s=2)
    told.read(command_id="k-2")
    told.later(2)
    assert told.results[0]["error_description"].startswith("held: ")
    told = ready()
    sent(told, "k-1")
    told.command("k-2", expires_s=2)
    told.read(command_id="k-2")
    told.command("k-3", expires_s=2)
    told.later(2)
    told.read(command_id="k-3")
    whys = [(one["command_id"], one["error_description"].split(":")[0]) for one in told.results]
    assert whys == [("k-2", "queued"), ("k-3", "log_slow")]


def test_a_newer_connection_ends_it_between_claim_and_sending():
    """Promise 6: superseded before the claim was read back, nothing goes out any more."""
    told = ready()
    told.command()
    told.session.given_up()
    told.read()
    told.command("k-2")
    assert (told.writes, taken(told)) == ([], ["k-1"])
    told.close()
    assert (told.results, settled(told)) == ([], [])
    on_its_way = ready()
    on_its_way.command()
    on_its_way.session.claimed(claim("taken"), on_its_way.now)
    on_its_way.session.given_up()
    assert not on_its_way.session.leaves("k-1", on_its_way.now)


def test_the_end_of_a_connection_gives_back_what_was_not_asked():
    """What was asked is lost, what was not may be asked again; what is not ours is left alone."""
    told = ready()
    sent(told, "k-1", "k-2")
    told.command("k-3")
    effects = told.close()
    assert outcomes(told) == [("k-1", 1, "connection_lost")]
    assert settled(told) == [("k-2", "offline")]
    records = [effect for effect in effects if isinstance(effect, Record)]
    assert all(record.keep for record in records)
    assert told.events[-1][1]["type"] == "disconnected"


def test_an_event_on_its_way_is_given_back_too():
    """It was never written to the socket."""
    told = ready()
    told.command()
    told.session.claimed(claim("taken"), told.now)
    told.close()
    assert (told.results, settled(told)) == ([], [("k-1", "offline")])


def test_a_gateway_that_stops_waits_for_the_answer_and_gives_the_rest_back():
    """No new commands; the close comes after the answer."""
    told = ready()
    sent(told, "k-1", "k-2")
    told.command("k-3")
    told.keep(told.session.stopping(told.now))
    assert (settled(told), told.closes) == ([("k-2", "offline")], [])
    told.read(command_id="k-3")
    told.command("k-4")
    assert settled(told) == [("k-2", "offline"), ("k-3", "offline")]
    told.call("9", "Heartbeat", {})
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    assert outcomes(told) == [("k-1", 1, "answered")]
    assert (told.closes, taken(told), len(told.writes)) == ([1012], ["k-1", "k-2", "k-3"], 1)
    late = ready()
    sent(late, "k-1")
    late.keep(late.session.stopping(late.now))
    late.later(30)
    assert (outcomes(late), late.closes) == ([("k-1", 1, "timeout")], [1012])


def test_late_answers_are_events_of_their_command_and_bounded():
    """Out of order as well; the oldest is forgotten."""
    told = ready()
    names = [f"k-{number}" for number in range(LATE_MAX + 1)]
    for name in names:
        sent(told, name)
        told.later(30)
    assert len(told.results) == LATE_MAX + 1
    told.events.clear()
    told.hear(f'[4,"{names[-1]}","NotSupported","",{{}}]')
    told.hear(f'[3,"{names[1]}",{ACCEPTED}]')
    told.hear(f'[3,"{names[0]}",{ACCEPTED}]')
    records = [record for _, record in told.events]
    assert [r["command_id"] for r in records] == [names[-1], names[1], None]
    assert len(told.results) == LATE_MAX + 1


def test_commands_older_than_the_connection_are_left_to_who_arbitrates():
    """Another gateway may have asked them, on the connection before."""
    told = ready()
    told.command(written_s=-0.001)
    told.command("k-2", expires_s=0)
    assert taken(told) == []
    assert told.counts[-2:] == [("commands_left", "older"), ("commands_left", "expired")]


def test_commands_for_one_connection_are_for_no_other():
    """An attempt that is written again, however late, never finds a connection that came since."""
    told = ready()
    told.command("k-1", epoch=76)
    assert told.counts[-1] == ("commands_left", "elsewhere")
    told.command("k-2", epoch=77, written_s=-5)  # by a clock that is behind
    assert taken(told) == ["k-2"]


def test_commands_for_one_connection_wait_for_the_epoch_to_be_known():
    """Then those for another one are left."""
    told = Conversation(opened=False)
    told.session.opened({}, told.now)
    told.command("k-1", epoch=76)
    told.command("k-2", epoch=77)
    told.keep(told.session.recorded(77, told.now))
    assert taken(told) == ["k-2"]


def test_commands_that_come_before_the_epoch_is_known_are_claimed_with_it():
    """Unless somebody else has them by then."""
    told = Conversation(opened=False)
    told.session.opened({}, told.now)
    told.command("k-1")
    told.command("k-2")
    told.command("k-3")
    told.read("taken", "k-2", connection_id="c-0", epoch=70, position=71)
    told.read("settled", "k-3", position=72)
    assert taken(told) == []
    told.keep(told.session.recorded(77, told.now))
    assert taken(told) == ["k-1"]
    (claim,) = [record for topic, record in told.events if topic == "connections"]
    assert (claim["epoch"], claim["connection_id"], claim["gateway"]) == (77, "c-1", "gw")
    closed = Conversation(opened=False)
    closed.command("k-1")
    closed.close()
    assert [record["type"] for _, record in closed.events] == ["disconnected"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (f'[3,"k-1",{ACCEPTED}]', "answered"),
        ('[4,"k-1","NotSupported","",{}]', "call_error"),
        ('[3,"k-1",{}]', "bad_answer"),
        ('[3,"k-1"]', "bad_answer"),
    ],
)
def test_a_result_follows_from_the_event_of_the_answer(answer, outcome):
    """What is asked next does not wait for it."""
    told = ready()
    sent(told, "k-1", "k-2")
    effects = told.session.received(answer, told.now)
    event, follows = effects[0].event, effects[0].then
    assert event.direction == "from_station"
    (result,) = (one.event for one in follows if isinstance(one, Record))
    assert result.topic == "command-results"
    assert Count("command_results", (outcome,)) in follows
    records = [one for one in effects[1:] if isinstance(one, Record)]
    assert [(one.event.message_id, one.then) for one in records] == [("k-2", ())]


def test_a_result_is_copied_to_whoever_asked_for_it():
    """The copy goes with the record of the result, and only with that."""
    told = ready()
    reply_to = ReplyTo("replies", 3, b"7")
    told.command(reply_to=reply_to, trace=b"00-1")
    told.read()
    effects = told.hear(f'[3,"k-1",{ACCEPTED}]')
    copies = [(e.event.topic, e.copy_to) for e in effects if isinstance(e, Record)]
    assert copies == [("provisioning", None), ("command-results", reply_to)]
    headers = [dict(e.event.headers) for e in effects if isinstance(e, Record)]
    assert [one["traceparent"] for one in headers] == [b"00-1"] * 2


def test_the_gauge_of_commands_goes_up_and_down():
    """By state; at the end of a connection nothing is left of it."""
    told, levels = ready(), {}

    def keep(effects):
        for effect in effects:
            if isinstance(effect, Count) and effect.metric == "commands":
                levels[effect.labels[0]] = levels.get(effect.labels[0], 0) + effect.by

    keep(told.command("k-1"))
    assert levels == {"claiming": 1}
    keep(told.read())
    keep(told.command("k-2"))
    keep(told.read(command_id="k-2"))
    assert levels == {"claiming": 0, "outstanding": 1, "queued": 1}
    keep(told.hear(f'[3,"k-1",{ACCEPTED}]'))
    assert levels == {"claiming": 0, "outstanding": 1, "queued": 0}
    keep(told.close())
    assert set(levels.values()) == {0}
    told = Conversation()
    levels.clear()
    keep(told.command("k-1"))
    keep(told.read())
    assert levels == {"claiming": 0, "held": 1}
    keep(told.hear(HEARTBEAT))
    assert levels == {"claiming": 0, "held": 0, "outstanding": 1}


STEPS = st.one_of(
    st.tuples(st.just("command"), st.integers(0, 4), st.sampled_from([3.0, 60.0])),
    st.tuples(st.just("read"), st.integers(0, 4), st.sampled_from(["own", "other", "settled"])),
    st.tuples(st.just("later"), st.sampled_from([0.5, 3.0, 30.0]), st.none()),
    st.tuples(st.just("answer"), st.integers(0, 4), st.sampled_from([3, 4])),
    st.tuples(st.just("hear"), st.none(), st.none()),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(STEPS, max_size=30))
def test_whatever_happens_an_attempt_is_sent_once_and_ends_once(steps):
    """And never two at a time, never without its claim, never after it was settled or expired."""
    told = Conversation(commands=Limits(queued_max=2))
    expires, own, over = {}, set(), set()
    for kind, what, how in steps:
        name, before = f"k-{what}", len(told.writes)
        if kind == "command":
            told.command(name, expires_s=how)
            expires.setdefault(name, told.now.ms + round(how * 1000))
        elif kind == "read" and how == "own" and name in taken(told):
            own.add(name)
            told.read(command_id=name)
        elif kind == "read" and how != "own":
            if name not in own or how == "settled":
                over.add(name)
            whose = {"connection_id": "c-0", "epoch": 70, "position": 71}
            told.read("settled" if how == "settled" else "taken", name, **whose)
        elif kind == "later":
            told.later(what)
        elif kind == "answer":
            payload = [3, name, {"status": "Accepted"}] if how == 3 else [4, name, "X", "", {}]
            told.hear(json.dumps(payload))
        elif kind == "hear":
            told.hear(HEARTBEAT)
        for frame in told.answers[before:]:
            if frame[0] == 2:
                assert frame[1] in own - over
                assert told.now.ms < expires[frame[1]]
    told.later(100)
    told.close()
    asked = [frame[1] for frame in told.answers if frame[0] == 2]
    assert len(asked) == len(set(asked))
    ended = [one["command_id"] for one in told.results] + [name for name, _ in settled(told)]
    assert len(ended) == len(set(ended))
    assert set(ended) <= own
    assert own - over <= set(ended)


def test_a_traced_command_has_spans_of_what_is_done_about_it():
    """Claiming it, asking the station, and all of it until the result is in the log; each record
    below it. What came with another trace id is not in them."""
    told, trace = ready(), Trace(5, 6, 7)
    told.command(trace=trace)
    told.later(1)
    told.read()
    told.later(2)
    effects = told.hear(f'[3,"k-1",{ACCEPTED}]', Trace(9, 9))
    claim, asked, whole = told.ended
    assert [(one.name, one.kind) for one in told.ended] == [
        ("claim", "internal"),
        ("Reset", "client"),
        ("commands", "consumer"),
    ]
    assert (claim.until_s - claim.since_s, asked.until_s - asked.since_s) == (1, 2)
    assert (whole.trace, whole.since_s, whole.until_s) == (trace, claim.since_s, None)
    assert effects.index(whole) > max(
        at for at, effect in enumerate(effects) if isinstance(effect, Record)
    )
    assert dict(whole.told) == {
        "ocpp.action": "Reset",
        "ocpp.command.id": "k-1",
        "ocpp.command.outcome": "answered",
    }
    assert dict(asked.told)["ocpp.message.id"] == "k-1"
    places = [one for one in told.traced if one is not None]
    assert len({one.span_id for one in places}) == len(places) == 4  # taken, CALL, answer, result
    assert {(one.trace_id, one.parent_id) for one in places} == {(5, 6)}


@pytest.mark.parametrize(
    ("what", "outcome", "failure"),
    [
        (lambda told: told.later(30), "timeout", "timeout"),
        (lambda told: told.close(), "connection_lost", "connection_lost"),
        (lambda told: told.hear('[4,"k-1","NotImplemented","",{}]'), "call_error", "call_error"),
    ],
)
def test_a_traced_command_that_comes_to_nothing_says_so(what, outcome, failure):
    """In the span of asking, and in that of all of it; an answer that comes too late ends neither
    once more."""
    told = ready()
    told.command(trace=Trace(5, 6, 7))
    told.read()
    what(told)
    told.hear(f'[3,"k-1",{ACCEPTED}]')
    _, asked, whole = told.ended
    assert [dict(one.told)["ocpp.command.outcome"] for one in (asked, whole)] == [outcome] * 2
    assert (asked.failure, whole.failure) == (failure, failure)


def test_a_traced_command_that_another_has_is_over_without_a_failure():
    """It was claimed in vain, and that is how it is meant to be."""
    told = ready()
    told.command(trace=Trace(5, 6, 7))
    told.read(connection_id="c-9", epoch=90)
    told.read()
    claim, whole = told.ended
    assert (claim.name, dict(whole.told)["ocpp.command.outcome"], whole.failure) == (
        "claim",
        "lost",
        "",
    )
