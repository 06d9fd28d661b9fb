"""Results of commands, as they are shown."""

from chargewire.calls.results import names, readable, summary, told


def result(station="CS-1", outcome="answered", response='{"status": "Accepted"}', **more):
    return {
        "command_id": "c",
        "station": station,
        "action": "Reset",
        "outcome": outcome,
        "response": response,
        "error_code": None,
        "error_description": None,
    } | more


def test_one_result_in_words_and_the_response_below():
    """The station's own status stands beside the outcome."""
    line, *body = told(result(), 0.42)
    assert line == "CS-1 Reset: answered, Accepted (0.4 s)"
    assert body == ['{\n  "status": "Accepted"\n}']


def test_an_error_in_words():
    """With its code and what it says; there is no response."""
    failed = result(outcome="call_error", response=None, error_code="NotSupported")
    assert list(told(failed, 2)) == ["CS-1 Reset: call_error, NotSupported (2.0 s)"]


def test_the_details_of_an_error_come_after_it():
    """Also where they have a status: it is no answer."""
    more = {"error_code": "SecurityError", "error_description": "not here"}
    failed = result(outcome="call_error", response='{"status": "Odd"}', **more)
    line, *body = told(failed, 2)
    assert line == "CS-1 Reset: call_error, SecurityError, not here (2.0 s)"
    assert body == ['{\n  "status": "Odd"\n}']
    assert summary([failed])[1][:2] == ["call_error", "SecurityError"]


def test_many_results_are_counted():
    """Which stations did not answer is named, up to a limit."""
    good = [result(f"CS-{number:02}") for number in range(30)]
    gone = [result(f"X-{number:02}", "offline", None) for number in range(22)]
    heading, first, second = summary([*good, *gone])
    assert heading == ["OUTCOME", "STATUS", "STATIONS", "WHICH"]
    assert first[:3] == ["answered", "Accepted", "30"]
    assert second[:3] == ["offline", "", "22"]
    assert second[3].startswith("X-00, X-01")
    assert second[3].endswith("X-19 and 2 more")
    assert summary(good)[1][3] == ""
    assert names(["A"]) == "A"


def test_the_response_of_a_record_is_an_object_for_programs():
    """Also where the station's status is none, or there is no response."""
    assert readable(result())["response"] == {"status": "Accepted"}
    assert readable(result(response=None))["response"] is None
    odd = list(told(result(response='{"status": 7}'), 1))
    assert odd[0] == "CS-1 Reset: answered (1.0 s)"
