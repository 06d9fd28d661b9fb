"""The session machine: what happens in, effects out."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import replies
from gateway.effects import Close, Ended, Instant, Record, Write
from schemas.catalogue import ACTIONS, frame_field, json_schema
from schemas.traces import Trace
from tests.gateway.conversation import Conversation, go
from tests.schemas.payloads import full, turns

CONVERSATIONS = Path(__file__).parent.parent / "conversations"


def stories():
    """The golden conversations, each by its name and with the sentence that tells its story."""
    for path in sorted(CONVERSATIONS.glob("*.jsonl")):
        first, *lines = map(json.loads, path.read_text().splitlines())
        yield pytest.param(first, lines, id=f"{path.stem}: {first.pop('story')}")


@pytest.mark.parametrize(("first", "lines"), list(stories()))
def test_conversations_go_as_they_are_written(first, lines):
    """Each golden conversation: frames and decisions in, frames and events out, in this order."""
    go(first, lines)


CALLS = [
    (version, row)
    for (version, _), row in ACTIONS.items()
    if row.from_station and "request" in row.parts
]


@pytest.mark.parametrize(("version", "row"), CALLS, ids=lambda value: getattr(value, "name", value))
def test_every_call_of_a_station_is_answered_as_its_schema_wants(version, row):
    """All of them, in all versions and with all their fields, by a strict gateway: one CALLRESULT
    that an independent validator finds valid, and two events in the topic of the action's block,
    each with its own typed field and no other."""
    request = json_schema(version, row.name, "request")
    response = jsonschema.Draft6Validator(json_schema(version, row.name, "response"))
    told = Conversation(version, quirks=frozenset())
    for turn in range(turns(request)):
        told.events.clear()
        told.writes.clear()
        payload = full(request, request, turn, doubles=True)
        told.call(f"m-{turn}", row.name, payload)
        ((kind, message_id, answer),) = told.answers
        assert (kind, message_id) == (3, f"m-{turn}")
        response.validate(answer)
        assert [topic for topic, _ in told.events] == [row.block, row.block]
        call, result = (record for _, record in told.events)
        assert (call["kind"], result["kind"]) == ("call", "result")
        assert result["call_sequence"] == call["sequence"] == result["sequence"] - 1
        for record, part in ((call, "request"), (result, "response")):
            assert (record["deviations"], record["action"]) == ([], row.name)
            fields = {name for name, value in record.items() if isinstance(value, dict)}
            assert fields == {frame_field(version, row.name, part)}


def test_the_connection_begins_and_ends_in_the_connection_log():
    """`connected` is sequence 0, `disconnected` the last; the epoch is the first one's offset."""
    told = Conversation()
    told.call("1", "Heartbeat", {})
    told.keep(told.session.closed(1000, "bye", told.now))
    (first, opened), *_, (last, closed) = told.events
    assert (first, opened["type"], opened["sequence"], opened["epoch"]) == (
        "connections",
        "connected",
        0,
        None,
    )
    assert (last, closed["type"], closed["sequence"], closed["epoch"]) == (
        "connections",
        "disconnected",
        3,
        77,
    )
    assert (closed["close_code"], closed["reason"]) == (1000, "bye")


def test_no_write_stands_before_the_records_of_call_and_reply():
    """Promise 1: the reply follows both events in the list of effects."""
    effects = Conversation().call("1", "Heartbeat", {})
    assert [type(effect) for effect in effects] == [Record, Record, Write]


def test_events_count_both_directions_in_one_order():
    """Promise 3: sequence goes through, and the answer names the sequence of its call."""
    told = Conversation()
    told.call("1", "Heartbeat", {})
    told.call(
        "2", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    )
    records = [record for _, record in told.events[1:]]
    assert [record["sequence"] for record in records] == [1, 2, 3, 4]
    assert [record["call_sequence"] for record in records] == [None, 1, None, 3]
    assert {record["epoch"] for record in records} == {77}


def test_pipelined_calls_are_answered_in_their_order():
    """The second call is recorded at once, its answer waits for the first one's decision."""
    told = Conversation(decided=frozenset({"Authorize"}))
    told.call("1", "Authorize", {"idTag": "A"})
    told.call("2", "Heartbeat", {})
    assert told.answers == []
    assert [record["action"] for _, record in told.events[1:]] == ["Authorize", "Heartbeat"]
    told.decide(told.events[1][1]["event_id"], response='{"idTagInfo":{"status":"Blocked"}}')
    assert [answer[1] for answer in told.answers] == ["1", "2"]
    assert told.answers[0][2] == {"idTagInfo": {"status": "Blocked"}}


def test_a_call_that_nobody_decides_gets_its_fallback_when_the_time_is_up():
    """Authorize where a decider is listed: InternalError, nothing false enters the cache."""
    told = Conversation(decided=frozenset({"Authorize"}), answers=replies.Policy(authorize="error"))
    told.call("1", "Authorize", {"idTag": "A"})
    _, event = told.events[1]
    assert event["decision_by"] == event["observed_at"] + 5000
    assert told.session.deadline_s == 1005.0
    told.later(4.9)
    assert told.answers == []
    told.later(0.1)
    assert told.answers[0][:3] == [4, "1", "InternalError"]
    assert told.counts == [("fallbacks", "Authorize")]
    assert told.events[-1][1]["kind"] == "error"
    assert told.events[-1][1]["error"]["code"] == "InternalError"


def test_only_the_first_valid_decision_counts():
    """Invalid ones are counted and ignored, later ones are late."""
    told = Conversation(decided=frozenset({"Authorize"}))
    told.call("1", "Authorize", {"idTag": "A"})
    _, event = told.events[1]
    told.decide(event["event_id"], response='{"idTagInfo":{"status":"Maybe"}}')
    told.decide(event["event_id"], response="no JSON")
    told.decide(event["event_id"], response=None)
    told.decide(event["event_id"], error_code="NoSuchWord")
    assert told.answers == []
    told.decide(event["event_id"], response='{"idTagInfo":{"status":"Accepted"}}')
    told.decide(event["event_id"], response='{"idTagInfo":{"status":"Blocked"}}')
    assert told.answers == [[3, "1", {"idTagInfo": {"status": "Accepted"}}]]
    assert [label for _, label in told.counts] == ["invalid"] * 4 + ["taken", "late"]


def test_a_decision_that_comes_with_the_deadline_is_late():
    """Also where the session has not been woken yet: `decision_by` is the end."""
    told = Conversation(decided=frozenset({"Authorize"}))
    told.call("1", "Authorize", {"idTag": "A"})
    told.now = Instant(told.now.s + 5, told.now.ms + 5000)
    told.decide(told.events[1][1]["event_id"], response='{"idTagInfo":{"status":"Blocked"}}')
    assert (told.answers, told.counts) == ([], [("decisions", "late")])
    told.later(0)
    assert told.answers[0][:3] == [3, "1", {"idTagInfo": {"status": "Accepted"}}]


def test_a_decision_can_be_an_error():
    """A service may refuse with an OCPP word; the station gets the word of its version."""
    told = Conversation(decided=frozenset({"Authorize"}))
    told.call("1", "Authorize", {"idTag": "A"})
    told.decide(told.events[1][1]["event_id"], error_code="OccurrenceConstraintViolation")
    assert told.answers[0][:3] == [4, "1", "OccurenceConstraintViolation"]


def test_a_decided_start_keeps_the_computed_transaction_id():
    """Whatever a service says, every retry of a Start gets the same id."""
    start = {"connectorId": 1, "idTag": "A", "meterStart": 5, "timestamp": "2026-11-21T12:00:00Z"}
    plain, decided = Conversation(), Conversation(decided=frozenset({"StartTransaction"}))
    plain.call("1", "StartTransaction", start)
    decided.call("9", "StartTransaction", start)
    response = '{"idTagInfo":{"status":"Invalid"},"transactionId":1}'
    decided.decide(decided.events[1][1]["event_id"], response=response)
    (first,), (second,) = plain.answers, decided.answers
    assert first[2]["transactionId"] == second[2]["transactionId"]
    assert second[2]["idTagInfo"]["status"] == "Invalid"


def test_a_stop_is_confirmed_whatever_is_wrong_with_it():
    """A CALLERROR would be billing data lost: unknown transaction, missing fields, wrong types."""
    for payload in (
        {},
        {"transactionId": None, "meterStop": "12", "timestamp": ""},
        {"transactionId": 2**63 - 1, "meterStop": 1, "timestamp": "1970-01-01T00:00:00Z"},
        {"transactionId": 2**80, "meterStop": 1, "timestamp": "x", "idTag": "x" * 21},
        {"transactionId": -1, "meterStop": -5, "timestamp": "2026-11-21T12:00:00+02"},
    ):
        told = Conversation()
        told.call("1", "StopTransaction", payload)
        assert told.answers == [[3, "1", {}]], payload
        topic, record = told.events[1]
        assert topic == "transactions"
        assert record["deviations"] or payload.get("transactionId") == 2**63 - 1


@pytest.mark.parametrize(
    ("text", "rule", "answer"),
    [
        ('[2,"1","Fly",{}]', "unknown_action", [4, "1", "NotImplemented"]),
        ('[2,"1","Reset",{"type":"Soft"}]', "wrong_direction", [4, "1", "NotSupported"]),
        ('[2,"1","Heartbeat",[]]', "not_an_object", [4, "1", "FormationViolation"]),
        ('[2,"1","Heartbeat"]', "arity", [4, "1", "FormationViolation"]),
        ('[2,"1","Authorize",{}]', "missing_field", [4, "1", "OccurenceConstraintViolation"]),
        ('[3,"1",{}]', "unsolicited_answer", None),
        ('[4,"1","GenericError","",{}]', "unsolicited_answer", None),
        ("nonsense", "malformed_json", None),
        ("", "empty_frame", None),
        ("[9]", "unknown_message_type", None),
    ],
)
def test_a_frame_that_cannot_be_taken_is_one_dead_letter_with_its_answer(text, rule, answer):
    """Promise 4: text, rule and answer in one record, and the connection goes on."""
    told = Conversation()
    told.hear(text)
    (topic, letter) = told.events[1]
    assert (topic, letter["rule"], letter["text"]) == ("rejected", rule, text)
    assert letter["size"] == len(text)
    if answer is None:
        assert (told.answers, letter["answer"], letter["answer_sequence"]) == ([], None, None)
    else:
        assert told.answers[0][:3] == answer
        assert (letter["answer"], letter["answer_sequence"]) == (told.writes[0], 2)
    told.call("7", "Heartbeat", {})
    assert told.answers[-1][:2] == [3, "7"]
    assert told.events[-2][1]["sequence"] == (2 if answer is None else 3)


def test_what_avro_cannot_hold_becomes_a_dead_letter_and_the_call_is_answered():
    """A lone surrogate is no Unicode text: the letter keeps the frame, the station its answer."""
    told = Conversation()
    told.hear('[2,"1","StopTransaction",{"idTag":"\\ud800"}]')
    topic, letter = told.events[1]
    assert (topic, letter["rule"]) == ("rejected", "unencodable")
    assert "ud800" in letter["text"]
    assert told.answers == [[3, "1", {}]]


def test_secrets_do_not_reach_the_log():
    """A dead letter is text of the station, and may hold a password."""
    told = Conversation()
    told.hear('[3,"x",{"configurationKey":[{"key":"AuthorizationKey","value":"s3cr3t"}]}]')
    told.hear('[2,"x","DataTransfer",{"AuthorizationKey":"s3cr3t"')
    for _, letter in told.events[1:]:
        assert "s3cr3t" not in json.dumps(letter)


def test_secrets_in_a_good_frame_are_redacted_in_typed_payload_and_text():
    """A report of variables may hold the password of the station."""
    report = {
        "requestId": 1,
        "generatedAt": "2026-11-21T12:00:00+01:00",
        "seqNo": 0,
        "reportData": [
            {
                "component": {"name": "SecurityCtrlr"},
                "variable": {"name": "BasicAuthPassword"},
                "variableAttribute": [{"value": "s3cr3t"}],
            }
        ],
    }
    told = Conversation("2.0.1")
    told.call("1", "NotifyReport", report)
    topic, record = told.events[1]
    assert topic == "provisioning"
    assert record["raw"] is not None
    assert "s3cr3t" not in json.dumps(record)
    assert told.answers == [[3, "1", {}]]


def test_an_over_long_message_id_is_bent_or_refused():
    """36 characters by the standard; the quirk takes more and says so."""
    message_id = "m" * 40
    told = Conversation()
    told.call(message_id, "Heartbeat", {})
    assert told.answers[0][:2] == [3, message_id]
    assert told.events[1][1]["deviations"] == ["over_long_message_id"]
    strict = Conversation(quirks=frozenset())
    strict.call(message_id, "Heartbeat", {})
    assert strict.answers[0][2] == "FormationViolation"


@pytest.mark.parametrize("depth", [60, 300, 900, 990, 1000, 3000, 100_000])
@pytest.mark.parametrize("beside", ['"idTag":"a/b"', '"password":"x"', '"meterStop":0'])
@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_no_depth_ends_a_connection(depth, beside, begin, end):
    """Beside a number over 64 bits and what may be a secret: one answer, and it goes on."""
    inner = begin * depth + "1" + end * depth
    told = Conversation()
    told.hear(f'[2,"1","StopTransaction",{{"transactionId":{2**80},{beside},"x":{inner}}}]')
    told.call("2", "Heartbeat", {})
    assert [answer[1] for answer in told.answers] == ["1", "2"]
    assert len(told.events) == 1 + (4 if told.answers[0][0] == 3 else 3)


def test_a_silent_station_is_pinged_and_then_closed():
    """Any frame counts as a sign of life; without one after a ping the socket is dead."""
    told = Conversation(ping_interval_s=60.0, ping_time_s=30.0)
    told.later(59)
    assert told.pings == 0
    told.call("1", "Heartbeat", {})
    told.later(59)
    assert told.pings == 0
    told.later(1)
    assert told.pings == 1
    assert told.session.deadline_s == told.now.s + 30
    told.session.heard(told.now)
    told.later(59)
    assert told.closes == []
    told.later(1)
    told.later(30)
    assert (told.pings, told.closes) == (2, [1011])
    assert told.session.deadline_s is None
    told.later(1)
    told.call("2", "Heartbeat", {})
    assert (told.closes, len(told.events)) == ([1011], 3)


def test_pings_can_be_off():
    """Some stations never answer them."""
    assert Conversation().session.deadline_s is None


def test_nothing_comes_from_a_connection_that_was_superseded():
    """Promise 6: no answer, no event but the end; also for a decision that comes after."""
    told = Conversation(decided=frozenset({"Authorize"}))
    told.call("1", "Authorize", {"idTag": "A"})
    _, event = told.events[1]
    told.session.given_up()
    told.call("2", "Heartbeat", {})
    told.decide(event["event_id"], response='{"idTagInfo":{"status":"Accepted"}}')
    told.later(60)
    assert told.answers == []
    assert len(told.events) == 2
    told.keep(told.session.closed(1008, "superseded", told.now))
    assert told.events[-1][1]["type"] == "disconnected"


def test_a_gateway_that_stops_finishes_the_calls_in_hand():
    """What came before is answered, what comes after is not taken, then 1012."""
    told = Conversation(decided=frozenset({"Authorize"}))
    told.call("1", "Authorize", {"idTag": "A"})
    told.keep(told.session.stopping(told.now))
    told.call("2", "Heartbeat", {})
    assert (told.answers, told.closes) == ([], [])
    told.decide(told.events[1][1]["event_id"], response='{"idTagInfo":{"status":"Accepted"}}')
    assert (len(told.answers), told.closes) == (1, [1012])
    idle = Conversation()
    idle.keep(idle.session.stopping(idle.now))
    assert idle.closes == [1012]


def test_a_frame_over_the_limit_is_a_dead_letter_with_its_size_and_the_end():
    """What was not read cannot be kept; that it came is kept."""
    told = Conversation()
    told.keep(
        told.session.unreadable("frame_too_large", "", 10_485_760, Close(1009, "too big"), told.now)
    )
    _, letter = told.events[1]
    assert (letter["rule"], letter["size"], told.closes) == ("frame_too_large", 10_485_760, [1009])
    told.call("1", "Heartbeat", {})
    assert (told.answers, len(told.events)) == ([], 2)


def test_a_send_is_recorded_and_never_answered():
    """OCPP 2.1: NotifyPeriodicEventStream is a SEND, valid or not."""
    told = Conversation("2.1")
    told.hear(
        '[6,"1","NotifyPeriodicEventStream",{"id":1,"pending":0,'
        '"basetime":"2026-11-21T12:00:00Z","data":[{"t":1,"v":"2"}]}]'
    )
    told.hear('[6,"2","NotifyPeriodicEventStream",{}]')
    told.hear('[6,"3","Heartbeat",{}]')
    told.hear('[2,"4","NotifyPeriodicEventStream",{}]')
    kinds = [(topic, record["kind"]) for topic, record in told.events[1:]]
    assert kinds[0] == ("metering", "send") or kinds[0][1] == "send"
    assert [topic for topic, _ in kinds[1:]] == ["rejected"] * 3
    assert [answer[:3] for answer in told.answers] == [[4, "4", "NotSupported"]]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just("call"),
                st.sampled_from(["Heartbeat", "Authorize", "StopTransaction", "Fly"]),
            ),
            st.tuples(st.just("later"), st.sampled_from([0.5, 5.0])),
            st.tuples(st.just("decide"), st.integers(0, 5)),
        ),
        max_size=30,
    )
)
def test_every_call_gets_exactly_one_answer_after_its_events(steps):
    """Whatever the order of calls, decisions and time-outs; promises 1, 3 and 4 as one property."""
    told = Conversation(decided=frozenset({"Authorize"}))
    payloads = {"Authorize": {"idTag": "A"}}
    asked, order = [], []
    for number, (kind, what) in enumerate(steps):
        if kind == "call":
            asked.append(str(number))
            effects = told.call(str(number), what, payloads.get(what, {}))
        elif kind == "later":
            effects = told.later(what)
        else:
            waiting = [r for _, r in told.events if r.get("decision_by")]
            effects = ()
            if what < len(waiting):
                response = '{"idTagInfo":{"status":"Accepted"}}'
                effects = told.decide(waiting[what]["event_id"], response=response)
        order += effects
    order += told.later(5.0)
    assert sorted(answer[1] for answer in told.answers) == sorted(asked)
    recorded: set[str] = set()
    for effect in order:
        if isinstance(effect, Record):
            recorded.add(effect.event.message_id)
        elif isinstance(effect, Write):
            assert json.loads(effect.text)[1] in recorded
    sequences = [record["sequence"] for _, record in told.events]
    spent = sequences + [r["answer_sequence"] for t, r in told.events if t == "rejected"]
    assert sorted(s for s in spent if s is not None) == list(
        range(len([s for s in spent if s is not None]))
    )


TRACE = Trace(5, 6)
AUTHORIZE = {"idTag": "A"}


def test_events_of_a_traced_frame_say_where_they_are_in_its_trace():
    """The CALL and its answer, each below the frame and in a place of its own; the span of the
    frame ends when all of it is done. Others have no header and no span."""
    told = Conversation()
    effects = told.call("1", "Heartbeat", {}, TRACE)
    kinds = [type(effect) for effect in effects]
    assert kinds == [Record, Record, Write, Ended]
    call, answer = (effect.event for effect in effects[:2])
    assert {one.trace.parent_id for one in (call, answer)} == {TRACE.span_id}
    assert call.trace.span_id != answer.trace.span_id
    for one in (call, answer):
        assert dict(one.headers)["traceparent"] == one.trace.header
        assert one.trace == TRACE.child(dict(one.headers)["ce_id"].decode())
    told_of = (("ocpp.action", "Heartbeat"), ("ocpp.message.id", "1"))
    assert effects[-1] == Ended(TRACE, "Heartbeat", "server", told.now.s, None, told_of)
    told.call("2", "Heartbeat", {})
    assert told.traced[3:] == [None, None]
    assert len(told.ended) == 1


def test_waiting_for_a_decision_is_a_span_whatever_comes_of_it():
    """It ends when the decision comes, or when it is too late for one."""
    told = Conversation(decided=frozenset({"Authorize"}))
    told.call("1", "Authorize", AUTHORIZE, TRACE)
    assert told.ended == []
    told.later(2)
    told.decide(told.events[-1][1]["event_id"], response='{"idTagInfo":{"status":"Accepted"}}')
    told.call("2", "Authorize", AUTHORIZE, TRACE)
    told.later(5)
    first, _, second, _ = told.ended
    assert [(one.name, one.until_s - one.since_s) for one in (first, second)] == [
        ("wait for decision", 2),
        ("wait for decision", 5),
    ]
    assert [one.told for one in (first, second)] == [
        (("ocpp.decision", "taken"),),
        (("ocpp.decision", "fallback"),),
    ]
    assert {one.trace.parent_id for one in (first, second)} == {TRACE.span_id}


def test_a_dead_letter_and_a_send_end_the_span_of_their_frame():
    """A dead letter by the name of the rule; without the action, which may be any word."""
    told = Conversation()
    told.hear('[2,"1","Nonsense",{}]', TRACE)
    (ended,) = told.ended
    assert (ended.name, ended.failure, ended.told) == ("rejected", "unknown_action", ())
    assert told.traced[1].parent_id == TRACE.span_id
    stream = Conversation("2.1")
    payload = {"id": 1, "pending": 0, "basetime": "2026-11-21T12:00:00Z", "data": []}
    payload["data"] = [{"t": 1, "v": "1"}]
    frame = json.dumps([6, "1", "NotifyPeriodicEventStream", payload])
    stream.hear(frame, TRACE)
    assert stream.answers == []
    assert [one.name for one in stream.ended] == ["NotifyPeriodicEventStream"]


def test_what_was_never_answered_ends_with_its_connection():
    """Also where the connection was given up before it was closed."""
    told = Conversation(decided=frozenset({"Authorize"}))
    told.call("1", "Authorize", AUTHORIZE, TRACE)
    told.call("2", "Authorize", AUTHORIZE)
    told.session.given_up()
    told.close()
    (ended,) = told.ended
    assert (ended.trace, ended.failure, ended.until_s) == (TRACE, "unanswered", told.now.s)
