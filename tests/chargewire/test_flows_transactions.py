"""Transactions from afar, whatever comes in whatever order."""

from chargewire.flows.steps import Answer, Say, Within
from chargewire.flows.transactions import VERDICT_S, Start, Stop
from chargewire.flows.wording import WORDS, Token
from consumers.meaning import facts
from tests.chargewire.flowing import answered, asked, event, over, question
from tests.consumers import telling

OLD, NEW = WORDS["1.6"], WORDS["2.0.1"]


def starting(words=OLD, place=None):
    flow = Start(words, Token("A", "Central"), place, remote_start=5, wait_s=120)
    assert asked(flow.begin()) is not None
    return flow


def test_a_transaction_of_1_6_is_known_by_token_and_place_in_the_log() -> None:
    """It is there once the station was told that it may."""
    flow = starting(place=1)
    assert over(flow.told(event(1, telling.start(1, transaction="before")))) is None
    assert [*flow.told(question(2))] == []
    steps = [*flow.answered(answered())]
    assert Within(120) in steps
    assert over(steps) is None
    assert [*flow.told(event(3, telling.start(3, transaction="b", token="B")))] == []
    assert [*flow.told(event(4, telling.start(4, transaction="c", connector=2)))] == []
    told = [*flow.told(event(5, telling.start(5, token="a")))]
    assert [type(step) for step in told] == [Say, Within]
    end = over(flow.told(event(6, telling.answered(6))))
    assert end == (True, "transaction 17 is there, on 1")


def test_events_may_be_read_before_the_answer() -> None:
    """They are of other topics: only when the station has agreed, it is over."""
    flow = starting()
    for step in (telling.start(3), telling.answered(4)):
        assert over(flow.told(event(step.at.sequence, step))) is None
    assert over(flow.answered(answered())) is None, "it is not known yet what came after the call"
    assert over(flow.told(question(2))) == (True, "transaction 17 is there, on 1")


def test_a_transaction_of_2_x_gives_the_number_back() -> None:
    """Also one that had begun before, and learns only now who charges; or the answer names it."""
    flow = starting(NEW)
    begun = telling.started(1, transaction="T", token=None)
    assert [*flow.told(event(1, begun))] == []
    assert [*flow.told(question(2))] == []
    assert over(flow.answered(answered())) is None
    other = telling.started(3, transaction="U", remote_start=6)
    assert [*flow.told(event(3, other, telling.answered(3, transaction="U")))] == []
    ours = telling.updated(4, transaction="T", remote_start=5)
    assert over(flow.told(event(4, ours))) is None
    assert flow.late()[0].reached, "no answer needs to say anything of the token"
    named = starting(NEW)
    named.told(event(1, begun))
    assert over(named.answered(answered(transactionId="T"))) is None
    assert over(named.late()) == (True, "transaction T is there, on 1")


def test_a_token_that_is_refused_is_no_success() -> None:
    """Its station ends the transaction again; also where it has done so already."""
    flow = starting()
    flow.told(question(1))
    flow.answered(answered())
    flow.told(event(2, telling.start(2)))
    end = over(flow.told(event(3, telling.answered(3, "Blocked"))))
    assert end == (False, "transaction 17 has begun, but its token is Blocked")
    flow = starting()
    flow.told(question(1))
    flow.answered(answered())
    end = over(flow.told(event(2, telling.start(2), telling.stop(3))))
    assert end == (False, "transaction 17 has begun, and ended: Local")


def test_nothing_begins() -> None:
    """Refused, no answer, or nobody plugs in."""
    assert over(starting().answered(answered("Rejected"))) == (
        *(False, "the station refuses: Rejected"),
    )
    assert over(starting().answered(Answer("timeout")))[0] is False
    flow = starting()
    flow.answered(answered())
    why = "accepted, but no transaction of this start has begun within 120 s"
    assert over(flow.late()) == (False, why)


def test_what_happens_at_the_station_is_told_until_it_begins() -> None:
    """Its connectors, and that it is gone."""
    flow = starting()
    status = facts.StatusTold(telling.at(1), connector=1, status="Preparing")
    told = [*flow.told(event(1, status, observed_at=9))]
    assert told == [Say("1: Preparing", {"place": 1, "status": "Preparing"}, 9)]
    gone = [*flow.told(event(2, facts.Disconnected(telling.at(2))))]
    assert [step.text for step in gone] == ["the connection has ended"]
    flow.told(question(3))
    flow.answered(answered())
    assert VERDICT_S in [
        step.seconds for step in flow.told(event(4, telling.start(4))) if isinstance(step, Within)
    ]
    assert [*flow.told(event(5, status))] == []


def test_the_only_open_transaction_is_stopped() -> None:
    """Of those that the log tells of; until it has ended, with its energy."""
    flow = Stop(OLD, None, wait_s=60)
    for one in (telling.start(1, transaction="1"), telling.stop(2, transaction="1")):
        flow.remember(event(one.at.sequence, one))
    flow.remember(event(3, telling.start(3, transaction="2")))
    assert asked(flow.begin()) == ("RemoteStopTransaction", {"transactionId": 2})
    assert Within(60) in flow.answered(answered())
    assert [*flow.told(event(4, telling.stop(4, transaction="3")))] == []
    end = over(flow.told(event(5, telling.stop(5, transaction="2"))))
    assert end == (True, "transaction 2 has ended, Local: 0.800 kWh")


def test_which_one_has_to_be_known() -> None:
    """None is open, or several are; one that is named need not be known."""
    flow = Stop(OLD, None, wait_s=60)
    assert over(flow.begin()) == (
        *(False, "no transaction of the last 7 days is open; name an older one"),
    )
    for number in (1, 2):
        flow.remember(event(number, telling.start(number, transaction=str(number))))
    assert over(flow.begin()) == (False, "name one of those that are open: 1, 2")
    assert asked(Stop(NEW, "T", wait_s=60).begin()) == (
        *("RequestStopTransaction", {"transactionId": "T"}),
    )


def test_a_transaction_that_has_ended_is_not_stopped_again() -> None:
    """Its end is told, and so is that its energy is not known."""
    flow = Stop(NEW, "17", wait_s=60)
    flow.remember(event(1, telling.started(1, meter_wh=None)))
    flow.remember(event(2, telling.ended(2, 1, meter_wh=None)))
    steps = [*flow.begin()]
    assert asked(steps) is None
    reached, text = over(steps)
    assert reached
    assert "its energy is not known" in text


def test_a_transaction_that_does_not_end() -> None:
    """Refused, or not in time."""
    flow = Stop(OLD, "17", wait_s=60)
    flow.begin()
    assert over(flow.answered(answered("Rejected")))[0] is False
    assert over(flow.late()) == (False, "transaction 17 has not ended within 60 s")
