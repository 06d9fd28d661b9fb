"""Whether a CALL of a station is taken."""

import pytest

from gateway.frames import Call, FrameError
from gateway.intake import take
from gateway.validation import DEFAULT_QUIRKS
from schemas.catalogue import ACTIONS, VERSIONS

V16 = VERSIONS["1.6"]


def refused(call, version=V16, quirks=DEFAULT_QUIRKS):
    with pytest.raises(FrameError) as caught:
        take(call, "", version, quirks)
    return caught.value


def test_a_conforming_call_is_taken_with_its_row_of_the_catalogue():
    """Payload for the reply, record for the log."""
    taken = take(Call("1", "Authorize", b'{"idTag":"A"}'), "", V16, frozenset())
    assert (taken.action.block, taken.payload, taken.record) == (
        "authorization",
        {"idTag": "A"},
        {"idTag": "A"},
    )
    assert (taken.deviations, taken.holds_all) == ((), True)


@pytest.mark.parametrize("version", VERSIONS.values(), ids=lambda version: version.name)
def test_only_what_stations_ask_for_is_taken(version):
    """Every action of every version by its direction: the others are NotSupported."""
    for (name, action), row in ACTIONS.items():
        if name == version.name and not row.from_station:
            error = refused(Call("1", action, b"{}"), version)
            assert (error.rule, error.code) == ("wrong_direction", "NotSupported"), action


def test_an_unknown_action_is_not_implemented():
    """NotImplemented and NotSupported are often confused: unknown is NotImplemented."""
    error = refused(Call("7", "Fly", b"{}"))
    assert (error.code, error.message_id, error.action) == ("NotImplemented", "7", "Fly")


def test_a_refused_send_gets_no_answer():
    """OCPP 2.1: a SEND is never answered."""
    error = refused(Call("1", "Heartbeat", b"{}", send=True), VERSIONS["2.1"])
    assert (error.rule, error.code) == ("wrong_frame_kind", None)


def test_the_first_violation_is_named_with_its_path():
    """What an operator needs to talk to the vendor."""
    payload = b'{"connectorId":1,"errorCode":"NoError","status":"Sleeping"}'
    error = refused(Call("1", "StatusNotification", payload), quirks=frozenset())
    assert (error.rule, error.path) == ("unknown_word", "$.status")
    assert error.code == "PropertyConstraintViolation"


def test_secrets_leave_the_record_and_not_the_payload():
    """The reply may need what the log must not have."""
    payload = b'{"vendorId":"v","data":"{\\"password\\":\\"s3cr3t\\"}"}'
    text = f'[2,"1","DataTransfer",{payload.decode()}]'
    taken = take(Call("1", "DataTransfer", payload), text, V16, DEFAULT_QUIRKS)
    assert "s3cr3t" in taken.payload["data"]
    assert "s3cr3t" not in str(taken.record)
