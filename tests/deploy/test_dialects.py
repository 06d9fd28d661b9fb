"""What simulated stations say, held to the OCA's schemas."""

from datetime import UTC, datetime
from random import Random

import pytest
from jsonschema import Draft4Validator, Draft6Validator

from deploy.local.calls import Call, Moment, Session
from deploy.local.days import FAULTS, MODELS, Model, Sample, Status, visit
from deploy.local.dialects import Dialect2, Dialect16
from schemas.catalogue import json_schema

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)
DIALECTS = [("1.6", Dialect16()), ("2.0.1", Dialect2()), ("2.1", Dialect2())]
REASONS = ("Local", "EVDisconnected", "EmergencyStop", "PowerLoss", "DeAuthorized", "Remote")
BOOTS = ("PowerUp", "RemoteReset", "ScheduledReset", "FirmwareUpdate", "Triggered")
RESETS = ("HardReset", "SoftReset", "UnlockCommand")


def session(model: Model) -> Session:
    return Session("CW-0001", 1, "TOKEN-0001", AT, 1000, phases=model.phases)


def everything(dialect: Dialect16 | Dialect2, model: Model) -> list[Call]:
    """All that such a station may say, in one list."""
    moment, begun = Moment(AT, offline=True), session(model)
    samples = [s for s in visit(model, Random(1), "T") if isinstance(s, Sample)]
    words = ("Available", "Preparing", "Charging", "SuspendedEV", "Finishing", "Unavailable")
    states = [Status(word) for word in words] + [Status("Faulted", fault) for fault in FAULTS]
    return [
        *(dialect.boot(model, "2.0", "1", reason) for reason in BOOTS),
        *(call for state in states for call in dialect.status(1, state, moment)),
        dialect.authorize("TOKEN-0001"),
        dialect.begin(begun, moment),
        *(
            call
            for w in ("Charging", "SuspendedEVSE")
            for call in dialect.charging(begun, w, moment)
        ),
        *(dialect.sample(begun, sample, moment) for sample in samples),
        *(dialect.end(begun, reason, 2000, moment) for reason in REASONS + RESETS),
        dialect.reading(1, 1000, moment),
        *dialect.triggered(begun, 1000, moment),
        *(call for w in ("Expired", "Removed") for call in dialect.unreserved(5, w)),
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize(("version", "dialect"), DIALECTS, ids=["1.6", "2.0.1", "2.1"])
def test_whatever_is_said_keeps_to_its_schema(
    version: str, dialect: Dialect16 | Dialect2, model: Model
) -> None:
    """By the reference validator, for every version, model, state and reason."""
    validator = Draft4Validator if version == "1.6" else Draft6Validator
    for call in everything(dialect, model):
        validator(json_schema(version, call.action, "request")).validate(dialect.payload(call))


def test_the_transaction_id_of_1_6_is_filled_in_when_it_is_known() -> None:
    """-1 until then; a Start has none."""
    dialect, begun = Dialect16(), session(MODELS[0])
    start = dialect.begin(begun, Moment(AT))
    stop = dialect.end(begun, "Local", 2000, Moment(AT))
    assert "transactionId" not in dialect.payload(start)
    assert dialect.payload(stop)["transactionId"] == -1
    begun.transaction_id = 77
    assert dialect.payload(stop)["transactionId"] == 77


def test_events_of_2_x_are_numbered_and_say_whether_they_are_late() -> None:
    """seqNo without gaps; `offline` only where it is so; one id for a start at one time."""
    dialect, begun = Dialect2(), session(MODELS[1])
    calls = [
        dialect.begin(begun, Moment(AT, offline=True)),
        *dialect.charging(begun, "Charging", Moment(AT)),
        dialect.end(begun, "Local", 2000, Moment(AT)),
    ]
    assert [call.payload["seqNo"] for call in calls] == [0, 1, 2]
    assert [call.payload.get("offline") for call in calls] == [True, None, None]
    again = session(MODELS[1])
    dialect.begin(again, Moment(AT))
    assert again.transaction_id == begun.transaction_id
    assert calls[0].payload["timestamp"] == "2026-03-01T12:00:00.123Z"


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [({}, True), ({"status": "Accepted"}, True), ({"status": "ConcurrentTx"}, False)],
)
def test_an_answer_without_token_information_accepts(
    answer: dict[str, str], accepted: bool
) -> None:
    """Only a status other than Accepted refuses."""
    assert Dialect16().accepted({"idTagInfo": answer} if answer else {}) is accepted
    assert Dialect2().accepted({"idTokenInfo": answer} if answer else {}) is accepted


def test_a_start_names_what_it_goes_back_to() -> None:
    """Its reservation, and in 2.x the remote start."""
    begun = session(MODELS[0])
    begun.reservation_id, begun.remote_id = 5, 9
    assert Dialect16().begin(begun, Moment(AT)).payload["reservationId"] == 5
    event = Dialect2().begin(begun, Moment(AT)).payload
    assert (event["reservationId"], event["triggerReason"]) == (5, "RemoteStart")
    assert event["transactionInfo"]["remoteStartId"] == 9
    for version, dialect in DIALECTS:
        call = dialect.begin(begun, Moment(AT))
        validator = Draft4Validator if version == "1.6" else Draft6Validator
        validator(json_schema(version, call.action, "request")).validate(call.payload)
