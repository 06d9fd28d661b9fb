"""Answers stations that ask about tokens: looks into the tables, decides, posts the decision."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from consumers.authorizations import evidence
from consumers.authorizations.deciding import Known, Rules, Verdict, decide, is_start, with_told
from consumers.authorizations.wording import authorization_response
from consumers.meaning.facts import AuthorizationAsked
from consumers.metrics import Metrics
from consumers.sequels.producing import Headers
from consumers.sequels.running import FactsOf, Parts
from consumers.stores.changes import Ownership
from consumers.tables.projections import Row
from programs.spans import Span
from schemas.traces import TRACEPARENT

# What Kafka and the gateway need of the time that is left; past it the gateway's fallback is told.
MARGIN_MS = 50
# How long an answer may be on its way into the tables, at most.
RECALLED_MS = 30_000
_HOUR_MS = 3_600_000
_DECIDED_BY = "authorizations"


class Counts:
    """What is counted of decisions."""

    def __init__(self, metrics: Metrics) -> None:
        self.decisions = metrics.counter("authorizations_decisions")
        self.unknown = metrics.counter("authorizations_unknown_tokens")
        self.late = metrics.counter("authorizations_late")
        self.seconds = metrics.histogram("authorizations_decision_seconds")


class Decider:
    """A sequel: decides about what can still be decided, and about nothing in a backlog."""

    def __init__(self, parts: Parts) -> None:
        config = parts.config
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
        self.counts = Counts(parts.metrics)

    async def committed(self, facts: FactsOf) -> None:
        """Decide about the calls among these, whose rows can be read by now. Raises Away."""
        now_ms, start_ns = self._parts.now_ms(), time.time_ns()
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
            self._post(asked, verdict, self._traced(asked, verdict, start_ns))
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

    def _traced(self, asked: AuthorizationAsked, verdict: Verdict, start_ns: int) -> Headers:
        """The headers by which a decision belongs to the trace of the CALL, if there is one."""
        tracing, above = self._parts.tracing, asked.at.trace
        if tracing is None or above is None:
            return ()
        place = above.child("decide")
        span = Span(
            name=f"decide {asked.action}",
            kind="internal",
            trace=place,
            start_ns=start_ns,
            end_ns=time.time_ns(),
            told={
                "ocpp.station.id": asked.at.station,
                "ocpp.action": asked.action,
                "ocpp.decision": verdict.status,
            },
        )
        tracing.ended(span)
        return ((TRACEPARENT, place.header),)

    def _post(self, asked: AuthorizationAsked, verdict: Verdict, headers: Headers) -> None:
        now_ms = self._parts.now_ms()
        station = asked.at.station
        decision = decision_record(asked, verdict, now_ms)
        self._parts.producer.post("decisions", station.encode(), decision, headers=headers)
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
