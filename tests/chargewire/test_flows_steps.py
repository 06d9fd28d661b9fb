"""What flows are made of: answers, and the end where a station does not do it."""

import pytest

from chargewire.flows.steps import Answer, Flow, answer, refused
from tests.chargewire.flowing import event


def result(**said):
    return {
        "outcome": "answered",
        "response": None,
        "error_code": None,
        "error_description": None,
    } | said


def test_a_result_becomes_an_answer() -> None:
    """The response is an object, whatever text there is."""
    found = answer(result(response='{"status": "Accepted", "transactionId": "T"}'))
    assert (found.status, found.said["transactionId"], found.is_accepted) == ("Accepted", "T", True)
    for text in ("[1]", "no JSON", None):
        assert answer(result(response=text)).said == {}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Answer("answered", {"status": "Rejected"}), "the station refuses: Rejected"),
        (
            Answer("answered", {"status": "Rejected", "statusInfo": {"reasonCode": "InUse"}}),
            "the station refuses: Rejected (InUse)",
        ),
        (Answer("connection_lost"), "the station was asked in vain: connection lost"),
        (
            answer(
                result(outcome="call_error", error_code="NotImplemented", error_description="what?")
            ),
            "the station was asked in vain: call error: NotImplemented: what?",
        ),
    ],
)
def test_a_refusal_is_told_in_words(found: Answer, words: str) -> None:
    """With the station's own reason, or with the outcome where it did not answer."""
    assert not found.is_accepted
    assert (refused(found).reached, refused(found).text) == (False, words)


def test_an_answer_without_a_status_cannot_refuse() -> None:
    """UpdateFirmware of 1.6 is answered with nothing."""
    assert Answer("answered").is_accepted
    assert not Answer("answered", {"status": 1}).status


def test_a_flow_does_nothing_about_what_it_does_not_care_for() -> None:
    """Every input has a default."""
    flow = Flow()
    flow.remember(event(1))
    steps = (flow.begin(), flow.answered(Answer("answered")), flow.told(event(1)), flow.late())
    assert (*steps, flow.found(None)) == ((),) * 5
