"""What may become of an attempt: the table."""

import pytest

from gateway.attempts import STEPS, Attempt
from gateway.commands import Command, Verdict
from schemas.records import schema

OUTCOMES = {
    *("answered", "call_error", "bad_answer", "timeout", "expired", "invalid", "unsupported"),
    "connection_lost",
}


def attempt(state):
    command = Command(
        command_id="k",
        action="Reset",
        payload="",
        expires_ms=0,
        attempt=1,
        written_ms=0,
        message_id="m",
    )
    return Attempt(command, Verdict("invalid", None, ""), 0.0, state)


@pytest.mark.parametrize(("state", "what"), sorted(STEPS))
def test_every_step_leads_on_and_results_have_a_word_of_the_contract(state, what):
    """No state leads back, and what a result says is an outcome that CommandResult names."""
    order = ["early", "claiming", "waiting", "renewing", "leaving", "proving", "open", "late"]
    order.append("ended")
    one = attempt(state)
    ending = one.step(what)
    assert order.index(one.state) > order.index(state)
    if ending == "result":
        (doc,) = [f["doc"] for f in schema("command-results")["fields"] if f["name"] == "outcome"]
        assert what in OUTCOMES
        assert what in doc


def test_what_expires_says_what_kept_it():
    """Others, its station, or Kafka."""
    one = attempt("waiting")
    assert one.delay.startswith("queued: ")
    one.held = True
    assert one.delay.startswith("held: ")
    for state in ("renewing", "leaving", "proving"):
        assert attempt(state).delay.startswith("log_slow: ")


def test_every_state_ends_with_the_connection_and_nothing_follows_the_end():
    """But a late one: nothing is owed for it."""
    states = {state for state, _ in STEPS}
    assert {s for s in states if (s, "connection_lost") not in STEPS} == {"late"}
    assert "ended" not in states
    with pytest.raises(KeyError):
        attempt("claiming").step("turn")


def test_an_attempt_has_at_most_one_result():
    """No way through the table tells two of them."""

    def most(state):
        ways = [(next_, end) for (one, _), (next_, end) in STEPS.items() if one == state]
        return max([(end == "result") + most(next_) for next_, end in ways], default=0)

    assert most("early") == 1
    assert not [what for (state, what), (_, end) in STEPS.items() if state == "late" and end]


def test_a_verdict_is_never_asked():
    """A bug of the machine, not of a station."""
    with pytest.raises(AssertionError):
        assert attempt("waiting").asks
