"""A reservation: asked for, and followed to whatever becomes of it."""

from chargewire.flows.events import Event, Folded
from chargewire.flows.steps import Answer, Flow, Over, Say, Steps, Within, refused
from chargewire.flows.wording import Token, Words
from consumers.reservations.projection import PROJECTION
from consumers.reservations.rows import ACCEPTED, EXPIRED, REFUSED, REQUESTED, RESERVATIONS, USED
from consumers.tables.projections import Row
from schemas.times import timestamp


class Reserve(Flow):
    """Until the station has reserved; followed, until that is used, cancelled or expired."""

    topics = PROJECTION.topics

    def __init__(  # noqa: PLR0913 - what a reservation says
        self,
        words: Words,
        reservation: int,
        token: Token,
        place: int | None,
        *,
        now_ms: int,
        for_s: float,
        follow: bool,
    ) -> None:
        self._words, self._id, self._token, self._place = words, reservation, token, place
        self._for_s, self._follow = for_s, follow
        self._until = timestamp(now_ms + round(for_s * 1000))
        self._rows = Folded(PROJECTION, RESERVATIONS)
        self._accepted = False

    def begin(self) -> Steps:
        return (self._words.reserve(self._id, self._token, self._place, self._until),)

    def answered(self, answer: Answer) -> Steps:
        if not answer.is_accepted:
            return (refused(answer),)
        self._accepted = True
        data = {"reservation": self._id, "until": self._until}
        text = f"reserved until {self._until}, as reservation {self._id}"
        if not self._follow:
            return (Over(True, text, data),)
        return (Say(text, data), Within(self._for_s), *self._became())

    def told(self, event: Event) -> Steps:
        self._rows.fold(event.facts)
        return self._became() if self._accepted else ()

    def late(self) -> Steps:
        return (self._over(EXPIRED, None),)

    def _became(self) -> Steps:
        for row in self._rows:
            if row["reservation_id"] == self._id and row["state"] not in _UNDECIDED:
                yield self._over(row["state"], row)

    def _over(self, state: str, row: Row | None) -> Over:
        used = row["transaction_id"] if row is not None else None
        by = f" by transaction {used}" if used is not None else ""
        data = {"reservation": self._id, "state": state, "transaction": used}
        return Over(state == USED, f"reservation {self._id}: {state}{by}", data)


_UNDECIDED = {REQUESTED, REFUSED, ACCEPTED}  # what the result of the command tells better


class Cancel(Flow):
    """Until the station has given a reservation up."""

    def __init__(self, words: Words, reservation: int) -> None:
        self._words, self._id = words, reservation

    def begin(self) -> Steps:
        return (self._words.cancel(self._id),)

    def answered(self, answer: Answer) -> Steps:
        if not answer.is_accepted:
            return (refused(answer),)
        return (Over(True, f"reservation {self._id}: cancelled", {"reservation": self._id}),)
