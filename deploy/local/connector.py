"""One connector of a simulated station: performs the plan of its days, unless told otherwise."""

import asyncio
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from deploy.local import local_list, settings
from deploy.local.calls import Call, Dialect, Moment, Session
from deploy.local.days import (
    Authorize,
    Begin,
    Drop,
    End,
    Model,
    Repeat,
    Sample,
    Status,
    Step,
    Visit,
    Wait,
    held,
    visit,
)
from deploy.local.effects import Start
from deploy.local.line import Line
from deploy.local.memory import AVAILABLE, RESERVED, UNAVAILABLE, Memory, Plug
from deploy.local.profiles import Place, limit_w, profile

Meters = MutableMapping[str, int]
Plan = Callable[[Model, Random], Iterator[Visit]]

NO_SHOWS = 0.1
"""Of the sessions that are asked for from afar: nobody plugs in, though the station accepted."""

_DRAWING = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})
_SUSPENDED = Status("SuspendedEVSE")


@dataclass(slots=True)
class Connector:
    """`drive` runs until cancelled; the other methods may be called meanwhile.

    `meters` is kept up to date with the register in Wh under "<station>/<number>".
    """

    plug: Plug
    line: Line
    dialect: Dialect
    memory: Memory
    random: Random
    moment: Callable[[], Moment]
    meters: Meters
    plan: Plan
    no_shows: float = NO_SHOWS
    _disturbed: asyncio.Event = field(default_factory=asyncio.Event)
    _ending: str | None = None  # why the session is to end now
    _wanted: Start | None = None  # a session asked for from afar
    _begun_by: Start | None = None  # what the visit goes back to
    _last_end: Call | None = None
    _told: str = ""  # the status that was sent last
    _operative: bool = True
    _halted: bool = False

    async def drive(self) -> None:
        """One visit after the other; the first one not before the station has booted."""
        await self.line.online.wait()
        for planned in self.plan(self.memory.model, self.random):
            await self._visit(planned)
            while self._wanted is not None:
                self._begun_by, self._wanted = self._wanted, None
                await self._visit(self._called_for(self._begun_by.token))
                self._begun_by = None

    def start(self, wanted: Start) -> None:
        """Begin a session that was asked for from afar, when the connector is free."""
        self._wanted = wanted
        self._disturbed.set()

    def _called_for(self, token: str) -> Visit:
        if self.random.random() < self.no_shows:
            return (Wait(float(settings.value(self.memory, "ConnectionTimeOut"))),)
        asks = settings.is_on(self.memory, "AuthorizeRemoteTxRequests")
        steps = visit(self.memory.model, self.random, token, remote=True)
        return (Authorize(token), *steps) if asks else steps

    def stop(self, reason: str) -> None:
        """End the session, if there is one, at the connector's next chance."""
        if self.plug.session is not None:
            self._ending = reason
            self._disturbed.set()

    def end(self, reason: str) -> None:
        """End the session, if there is one, this very moment."""
        if self.plug.session is not None:
            meter_wh = self.plug.meter_wh
            end = self.dialect.end(self.plug.session, reason, meter_wh, self.moment())
            self.plug.session, self._last_end = None, end
            # A transaction's own profile ends with it (OCPP 1.6 part 2, 3.13.1).
            self.memory.profiles = [
                kept
                for kept in self.memory.profiles
                if (kept.connector, kept.purpose) != (self.plug.number, "TxProfile")
            ]
            self.line.post(end)

    def halt(self, reason: str) -> None:
        """End the session this very moment and the visit with it, as a restart does."""
        if self.plug.session is not None:
            self.end(reason)
            self._halted = True
            self._disturbed.set()

    async def operate(self, *, operative: bool) -> None:
        """Go out of service or come back; while charging, only afterwards."""
        self._operative = operative
        if self.plug.session is None and not operative:
            await self.unreserve("Removed")
        if self.plug.session is None and (not operative or self.plug.status == UNAVAILABLE):
            await self._status(self._rest())

    async def rest(self) -> None:
        """Show that a reservation has come or gone."""
        if self.plug.session is None and self.plug.status in {AVAILABLE, RESERVED}:
            await self._status(self._rest())

    async def unreserve(self, word: str) -> None:
        """End the reservation, if there is one, because it is Expired or Removed."""
        kept, self.plug.reservation = self.plug.reservation, None
        if kept is not None:
            for call in self.dialect.unreserved(kept.id, word):
                await self.line.say(call)
            await self.rest()

    @property
    def stale(self) -> bool:
        """Whether the status has changed since it was told."""
        return self._told != self.dialect.word(self.plug.status)

    async def tell_status(self) -> None:
        """Send the status as it is, news or not."""
        self._told = self.dialect.word(self.plug.status)
        for call in self.dialect.status(self.plug.number, self.plug.status, self.moment()):
            await self.line.say(call)

    async def _visit(self, steps: Visit) -> None:
        self._halted = False
        token = next((step.token for step in steps if isinstance(step, Begin)), "")
        for step in steps:
            if self._halted:
                break
            if self._ending is not None and not isinstance(step, End):
                continue
            if not await self._step(step, token):
                break
            if self._wanted is not None and self.plug.session is None:
                break
        await self._status(self._rest())

    async def _step(self, step: Step, token: str) -> bool:
        """Perform one step of a visit with this token; False when it cannot go on."""
        match step:
            case Wait(seconds):
                await self._wait(seconds)
            case Status():
                if self.plug.session is None and not await self._admits(step, token):
                    return False
                await self._status(self._rest() if step == AVAILABLE else step)
            case Authorize():
                answer = await self.line.say(self.dialect.authorize(token))
                if answer is None:  # cut off, or answered wrongly
                    return local_list.allows(self.memory, token)
                return self.dialect.accepted(answer)
            case Begin():
                self._begin(token)
            case Sample():
                await self._sample(step)
            case End(reason):
                self.end(self._ending or reason)
                self._ending = None
            case Repeat() if self._last_end is not None:
                self.line.post(self._last_end)
            case Drop(seconds):
                self.line.spawn(self.line.lose(seconds))
        return True

    async def _admits(self, status: Status, token: str) -> bool:
        """Whether a free connector may change to this: not out of service or kept for others."""
        if status.word == "Faulted":
            await self.unreserve("Removed")
        away = status.word == "Preparing" and not self.memory.welcome(self.plug, token)
        return self._operative and not away

    async def _wait(self, seconds: float) -> None:
        """Let time pass, unless somebody wants something of this connector."""
        remote = self._wanted is not None and self.plug.session is None
        if remote or self._halted or self._ending is not None:
            return  # it was asked for while something else was done
        self._disturbed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds / self.line.speed):
                await self._disturbed.wait()

    def _begin(self, token: str) -> None:
        plug, moment, asked = self.plug, self.moment(), self._begun_by
        plug.session = Session(
            self.line.station,
            plug.number,
            token,
            moment.at,
            plug.meter_wh,
            phases=self.memory.model.phases,
            remote_id=asked.remote_id if asked else None,
            reservation_id=plug.reservation.id if plug.reservation else None,
        )
        plug.reservation = None
        if asked is not None and asked.profile is not None:
            self.memory.profiles.append(profile(plug.number, asked.profile))
        self._ending = self._wanted = None
        self.line.post(self.dialect.begin(plug.session, moment))

    async def _sample(self, planned: Sample) -> None:
        session, moment, memory = self.plug.session, self.moment(), self.memory
        if session is None:
            return
        place = Place(self.plug.number, memory.model, session.begun_at.timestamp())
        limit = limit_w(memory.profiles, place, moment.at.timestamp())
        sample = held(planned, limit, session.shown)
        session.shown = (planned, sample)
        self.plug.meter_wh = session.meter_start_wh + sample.energy_wh
        self.meters[f"{self.line.station}/{self.plug.number}"] = self.plug.meter_wh
        self.line.post(self.dialect.sample(session, sample, moment))
        if sample.power_w == 0 or self.plug.status == _SUSPENDED:
            await self._status(Status("Charging") if sample.power_w else _SUSPENDED)

    async def _status(self, status: Status) -> None:
        news = self.dialect.word(status) != self.dialect.word(self.plug.status)
        self.plug.status = status
        if self.plug.session is not None and status.word in _DRAWING:
            moment = self.moment()
            for call in self.dialect.charging(self.plug.session, status.word, moment):
                self.line.post(call)
        if news and self.line.online.is_set():
            await self.tell_status()

    def _rest(self) -> Status:
        if not self._operative:
            return UNAVAILABLE
        return AVAILABLE if self.plug.reservation is None else RESERVED
