"""authorizations.decider: who asks in time is answered, with a decision that the gateway takes."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from consumers.authorizations.decider import MARGIN_MS, RECALLED_MS, sequel
from consumers.config import Config
from consumers.metrics import Metrics
from consumers.sequels.running import Parts
from programs.tracing import Tracing
from schemas.topics import TOPICS
from schemas.traces import Trace
from tests.consumers.asking import NOON, asked, authorize, issued, started
from tests.consumers.test_authorizations_evidence import put, stored
from tests.consumers.written import CODEC

NOW = NOON + 5000


class Posts:
    """In the place of a producer: keeps what is posted."""

    def __init__(self):
        self.records, self.headers = [], []

    def post(self, topic, key, record, headers=()):
        assert topic in TOPICS
        name, read = CODEC.decode(CODEC.encode(topic, record))
        assert (name, read["station"].encode()) == (topic, key)
        self.records.append(read)
        self.headers.append(dict(headers))

    @property
    def responses(self):
        return [json.loads(one["response"]) for one in self.records]


@pytest.fixture
async def store(tmp_path):
    async with stored(f"sqlite:///{tmp_path}/store.db", issued("A", group="G")) as found:
        yield found


def parts(store, metrics=None, **settings):
    """What a decider is made of, at five seconds past noon."""
    return Parts(
        config=Config(kafka="127.0.0.1:1", **settings),
        store=store,
        codec=CODEC,
        producer=Posts(),
        metrics=metrics or Metrics("authorizations"),
        now_ms=lambda: NOW,
    )


def ask(fact, decide_by_ms=NOW + 4000):
    return replace(fact, decide_by_ms=decide_by_ms)


def counted(made, name, **labels):
    return made.metrics.registry.get_sample_value(f"chargewire_authorizations_{name}", labels)


async def test_who_asks_is_answered(store):
    """Each question with a decision of its own, in the words of its version."""
    made = parts(store)
    questions = [
        ask(authorize(1)),
        ask(authorize(2, "nobody", version="2.0.1", station="CS-2")),
        ask(asked(started(3))),
    ]
    await sequel(made).committed({0: [issued("B"), *questions, started(3)]})
    first, second, third = made.producer.records
    assert (first["event_id"], first["station"], first["at"]) == ("1-1-CS-1", "CS-1", NOW)
    assert first["decided_by"] == "authorizations"
    assert first["error_code"] is None
    assert (second["event_id"], second["station"]) == ("1-2-CS-2", "CS-2")
    assert third["event_id"] == "1-3-CS-1"
    accepted = {"idTagInfo": {"parentIdTag": "G", "status": "Accepted"}}
    assert made.producer.responses == [
        accepted,
        {"idTokenInfo": {"status": "Unknown"}},
        accepted | {"transactionId": 17},
    ]
    assert counted(made, "decisions_total", action="Authorize", status="Accepted") == 1
    assert counted(made, "decisions_total", action="Authorize", status="Unknown") == 1
    assert counted(made, "unknown_tokens_total") == 1
    assert counted(made, "decision_seconds_count") == 3
    assert counted(made, "decision_seconds_sum") == 4 + 3 + 2


@pytest.mark.parametrize("left_ms", [-86_400_000, 0, MARGIN_MS])
async def test_who_asked_long_ago_is_not(store, left_ms):
    """As in a backlog: the gateway has told its fallback, or will before we can be heard."""
    made = parts(store)
    await sequel(made).committed({0: [ask(authorize(1), NOW + left_ms)]})
    assert made.producer.records == []
    assert counted(made, "late_total") == 1


async def test_who_wants_no_decision_gets_none(store):
    """The gateway has answered by itself, or another service is to decide."""
    made = parts(store, decides=("StartTransaction",))
    await sequel(made).committed({0: [ask(authorize(1)), ask(asked(started(1)), None)]})
    assert made.producer.records == []
    assert counted(made, "late_total") == 0


async def test_the_settings_are_heeded(store):
    """They are the rules of the decisions."""
    made = parts(store, unknown_tokens="accept", free_charging="invalid")
    questions = [ask(authorize(1, "nobody")), ask(authorize(2, ""))]
    await sequel(made).committed({0: questions})
    said = [one["idTagInfo"]["status"] for one in made.producer.responses]
    assert said == ["Accepted", "Invalid"]


async def test_a_use_that_is_too_old_does_not_count(tmp_path):
    """Its Stop was lost, and its station with it."""
    old = started(1, station="GONE")
    question = ask(asked(started(2)))
    async with stored(f"sqlite:///{tmp_path}/store.db", issued("A"), old, started(2)) as store:
        for later_ms, status in ((0, "ConcurrentTx"), (2 * 3_600_000, "Accepted")):
            made = replace(
                parts(store, concurrent_use_hours=2), now_ms=lambda later=later_ms: NOW + later
            )
            await sequel(made).committed({0: [replace(question, decide_by_ms=NOON * 2)]})
            assert made.producer.responses[0]["idTagInfo"]["status"] == status


async def test_of_two_starts_at_once_only_one_is_accepted(store):
    """Also where the later one is decided before the other's rows can be seen, or answered."""
    now_ms = [NOW]
    made = replace(parts(store), now_ms=lambda: now_ms[0])
    decider = sequel(made)
    first, second = started(1), started(2, station="CS-2")
    questions = [ask(asked(second), NOON * 2), ask(asked(first), NOON * 2)]
    for start, question in zip((second, first), questions, strict=True):
        await put(store, start)
        await decider.committed({0: [start, question]})
    await decider.committed({0: questions})
    said = [one["idTagInfo"] for one in made.producer.responses]
    assert [one["status"] for one in said] == ["Accepted", "ConcurrentTx"] * 2
    assert {one["parentIdTag"] for one in said} == {"G"}
    now_ms[0] += RECALLED_MS + 1
    await decider.woken({})
    await decider.committed({0: questions})
    # By then answers are in the tables; here there are none, and the earlier start counts.
    said = [one["idTagInfo"]["status"] for one in made.producer.responses[4:]]
    assert said == ["ConcurrentTx", "Accepted"]


async def test_what_is_made_anew_goes_on_counting(store):
    """After the database or Kafka was away."""
    metrics = Metrics("authorizations")
    for _ in range(2):
        made = parts(store, metrics)
        decider = sequel(made)
        await decider.committed({0: [ask(authorize(1))]})
        await decider.woken({})
    assert counted(made, "decisions_total", action="Authorize", status="Accepted") == 2


async def test_a_decision_goes_on_with_the_trace_of_its_call(store):
    """Below a span of its own, that tells neither token nor anything of the answer but its status;
    a call that is not traced has none, nor has any where nothing is traced."""
    spans, place = [], Trace(5, 6)
    plain = ask(authorize(1))
    traced = replace(plain, at=replace(plain.at, trace=place))
    told = replace(parts(store), tracing=Tracing(0, SimpleNamespace(put=spans.append, sent=0)))
    await sequel(told).committed({0: [traced, plain]})
    (span,) = spans
    assert (span.name, span.trace) == ("decide Authorize", place.child("decide"))
    assert span.told == {
        "ocpp.station.id": "CS-1",
        "ocpp.action": "Authorize",
        "ocpp.decision": "Accepted",
    }
    assert told.producer.headers == [{"traceparent": span.trace.header}, {}]
    off = parts(store)
    await sequel(off).committed({0: [traced]})
    assert off.producer.headers == [{}]
