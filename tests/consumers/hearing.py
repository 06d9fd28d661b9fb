"""What consumers make of the frames that the gateway's own core has written to the log."""

import itertools
import json

from consumers.meaning.facts_table import call_payload, facts_of, keeps_call, wants_call
from gateway.events import FrameFacts, Writer
from schemas.catalogue import VERSIONS, action
from schemas.derive import shape
from tests.gateway.conversation import CODEC, NOON, Conversation

POSITION = 77  # of `connected`, in Conversation
_ids = itertools.count()


def facts(events):
    """The facts of all events, each answer with its CALL where it wants it."""
    found, calls = [], {}
    for topic, record in events:
        if keeps_call(record):
            # As it comes back from a store.
            calls[record["sequence"]] = json.loads(json.dumps(call_payload(record)))
        call = calls.get(record["call_sequence"]) if wants_call(record) else None
        found += facts_of(topic, record, POSITION, call)
    return found


def conversation(version, *calls, **policy):
    """A conversation in which a station says these (action, payload)."""
    talk = Conversation(version, **policy)
    for name, payload in calls:
        talk.call(f"m-{next(_ids)}", name, payload)
    return talk


def told(version, name, payload):
    """The facts of one call alone, without those of its answer."""
    talk = conversation(version, (name, payload))
    assert [record["kind"] for _, record in talk.events[1:2]] == ["call"], "the gateway takes it"
    return facts(talk.events[1:2])


def heard(version, text):
    """The facts of one frame, as text, without those of its answer."""
    talk = Conversation(version)
    talk.hear(text)
    return facts(talk.events[1:2])


def one(found):
    (fact,) = found
    return fact


def commanded(version, name, payload, response=None):
    """The facts of a CALL and its answer, whoever of the two has asked; None: an error."""
    return facts(exchange(version, name, payload, response))


def exchange(version, name, payload, response=None):
    """The events of a CALL and its answer; of a CALL and an error where there is no response."""
    writer = Writer(
        station="CS-1",
        connection_id="c-1",
        gateway="gw",
        version=VERSIONS[version],
        encode=CODEC.encode,
    )
    writer.epoch = POSITION
    asks, answers = "to_station", "from_station"
    if action(version, name).from_station:
        asks, answers = answers, asks
    events = []
    for sequence, kind, part, value in (
        (1, "call", "request", payload),
        (2, "error" if response is None else "result", "response", response),
    ):
        frame = FrameFacts(
            sequence=sequence,
            at_ms=NOON,
            direction=asks if kind == "call" else answers,
            kind=kind,
            block=action(version, name).block,
            action=name,
            message_id="m",
            call_sequence=None if kind == "call" else 1,
        )
        record = {"code": "InternalError", "description": "", "details": "{}"}
        if kind != "error":
            record, _ = shape(version, name, part).to_avro(value)
        events.append(CODEC.decode(writer.frame(frame, record).value))
    return events
