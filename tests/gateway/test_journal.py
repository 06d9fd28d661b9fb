"""The events of a connection's frames, in one order."""

from gateway.effects import Instant, Record, Write
from gateway.events import FrameFacts
from gateway.frames import FrameError
from gateway.journal import Journal
from tests.gateway.conversation import CODEC, Conversation

NOW = Instant(1.0, 1000)


def journal(limit=100):
    return Journal(Conversation().session.writer, limit)


def test_places_are_counted_from_one():
    """`connected` is 0."""
    book = journal()
    assert [book.number(), book.number()] == [1, 2]


def test_texts_are_kept_without_secrets_and_not_too_long():
    """Whatever stands in them."""
    assert journal().text('{"password":"x"}') == '{"password":"[redacted]"}'
    assert journal(limit=5).text("abcdefgh") == "abcde"


def test_a_dead_letter_and_its_answer_have_a_place_each():
    """The record comes before the answer is written."""
    letter, write = journal().rejected(
        FrameError("arity", "FormatViolation", "two elements", message_id="m"), "[2,1]", NOW
    )
    assert isinstance(letter, Record)
    assert isinstance(write, Write)
    _, record = CODEC.decode(letter.event.value)
    assert (record["sequence"], record["answer_sequence"], record["size"]) == (1, 2, 5)


def test_what_avro_cannot_hold_is_a_dead_letter_of_its_command():
    """With all that the event would have said of it."""
    facts = FrameFacts(
        sequence=5,
        at_ms=1000,
        direction="from_station",
        kind="error",
        block="provisioning",
        action="Reset",
        message_id="m",
        call_sequence=4,
        command_id="k",
        trace=b"00-1",
    )
    event = journal().frame(facts, {"code": "\ud800", "description": "", "details": "{}"}, "[4]")
    topic, record = CODEC.decode(event.value)
    assert (topic, record["rule"], record["sequence"]) == ("rejected", "unencodable", 5)
    assert (record["command_id"], record["call_sequence"], record["kind"]) == ("k", 4, "error")
    assert ("traceparent", b"00-1") in event.headers
