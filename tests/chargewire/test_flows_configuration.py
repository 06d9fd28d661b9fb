"""Configuration out of however many answers."""

import pytest

from chargewire.flows.configuration import COLUMNS, STANDARD_KEYS, Keys, Report
from chargewire.flows.steps import Answer, Listed, Within
from chargewire.flows.wording import WORDS
from tests.chargewire.flowing import answered, asked, call, over

MAX = "GetConfigurationMaxKeys"


def told(**keys):
    found = [{"key": key, "readonly": True, "value": value} for key, value in keys.items()]
    return Answer("answered", {"configurationKey": found})


def rows(steps):
    (listed,) = [step.rows for step in steps if isinstance(step, Listed)]
    return [[*row.values()] for row in listed]


def test_all_at_once_is_all() -> None:
    """Where the station may tell more keys than it has told, or does not limit them."""
    for more in ({MAX: "50"}, {MAX: "many"}, {}):
        flow = Keys(WORDS["1.6"])
        assert asked(flow.begin()) == ("GetConfiguration", {})
        steps = [*flow.answered(told(**{"Vendor.X": "1", **more}))]
        assert over(steps) == (True, f"{1 + len(more)} keys")
        assert rows(steps)[0] == [None, "Vendor.X", None, "1", None, None, "ReadOnly"]


def test_what_is_cut_off_is_asked_for_in_pieces() -> None:
    """Of those keys that OCPP knows, as many at once as the station allows."""
    flow = Keys(WORDS["1.6"])
    flow.begin()
    wanted, steps = [], [*flow.answered(told(**{MAX: "2", "Vendor.X": "1"}))]
    while question := asked(steps):
        action, payload = question
        assert (action, len(payload["key"]) <= 2) == ("GetConfiguration", True)
        wanted += payload["key"]
        steps = [*flow.answered(Answer("answered", {"unknownKey": payload["key"]}))]
    assert wanted == [key for key in STANDARD_KEYS if key != MAX]
    assert over(steps) == (True, f"2 keys; {len(wanted)} unknown to the station")
    assert len(rows(steps)) == 2


@pytest.mark.parametrize("outcome", ["call_error", "bad_answer", "timeout"])
def test_a_station_that_cannot_tell_all_is_asked_how_much_it_can(outcome: str) -> None:
    """Some break on their own answer; one key at a time, where they do not say."""
    flow = Keys(WORDS["1.6"])
    flow.begin()
    assert asked(flow.answered(Answer(outcome))) == ("GetConfiguration", {"key": [MAX]})
    steps = flow.answered(Answer("answered", {"unknownKey": [MAX]}))
    assert asked(steps) == ("GetConfiguration", {"key": [STANDARD_KEYS[0]]})


def test_what_came_before_a_failure_is_shown() -> None:
    """The end says that it is not all."""
    flow = Keys(WORDS["1.6"])
    flow.begin()
    assert over(flow.answered(Answer("offline"))) == (
        *(False, "the station was asked in vain: offline"),
    )
    flow.answered(told(**{MAX: "1"}))
    steps = [*flow.answered(Answer("connection_lost"))]
    assert len(rows(steps)) == 1
    assert over(steps) == (False, "the station was asked in vain: connection lost")


def page(number, *variables, more=True, request=7):
    data = [
        {
            "component": {
                "name": "Connector",
                "instance": "x",
                "evse": {"id": 1, "connectorId": 2},
            },
            "variable": {"name": name},
            "variableAttribute": [{"value": "5"}, {"type": "MaxSet", "value": "9"}],
        }
        for name in variables
    ]
    said = {"requestId": request, "seqNo": number, "tbc": more, "reportData": data}
    return call(number + 1, "NotifyReport", **said)


def reporting():
    flow = Report(WORDS["2.1"], request=7)
    assert asked(flow.begin())[1] == {"requestId": 7, "reportBase": "FullInventory"}
    return flow


def test_pages_are_put_together_whatever_their_order() -> None:
    """A row for each attribute; pages of another report, and those that come again, add nothing."""
    flow = reporting()
    flow.answered(answered())
    assert over(flow.told(page(1, "B", more=False))) is None
    assert [*flow.told(page(0, "C", request=8))] == []
    steps = [*flow.told(page(0, "A"))]
    assert over(steps) == (True, "4 values on 2 pages")
    assert rows(steps) == [
        ["Connector[x]@1.2", name, kind, value, None, None, "ReadWrite"]
        for name in "AB"
        for kind, value in (("Actual", "5"), ("MaxSet", "9"))
    ]
    assert len(COLUMNS) == 7


def test_a_report_may_be_read_before_its_answer() -> None:
    """It is over when both are there; tbc is false where it is left out."""
    flow = reporting()
    last = call(1, "NotifyReport", requestId=7, seqNo=0)
    assert over(flow.told(last)) is None
    assert over(flow.answered(answered())) == (True, "0 values on 1 pages")


def test_missing_pages_are_named() -> None:
    """Those below the last that came; whether there are more, only the last one tells."""
    flow = reporting()
    assert Within(60.0) in flow.answered(answered())
    assert over(flow.late()) == (False, "no page has come")
    for number in (0, 2, 4):
        assert Within(60.0) in flow.told(page(number, "A"))
    steps = [*flow.late()]
    assert over(steps) == (False, "pages are missing: 1, 3")
    assert len(rows(steps)) == 6
    for number in (1, 3):
        flow.told(page(number, "A"))
    assert over(flow.late()) == (False, "pages are missing: whatever follows 4")


def test_a_station_without_a_report() -> None:
    """Nothing to report is no failure."""
    assert over(reporting().answered(answered("EmptyResultSet")))[0] is True
    assert over(reporting().answered(answered("NotSupported"))) == (
        *(False, "the station refuses: NotSupported"),
    )
