"""A transaction from afar: started until it is there, stopped until it has ended."""

from chargewire.flows.events import Event, Folded, Place
from chargewire.flows.steps import Answer, Flow, Over, Say, Steps, Within, refused
from chargewire.flows.wording import Token, Words
from consumers.meaning.facts import Disconnected, StatusTold
from consumers.meaning.payloads import identifier
from consumers.tables.projections import Row
from consumers.transactions.projection import PROJECTION
from consumers.transactions.rows import ENDED, OPEN, TRANSACTIONS
from schemas.identity import folded_token

HISTORY_S = 7 * 86_400.0
"""How far back a transaction that is still open is looked for."""
VERDICT_S = 10.0
"""A station that has begun is told of its token well within this, if it is told at all."""


class Start(Flow):
    """Until a transaction has begun with the token, and the station was told that it may."""

    topics = ("remote-control", "transactions", "availability", "connections")

    def __init__(
        self, words: Words, token: Token, place: int | None, *, remote_start: int, wait_s: float
    ) -> None:
        self._words, self._token, self._place = words, token, place
        self._remote_start, self._wait_s = remote_start, wait_s
        self._rows = Folded(PROJECTION, TRANSACTIONS)
        self._asked_at: Place | None = None
        self._answer: Answer | None = None
        self._begun = False

    def begin(self) -> Steps:
        return (self._words.start(self._token, self._place, self._remote_start),)

    def answered(self, answer: Answer) -> Steps:
        self._answer = answer
        if not answer.is_accepted:
            return (refused(answer),)
        said = Say("accepted: it begins once a car is plugged in", {"status": answer.status})
        return (said, Within(self._wait_s), *self._judged())

    def told(self, event: Event) -> Steps:
        if event.is_question:
            self._asked_at = event.place
        self._rows.fold(event.facts)
        steps = [] if self._begun else [*_news(event)]
        return (*steps, *self._judged())

    def late(self) -> Steps:
        if (row := self._row()) is not None:
            return (_begun(row),)
        text = f"accepted, but no transaction of this start has begun within {self._wait_s:g} s"
        return (Over(False, text),)

    def _judged(self) -> Steps:
        row = self._row()
        if row is None:
            return
        if not self._begun:
            self._begun = True
            name = row["transaction_id"]
            at_ms = row["begin_observed_ms"]
            yield Say(f"transaction {name} has begun", {"transaction": name}, at_ms)
            yield Within(VERDICT_S)
        if row["status"] is not None or row["state"] == ENDED:
            yield _begun(row)

    def _row(self) -> Row | None:
        """The transaction that the station began for us, once it has agreed to."""
        if self._answer is None:
            return None
        return next(filter(self._is_ours, self._rows), None)

    def _is_ours(self, row: Row) -> bool:
        assert self._answer is not None, "nothing is ours before"
        named = identifier(self._answer.said.get("transactionId"))
        if row["remote_start"] is not None or row["transaction_id"] == named:
            by_number = bool(row["remote_start"] == self._remote_start)
            return by_number or bool(row["transaction_id"] == named)
        # 1.6 does not say which remote start it follows: then it is told by token and place, and
        # by its place in the log, since a station may bring up old ones at any time.
        if self._asked_at is None or row["begin_observed_ms"] is None:
            return False
        begun_at: Place = (row["first_epoch"], row["first_sequence"])
        is_token = folded_token(row["token"] or "") == folded_token(self._token.text)
        return begun_at > self._asked_at and is_token and self._place in (None, _place(row))


def _news(event: Event) -> Steps:
    for fact in event.facts:
        match fact:
            case StatusTold(evse=evse, connector=connector, status=status):
                place = connector if evse is None else evse
                data = {"place": place, "status": status}
                yield Say(f"{place}: {status}", data, event.at_ms)
            case Disconnected():
                yield Say("the connection has ended", {"connected": False}, event.at_ms)


def _begun(row: Row) -> Over:
    name, status = row["transaction_id"], row["status"]
    data = {"transaction": name, "place": _place(row), "token_status": status}
    if status not in (None, "Accepted"):
        return Over(False, f"transaction {name} has begun, but its token is {status}", data)
    if row["state"] == ENDED:
        return Over(False, f"transaction {name} has begun, and ended: {row['reason']}", data)
    return Over(True, f"transaction {name} is there, on {_place(row)}", data)


def _place(row: Row) -> int | None:
    """The EVSE, or the connector of 1.6."""
    found: int | None = row["connector"] if row["evse"] is None else row["evse"]
    return found


class Stop(Flow):
    """Until a transaction has ended; without a name the only one that is open."""

    topics = PROJECTION.topics
    since_s = HISTORY_S

    def __init__(self, words: Words, transaction: str | None, *, wait_s: float) -> None:
        self._words, self._name, self._wait_s = words, transaction, wait_s
        self._rows = Folded(PROJECTION, TRANSACTIONS)

    def remember(self, event: Event) -> None:
        self._rows.fold(event.facts)

    def begin(self) -> Steps:
        if self._name is None:
            found = [row["transaction_id"] for row in self._rows if row["state"] == OPEN]
            if not found:
                text = "no transaction of the last 7 days is open; name an older one"
                return (Over(False, text),)
            if len(found) > 1:
                data = {"transactions": found}
                return (Over(False, f"name one of those that are open: {', '.join(found)}", data),)
            self._name = found[0]
        if over := [*self._ended()]:
            return over
        name = Say(f"transaction {self._name}", {"transaction": self._name})
        return (name, self._words.stop(self._name))

    def answered(self, answer: Answer) -> Steps:
        if not answer.is_accepted:
            return (refused(answer),)
        said = Say("accepted: it is to end", {"status": answer.status})
        return (said, Within(self._wait_s))

    def told(self, event: Event) -> Steps:
        self._rows.fold(event.facts)
        return self._ended()

    def late(self) -> Steps:
        text = f"transaction {self._name} has not ended within {self._wait_s:g} s"
        return (Over(False, text, {"transaction": self._name}),)

    def _ended(self) -> Steps:
        # The id may have been used before; the last of its rows is the one that runs.
        found = [row for row in self._rows if row["transaction_id"] == self._name]
        if not found or (row := max(found, key=lambda row: row["ordinal"]))["state"] != ENDED:
            return
        energy = row["energy_wh"]
        told = "its energy is not known" if energy is None else f"{float(energy) / 1000:.3f} kWh"
        data = {"transaction": self._name, "energy_wh": None if energy is None else float(energy)}
        data |= {name: row[name] for name in ("reason", "duration_ms", "anomalies")}
        odd = f" (odd: {row['anomalies']})" if row["anomalies"] else ""
        text = f"transaction {self._name} has ended, {row['reason']}: {told}{odd}"
        yield Over(True, text, data)
