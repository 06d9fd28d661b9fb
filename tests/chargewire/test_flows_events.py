"""Records of the log as flows read them."""

from chargewire.flows.events import Ear, Folded
from consumers.meaning.facts import Connected, ReservationAnswered
from consumers.transactions.projection import PROJECTION
from consumers.transactions.rows import TRANSACTIONS
from schemas.derive import shape
from tests.chargewire.flowing import call, question
from tests.consumers.telling import start, stop


def frame(sequence, kind, direction, action, part, payload, **rest):
    field = f"v16_reserve_now_{part}"
    return {
        **{"event_id": f"e{sequence}", "station": "CS-1", "epoch": 7, "sequence": sequence},
        **{"ocpp_version": "1.6", "kind": kind, "direction": direction, "action": action},
        **{"observed_at": 5, "command_id": "c", "call_sequence": None},
        field: shape("1.6", action, part).to_avro(payload)[0],
        **rest,
    }


ASKED = {
    "connectorId": 1,
    "expiryDate": "2026-11-21T12:00:00Z",
    "idTag": "T",
    "reservationId": 9,
}


def test_an_answer_is_told_with_its_call() -> None:
    """The fact of an answer needs what was asked; and what is ours is marked."""
    ear = Ear()
    question = ear.heard(
        "reservation",
        frame(1, "call", "to_station", "ReserveNow", "request", ASKED),
        0,
        0,
        {"c"},
    )
    assert question.is_question
    assert question.said["reservationId"] == 9
    answer = ear.heard(
        "reservation",
        frame(
            *(2, "result", "from_station", "ReserveNow", "response", {"status": "Accepted"}),
            call_sequence=1,
        ),
        1,
        0,
        {"other"},
    )
    (fact,) = answer.facts
    assert isinstance(fact, ReservationAnswered)
    assert (fact.reservation, fact.status, answer.ours, answer.is_question) == (
        *(9, "Accepted"),
        *(False, False),
    )
    assert (answer.place, answer.at_ms) == ((7, 2), 5)


def test_connections_are_facts_too() -> None:
    """Their records are no frames."""
    record = {"type": "connected", "station": "CS-1", "event_id": "e", "at": 3, "sequence": 0}
    record |= dict.fromkeys(
        ("gateway", "ocpp_version", "remote_address", "connection_id", "security_profile", "epoch")
    )
    heard = Ear().heard("connections", record, 4, 0, ())
    assert [type(fact) for fact in heard.facts] == [Connected]
    assert (heard.at_ms, heard.place) == (3, (-1, 0))


def test_what_a_station_tells_is_known_by_its_action() -> None:
    """A CALL to the station is nothing that it tells."""
    assert call(1, "NotifyReport").tells({"NotifyReport"})
    assert not call(1, "NotifyReport").tells({"NotifyEvent"})
    assert not question(1).tells({None})


def test_rows_are_told_as_they_change() -> None:
    """As their consumer has them; a fact that comes again changes nothing."""
    rows = Folded(PROJECTION, TRANSACTIONS)
    assert [row["state"] for row in rows.fold([start(1)])] == ["open"]
    assert rows.fold([start(1)]) == []
    assert [row["state"] for row in rows.fold([stop(2)])] == ["ended"]
    assert [row["energy_wh"] for row in rows] == [800]
