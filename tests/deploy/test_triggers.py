"""What a TriggerMessage makes a simulated station say."""

from deploy.local.calls import HEARTBEAT, Call, Moment
from deploy.local.dialects import Dialect2, Dialect16
from deploy.local.effects import Tell
from deploy.local.memory import Memory
from deploy.local.triggers import news, trigger
from tests.deploy.memories import NOW, station


def told(memory: Memory, what: str, dialect: Dialect16 | Dialect2) -> list[Call]:
    return list(news(what, list(memory.plugs.values()), memory, dialect, Moment(NOW)))


def test_a_trigger_is_of_what_there_is() -> None:
    """A connector that is there, a transaction that is under way, a call that is ever said."""
    memory = station("2.1", busy=True)
    asked = trigger(memory, "StatusNotification", 2)
    assert asked == ({"status": "Accepted"}, (Tell("StatusNotification", 2),))
    words = [
        trigger(memory, *what)[0]["status"]
        for what in (
            ("StatusNotification", 9),
            ("TransactionEvent", 1),
            ("TransactionEvent", 2),
            ("CustomTrigger", None),
        )
    ]
    assert words == ["Rejected", "Accepted", "Rejected", "NotImplemented"]


def test_readings_are_of_each_connector_and_name_their_transaction() -> None:
    """In 1.6; 2.x has an event for it."""
    memory = station(busy=True)
    readings = told(memory, "MeterValues", Dialect16())
    assert [Dialect16().payload(call).get("transactionId") for call in readings] == [7, None]
    (event,) = told(station("2.1", busy=True), "TransactionEvent", Dialect2())
    assert event.payload["triggerReason"] == "Trigger"
    assert told(memory, "Heartbeat", Dialect16()) == [HEARTBEAT]


def test_the_last_news_of_an_errand_is_said_again() -> None:
    """Idle where there is none."""
    memory, what = station(), "FirmwareStatusNotification"
    assert told(memory, what, Dialect16()) == [Call(what, {"status": "Idle"})]
    memory.told["firmware"] = Call(what, {"status": "Downloading"})
    assert told(memory, what, Dialect16()) == [memory.told["firmware"]]
    other = "SignedFirmwareStatusNotification"
    assert told(memory, other, Dialect16()) == [Call(other, {"status": "Idle"})]


def test_a_certificate_is_asked_for() -> None:
    """From then on a signed one is awaited."""
    memory = station("2.1")
    (call,) = told(memory, "SignV2GCertificate", Dialect2())
    assert (call.action, call.payload["certificateType"]) == ("SignCertificate", "V2GCertificate")
    assert memory.signing
