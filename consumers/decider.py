"""Answers stations that ask about tokens: looks into the tables, decides, posts the decision."""

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Histogram

from consumers import evidence
from consumers.changes import Ownership
from consumers.deciding import Known, Rules, Verdict, decide, is_start, with_told
from consumers.facts import AuthorizationAsked
from consumers.projection import Row
from consumers.sequels import FactsOf, Parts
from consumers.wording import authorization_response

# What Kafka and the gateway need of the time that is left; past it the gateway's fallback is told.
MARGIN_MS = 50
# How long an answer may be on its way into the tables, at most.
RECALLED_MS = 30_000
_HOUR_MS = 3_600_000
_DECIDED_BY = "authorizations"
_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Counts:
    """What is counted of decisions."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.decisions = Counter(
            "chargewire_authorizations_decisions",
            "Decisions about tokens, by the action of the call and the status decided",
            ("action", "status"),
            registry=registry,
        )
        self.unknown = Counter(
            "chargewire_authorizations_unknown_tokens",
            "Decisions about tokens that nobody has issued",
            registry=registry,
        )
        self.late = Counter(
            "chargewire_authorizations_late",
            "Calls that were read too late to decide about: the gateway's fallback was told",
            registry=registry,
        )
        self.seconds = Histogram(
            "chargewire_authorizations_decision_seconds",
            "From when the gateway read a call until its decision was posted",
            buckets=_BUCKETS,
            registry=registry,
        )


# What is made anew after a failure goes on counting.
_COUNTS: WeakKeyDictionary[CollectorRegistry, Counts] = WeakKeyDictionary()


class Decider:
    """A sequel: decides about what can still be decided, and about nothing in a backlog."""

    def __init__(self, parts: Parts) -> None:
        config, registry = parts.config, parts.metrics.registry
        self._parts = parts
        self._actions = frozenset(config.decides)
        self._rules = Rules(
            unknown_tokens=config.unknown_tokens,
            free_charging=config.free_charging,
            concurrent_use=config.concurrent_use,
        )
        self._use_ms = config.concurrent_use_hours * _HOUR_MS
        # What was decided about starts, the oldest first. Else two starts at once, of which the
        # later one was decided before the other could be seen, would both be accepted.
        self._decided: dict[tuple[str, str | None], tuple[int, Verdict]] = {}
        if registry not in _COUNTS:
            _COUNTS[registry] = Counts(registry)
        self.counts = _COUNTS[registry]

    async def committed(self, facts: FactsOf) -> None:
        """Decide about the calls among these, whose rows can be read by now. Raises Away."""
        now_ms = self._parts.now_ms()
        asks = []
        for fact in chain.from_iterable(facts.values()):
            if not isinstance(fact, AuthorizationAsked) or fact.action not in self._actions:
                continue
            if fact.decide_by_ms is not None and fact.decide_by_ms > now_ms + MARGIN_MS:
                asks.append(fact)
            elif fact.decide_by_ms is not None:
                self.counts.late.inc()
        if not asks:
            return
        for asked, known in await evidence.known(self._parts.store, asks, now_ms - self._use_ms):
            verdict = decide(asked, self._recalled(known), self._rules)
            self._post(asked, verdict)
            if is_start(asked):
                key = asked.at.station, asked.transaction
                self._decided.pop(key, None)
                self._decided[key] = now_ms, verdict

    async def woken(self, owned: Mapping[int, Ownership]) -> None:
        """Forget decisions whose answers are in the tables by now."""
        before_ms = self._parts.now_ms() - RECALLED_MS
        while self._decided and next(iter(self._decided.values()))[0] < before_ms:
            del self._decided[next(iter(self._decided))]

    def _recalled(self, known: Known) -> Known:
        """What is known, with our own decisions about uses that have no answer yet."""
        others = [with_told(use, self._verdict(use)) for use in known.others]
        use = known.use and with_told(known.use, self._verdict(known.use))
        return replace(known, use=use, others=others)

    def _verdict(self, use: Row) -> Verdict | None:
        found = self._decided.get((use["station"], use["transaction_id"]))
        return None if found is None else found[1]

    def _post(self, asked: AuthorizationAsked, verdict: Verdict) -> None:
        now_ms = self._parts.now_ms()
        station = asked.at.station
        decision = decision_record(asked, verdict, now_ms)
        self._parts.producer.post("decisions", station.encode(), decision)
        self.counts.decisions.labels(asked.action, verdict.status).inc()
        self.counts.seconds.observe(max(0, now_ms - asked.at.observed_ms) / 1000)
        if verdict.reason == "unknown":
            self.counts.unknown.inc()


def decision_record(asked: AuthorizationAsked, verdict: Verdict, now_ms: int) -> dict[str, Any]:
    """The record of `decisions` that tells a verdict in the words of the station's version."""
    response = authorization_response(
        asked.version,
        asked.action,
        verdict.status,
        group=verdict.group,
        group_type=verdict.group_type,
        expires_ms=verdict.expires_ms,
        transaction=asked.transaction,
    )
    return {
        "event_id": asked.at.event_id,
        "station": asked.at.station,
        "response": json.dumps(response),
        "decided_by": _DECIDED_BY,
        "at": now_ms,
    }


def sequel(parts: Parts) -> Decider:
    """The sequel of the consumer `authorizations` that decides."""
    return Decider(parts)
