"""One connector of a simulated station: performs the plan of its days, unless told otherwise."""

import asyncio
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

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
    visit,
)
from deploy.local.line import Line
from deploy.local.memory import AVAILABLE, UNAVAILABLE, Plug

Meters = MutableMapping[str, int]
Plan = Callable[[Model, Random], Iterator[Visit]]


@dataclass(slots=True)
class Connector:
    """`drive` runs until cancelled; the other methods may be called meanwhile.

    `meters` is kept up to date with the register in Wh under "<station>/<number>".
    """

    plug: Plug
    line: Line
    dialect: Dialect
    model: Model
    random: Random
    moment: Callable[[], Moment]
    meters: Meters
    plan: Plan
    _disturbed: asyncio.Event = field(default_factory=asyncio.Event)
    _ending: str | None = None  # why the session is to end now
    _wanted: str | None = None  # token of a session asked for from afar
    _last_end: Call | None = None
    _operative: bool = True
    _halted: bool = False

    async def drive(self) -> None:
        """One visit after the other; the first one not before the station has booted."""
        await self.line.online.wait()
        for planned in self.plan(self.model, self.random):
            await self._visit(planned)
            while self._wanted is not None:
                token, self._wanted = self._wanted, None
                await self._visit(visit(self.model, self.random, token, remote=True))

    def start(self, token: str) -> None:
        """Begin a session that was asked for from afar, when the connector is free."""
        self._wanted = token
        self._disturbed.set()

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
        idle = self.plug.session is None
        if idle and (not operative or self.plug.status == UNAVAILABLE):
            await self._status(self._rest())

    async def tell_status(self) -> None:
        """Send the status as it is, news or not."""
        for call in self.dialect.status(self.plug.number, self.plug.status, self.moment()):
            await self.line.say(call)

    async def _visit(self, steps: Visit) -> None:
        self._halted = False
        for step in steps:
            if self._halted:
                break
            if self._ending is not None and not isinstance(step, End):
                continue
            if not await self._step(step):
                break
            if self._wanted is not None and self.plug.session is None:
                break
        await self._status(self._rest())

    async def _step(self, step: Step) -> bool:
        """Perform one step; False when the visit cannot go on."""
        match step:
            case Wait(seconds):
                await self._wait(seconds)
            case Status():
                if not self._operative and self.plug.session is None:
                    return False
                await self._status(step)
            case Authorize(token):
                answer = await self.line.say(self.dialect.authorize(token))
                # Cut off, or answered wrongly: charging all the same (LocalAuthorizeOffline).
                return answer is None or self.dialect.accepted(answer)
            case Begin(token):
                self._begin(token)
            case Sample():
                self._sample(step)
            case End(reason):
                self.end(self._ending or reason)
                self._ending = None
            case Repeat() if self._last_end is not None:
                self.line.post(self._last_end)
            case Drop(seconds):
                self.line.spawn(self.line.lose(seconds))
        return True

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
        plug, moment = self.plug, self.moment()
        plug.session = Session(
            self.line.station,
            plug.number,
            token,
            moment.at,
            plug.meter_wh,
            phases=self.model.phases,
        )
        self._ending = self._wanted = None
        self.line.post(self.dialect.begin(plug.session, moment))

    def _sample(self, sample: Sample) -> None:
        session = self.plug.session
        if session is None:
            return
        self.plug.meter_wh = session.meter_start_wh + sample.energy_wh
        self.meters[f"{self.line.station}/{self.plug.number}"] = self.plug.meter_wh
        self.line.post(self.dialect.sample(session, sample, self.moment()))

    async def _status(self, status: Status) -> None:
        news = self.dialect.word(status) != self.dialect.word(self.plug.status)
        self.plug.status = status
        if self.plug.session is not None and status.word in {"Charging", "SuspendedEV"}:
            moment = self.moment()
            for call in self.dialect.charging(self.plug.session, status.word, moment):
                self.line.post(call)
        if news and self.line.online.is_set():
            await self.tell_status()

    def _rest(self) -> Status:
        return AVAILABLE if self._operative else UNAVAILABLE
