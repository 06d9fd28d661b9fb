"""What stations said of their configuration."""

from chargewire.console import configurations
from chargewire.console.configurations import Configurations


def test_keys_of_several_answers_are_one_table() -> None:
    """What is told again is replaced; nothing is known of who was never asked."""
    kept = Configurations()
    assert kept.of("CS-1") is None
    first = {
        "configurationKey": [
            {"key": "B", "readonly": True, "value": "1"},
            {"key": "A", "readonly": False},
        ]
    }
    assert kept.take("CS-1", 1, "GetConfiguration", "result", first)
    again = {"configurationKey": [{"key": "A", "readonly": False, "value": "7"}]}
    assert kept.take("CS-1", 2, "GetConfiguration", "result", again)
    assert kept.of("CS-1") == {
        "read_ms": 2,
        "values": [
            {"name": "A", "value": "7", "readonly": False},
            {"name": "B", "value": "1", "readonly": True},
        ],
    }


def test_reports_and_answers_of_2_x_are_one_table() -> None:
    """GetVariables does not tell what may be written: that stays as the report said."""
    kept = Configurations()
    place = {"component": {"name": "C"}, "variable": {"name": "V"}}
    attributes = [{"value": "1", "mutability": "ReadOnly"}, {"type": "Target", "value": "2"}]
    kind = {"dataType": "integer", "unit": "s", "supportsMonitoring": False}
    data = {**place, "variableAttribute": attributes, "variableCharacteristics": kind}
    report = {"requestId": 1, "seqNo": 0, "reportData": [data]}
    assert kept.take("CS-1", 1, "NotifyReport", "call", report)
    results = [
        {**place, "attributeStatus": "Accepted", "attributeValue": "9"},
        {"component": {"name": "D"}, "variable": {"name": "X"}, "attributeStatus": "Rejected"},
    ]
    assert kept.take("CS-1", 2, "GetVariables", "result", {"getVariableResult": results})
    beside = {"component": "C", "unit": "s", "type": "integer"}
    assert kept.of("CS-1")["values"] == [
        {"name": "V", "value": "9", "readonly": True, **beside},
        {"name": "V.Target", "value": "2", "readonly": False, **beside},
    ]


def test_other_frames_tell_nothing() -> None:
    """The call that asks for it, an answer without a key, whatever is malformed."""
    kept = Configurations()
    assert not kept.take("CS-1", 1, "GetConfiguration", "call", {"key": ["A"]})
    assert not kept.take("CS-1", 1, "GetConfiguration", "result", {"configurationKey": "?"})
    assert kept.of("CS-1") is None


def test_memory_is_bounded(monkeypatch) -> None:
    """By values of a station, and of all: those read first are forgotten."""
    monkeypatch.setattr(configurations, "VALUES_MAX", 2)
    monkeypatch.setattr(configurations, "ALL_VALUES_MAX", 4)
    kept = Configurations()
    keys = [{"key": name, "readonly": False} for name in "ABC"]
    for station in ("CS-1", "CS-2", "CS-1", "CS-2", "CS-3"):
        kept.take(station, 1, "GetConfiguration", "result", {"configurationKey": keys})
    assert kept.of("CS-1") is None
    assert kept.of("CS-2") is not None
    assert [value["name"] for value in kept.of("CS-3")["values"]] == ["A", "B"]
