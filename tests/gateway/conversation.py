"""A session with a clock of its own, and golden conversations with it."""

import json
from collections.abc import Iterable

from gateway import replies
from gateway.answers import Decision
from gateway.calls import Limits
from gateway.claims import Claim
from gateway.commands import Command
from gateway.effects import Close, Count, Ended, Instant, Ping, Record, Write
from gateway.events import Writer
from gateway.session import Policy, Session
from gateway.validation import DEFAULT_QUIRKS
from schemas.catalogue import VERSIONS, frame_field
from schemas.codec import Codec
from schemas.derive import shape
from schemas.records import RECORDS
from schemas.times import timestamp

CODEC = Codec({topic: number for number, topic in enumerate(RECORDS)})
NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z


class Conversation:
    """A session with a clock of its own; everything it did is kept, decoded."""

    def __init__(self, version="1.6", *, opened=True, **policy):
        limits = {
            "quirks": DEFAULT_QUIRKS,
            "decided": frozenset(),
            "answers": replies.Policy(),
            "decision_time_s": 5.0,
            "frame_limit_bytes": 262_144,
        }
        self.session = Session(
            Writer(
                station="CS-1",
                connection_id="c-1",
                gateway="gw",
                version=VERSIONS[version],
                encode=CODEC.encode,
            ),
            Policy(**limits | policy),
        )
        self.now, self.offset, self.results = Instant(1000.0, NOON), 77, []
        self.events, self.writes, self.closes, self.counts, self.pings = [], [], [], [], 0
        self.traced, self.ended = [], []  # the places of events in traces, and spans
        if opened:
            opened = self.session.opened({"remote_address": "127.0.0.1"}, self.now)
            self.keep([Record(opened)])
            self.session.recorded(77, self.now)

    def keep(self, effects: Iterable):
        effects = [*in_turn(effects)]
        for effect in effects:
            match effect:
                case Record(event):
                    self.events.append(CODEC.decode(event.value))
                    self.traced.append(event.trace)
                    if event.topic == "command-results":
                        self.results.append(self.events[-1][1])
                case Write(text, call=call):
                    if not call or self.session.leaves(call, self.now):
                        self.writes.append(text)
                case Close(code):
                    self.closes.append(code)
                case Count(metric, labels):
                    self.counts.append((metric, *labels))
                case Ended():
                    self.ended.append(effect)
                case Ping():
                    self.pings += 1
        return effects

    def hear(self, text, trace=None):
        return self.keep(self.session.received(text, self.now, trace))

    def call(self, message_id, action, payload, trace=None):
        return self.hear(json.dumps([2, message_id, action, payload]), trace)

    def later(self, seconds):
        self.now = Instant(self.now.s + seconds, self.now.ms + round(seconds * 1000))
        return self.keep(self.session.woken(self.now))

    def decide(self, event_id, **decision):
        decision = Decision(event_id, **{"response": None} | decision)
        return self.keep(self.session.decided(decision, self.now))

    def command(self, command_id="k-1", action="Reset", payload=None, **more):
        """A command for the station, valid for a minute; its CALL gets the id of the command."""
        fields = {"attempt": 1, "message_id": command_id, "expires_s": 60, "written_s": 0} | more
        payload = {"type": "Soft"} if payload is None else payload
        command = Command(
            command_id=command_id,
            action=action,
            payload=payload if isinstance(payload, str) else json.dumps(payload),
            expires_ms=self.now.ms + round(fields.pop("expires_s") * 1000),
            written_ms=self.now.ms + round(fields.pop("written_s") * 1000),
            **fields,
        )
        return self.keep(self.session.commanded(command, self.now))

    def read(self, kind="taken", command_id="k-1", attempt=1, **whose):
        """A claim in the connection log is read: by default the connection's own."""
        self.offset += 1
        own = {"connection_id": "c-1", "epoch": 77, "position": self.offset}
        claim = Claim(kind, command_id, attempt, **own | whose)
        return self.keep(self.session.claimed(claim, self.now))

    def close(self, code=1006):
        return self.keep(self.session.closed(code, "", self.now))

    @property
    def answers(self):
        return [json.loads(text) for text in self.writes]


def in_turn(effects):
    """The effects as they are performed on a log that acknowledges at once."""
    for effect in effects:
        yield effect
        if isinstance(effect, Record):
            yield from in_turn(effect.then)


def go(first, lines):
    """Go through a conversation, and assert that it goes as it is written.

    `first` has the arguments of Conversation. The lines are what the `station` says (a frame; or a
    text, where that is the point), how much `later_s` it is, the `decision` of a service, a
    `command`, and what is `read` of claims; the end is `closed`. After each stands what follows
    from it: the `event` for a topic, what is `counted`, and what the `gateway` writes. Gauges are
    left out. A `note` is for the reader. Of an event are compared the fields that the line has, and
    always: that the payload is the one that was sent, that there are no deviations, and that the
    frame's text is kept in dead letters only. The description of a CALLERROR may be left out.
    """
    arguments = dict(first)
    for name in ("quirks", "decided"):
        if name in first:
            arguments[name] = frozenset(first[name])
    if "answers" in first:
        arguments["answers"] = replies.Policy(**first["answers"])
    if "secrets" in first:
        arguments["commands"] = Limits(secret=arguments.pop("secrets").get)
    conversation, effects, said = Conversation(**arguments), [], ""
    for line in lines:
        if {"event", "counted", "gateway"} & line.keys():
            _follows(line, effects.pop(0), said)
            continue
        assert effects == [], "the conversation says less than was done"
        if "station" in line:
            said = line["station"]
            said = said if isinstance(said, str) else json.dumps(said)
        done = _done(conversation, line, said)
        effects += [
            one for one in done if not (isinstance(one, Count) and one.metric == "commands")
        ]
    assert effects == [], "the conversation says less than was done"


def _done(conversation, line, said):  # noqa: PLR0911 - a line is one thing or another
    match line:
        case {"note": _}:
            return []
        case {"station": _}:
            return conversation.hear(said)
        case {"later_s": seconds}:
            return conversation.later(seconds)
        case {"decision": decision}:
            return conversation.decide(**decision)
        case {"command": command}:
            return conversation.command(**command)
        case {"read": claim}:
            return conversation.read(**claim)
        case {"closed": code}:
            return conversation.close(code)
    raise AssertionError(f"no such line: {line}")


def _follows(line, effect, said):
    match line:
        case {"gateway": frame}:
            written = json.loads(effect.text)
            assert written[: len(frame)] == frame
            assert len(frame) == len(written) or frame[0] == 4
        case {"counted": metric, "as": labels}:
            assert effect == Count(metric, tuple(labels))
        case {"event": topic, **fields}:
            name, record = seen(effect.event, said)
            assert name == topic
            if name in ("connections", "command-results"):
                if record.get("response") is not None:
                    record["response"] = json.loads(record["response"])
                assert {key: record[key] for key in fields} == fields
                return
            expected = {"deviations": [], "keeps_text": topic == "rejected"} | fields
            asked = topic != "rejected" and record["direction"] == "from_station"
            if asked and record["kind"] in ("call", "send"):
                expected.setdefault("payload", json.loads(said)[3])
            assert {key: record[key] for key in expected} == expected


def seen(event, said):
    """Topic and record of an event, with its `payload` as JSON again."""
    topic, record = CODEC.decode(event.value)
    part = {"call": "request", "result": "response", "send": "send"}.get(record.get("kind"))
    if topic != "rejected" and part:
        version, name = record["ocpp_version"], record["action"]
        payload = record[frame_field(version, name, part)]
        record["payload"] = shape(version, name, part).from_avro(payload)
    if record.get("decision_by"):
        record["decision_by"] = timestamp(record["decision_by"])
    record["keeps_text"] = record.get("raw", record.get("text")) == said
    return topic, record
