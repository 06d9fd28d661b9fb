"""Commands as the page asks for them."""

import json

import pytest

from chargewire.console.asking import EXPIRES_MAX_S, WrongCommand, command, read
from tests.chargewire.consoled import NOON


def made(version="1.6", **asked):
    asked = {"station": "CS-1", "action": "Reset", "payload": {"type": "Soft"}} | asked
    return command(read(json.dumps(asked).encode()), version, command_id="c-1", now_ms=NOON)


def test_a_command_is_the_record_that_the_command_line_writes() -> None:
    """Payload as JSON text; it says who has asked, and expires."""
    assert made(when_offline="wait", expires_in_s=5) == {
        "command_id": "c-1",
        "station": "CS-1",
        "action": "Reset",
        "payload": '{"type": "Soft"}',
        "expires_at": NOON + 5000,
        "when_offline": "wait",
        "requested_by": "console",
    }
    assert made()["expires_at"] == NOON + 60_000
    assert made(action="ClearCache", payload={})["payload"] == "{}"


def test_what_the_version_of_the_station_does_not_take_is_told_with_its_place() -> None:
    """As JSON path into the payload; the same words may do for another version."""
    with pytest.raises(WrongCommand, match=r"1\.6") as raised:
        made(payload={"type": "OnIdle"})
    assert raised.value.path == "$.type"
    assert made("2.0.1", payload={"type": "OnIdle"})["action"] == "Reset"
    with pytest.raises(WrongCommand) as raised:
        made(action="SetVariables")
    assert raised.value.path == "action"


def test_a_secret_may_be_named() -> None:
    """The gateway puts it in."""
    payload = {"key": "AuthorizationKey", "value": {"$secret": "key-1"}}
    assert json.loads(made(action="ChangeConfiguration", payload=payload)["payload"]) == payload


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{", None),
        (b"[]", None),
        (b'{"station": "A"}', "action"),
        (b'{"station": 1, "action": "Reset"}', "station"),
        (b'{"station": "A", "action": "Reset", "colour": "red"}', "colour"),
        (b"[" * 100_000, None),
        (rb'{"station": "A\ud800", "action": "Reset"}', None),
    ],
)
def test_a_body_that_is_no_command_is_refused(body: bytes, place: str | None) -> None:
    """With the field that is wrong, where it is one."""
    with pytest.raises(WrongCommand) as raised:
        read(body)
    assert raised.value.path == place


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("payload", [1]),
        ("when_offline", "later"),
        ("when_offline", ["fail"]),
        ("expires_in_s", 0),
        ("expires_in_s", EXPIRES_MAX_S + 1),
        ("expires_in_s", True),
        ("expires_in_s", "60"),
        ("expires_in_s", float("nan")),
    ],
)
def test_a_field_with_a_wrong_value_is_named(field: str, value: object) -> None:
    """Whatever its type."""
    with pytest.raises(WrongCommand) as raised:
        made(**{field: value})
    assert raised.value.path == field
