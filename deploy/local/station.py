"""One simulated charging station: boots, beats, obeys, and keeps books of what it said.

Time is compressed: a duration of the plan passes `speed` times faster, while timestamps are real
(a station takes its clock from BootNotification) and meters advance by the plan.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from urllib.parse import quote

from deploy.local import answers, errands, settings, triggers
from deploy.local.calls import HEARTBEAT, Call, Dialect, Moment, Payload
from deploy.local.connector import NO_SHOWS, Connector, Meters, Plan
from deploy.local.days import MODELS, days
from deploy.local.dialects import Dialect2, Dialect16
from deploy.local.effects import (
    Answer,
    Effect,
    Errand,
    Expire,
    Operate,
    Rest,
    Restart,
    Start,
    Stop,
    Tell,
)
from deploy.local.line import Line, Owner
from deploy.local.link import Books, Hearing
from deploy.local.memory import AVAILABLE, Memory, Plug

SPEED = 60.0
"""A minute of the plan in a second: a whole session in about a minute."""

HEARTBEAT_S = 300.0  # of the plan, where 0 is set
HEARTBEAT_MIN_S = 1.0  # real seconds, however fast the plan passes
BOOKS_MAX = 10_000  # entries that a station keeps when nobody gave it books of its own
RESTART_S = 60.0  # of the plan: how long a reset takes
IDLE_S, IDLE_MAX_S = 10.0, 7200.0  # of the plan: how often, how long a restart waits for idleness


@dataclass(frozen=True, slots=True)
class World:
    """Where a fleet lives. `url` is the gateway's with its path; `meters` outlive a run."""

    url: str
    seed: int
    speed: float = SPEED
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    meters: Meters = field(default_factory=dict)
    plan: Plan = days
    no_shows: float = NO_SHOWS


def version_of(number: int) -> str:
    """1.6 and 2.0.1 by turns, and every sixth station 2.1."""
    if number % 6 == 0:
        return "2.1"
    return "1.6" if number % 2 else "2.0.1"


class Station:
    """One simulated station; `live` runs until cancelled, `farewell` ends its sessions before.

    `books` are what it sent and which answer it got.
    """

    def __init__(self, number: int, world: World, books: Books | None = None) -> None:
        """`number` decides id, version and model; books of its own hold the last BOOKS_MAX."""
        self.id, self.version = f"CW-{number:04d}", version_of(number)
        self.books: Books = deque(maxlen=BOOKS_MAX) if books is None else books
        self._world = world
        old = self.version == "1.6"
        self._dialect: Dialect = Dialect16() if old else Dialect2()
        random = self._random("")
        self.line = Line(
            self.id,
            f"{world.url.rstrip('/')}/{quote(self.id, safe='')}",
            self.version,
            Owner(
                Hearing(self._answer, self._perform),
                self._greet,
                self._dialect.payload,
                self._learn,
            ),
            random,
            self.books,
            world.speed,
        )
        model = MODELS[(number - 1) // 2 % len(MODELS)]
        plugs = {n: self._plug(n, random) for n in range(1, model.connectors + 1)}
        table = settings.OLD if old else settings.NEW
        self.memory = Memory(
            model, f"{number:06d}-{self.id}", plugs, settings.defaults(table, model), world.clock
        )
        self._connectors = {n: self._connector(plug) for n, plug in plugs.items()}
        self._boot_reason: str | None = "PowerUp"
        self._heartbeat = settings.name(self.memory, "HeartbeatInterval")
        self._drivers: list[asyncio.Task[None]] = []

    async def live(self) -> None:
        """Stay connected and serve the connectors. Raises only what is a bug."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.line.live())
            group.create_task(self._beat())
            for connector in self._connectors.values():
                self._drivers.append(group.create_task(connector.drive()))

    async def farewell(self) -> None:
        """End the open sessions and return when their ends are answered."""
        for driver in self._drivers:
            driver.cancel()
        for connector in self._connectors.values():
            connector.end("PowerLoss")
        await self.line.delivered()

    def _random(self, part: str) -> Random:
        return Random(f"{self._world.seed}/{self.id}/{part}")  # noqa: S311 - plans, no secrets

    def _plug(self, number: int, random: Random) -> Plug:
        unknown_wh = random.randrange(900_000)  # drawn in any case: a seed gives the same days
        return Plug(number, meter_wh=self._world.meters.get(f"{self.id}/{number}", unknown_wh))

    def _connector(self, plug: Plug) -> Connector:
        return Connector(
            plug,
            self.line,
            self._dialect,
            self.memory,
            self._random(str(plug.number)),
            self._moment,
            self._world.meters,
            self._world.plan,
            self._world.no_shows,
        )

    def _moment(self) -> Moment:
        return Moment(self._world.clock(), offline=not self.line.online.is_set())

    def _boot(self, reason: str) -> Call:
        known = self.memory
        return self._dialect.boot(known.model, known.firmware, known.serial, reason)

    async def _greet(self) -> None:
        """Boot where there is a reason to; after a mere loss of the connection go straight on."""
        while self._boot_reason is not None:
            answer = await self.line.say(self._boot(self._boot_reason)) or {"status": "Rejected"}
            interval_s = int(answer.get("interval") or 60)
            if answer["status"] == "Accepted":
                self.memory.settings[self._heartbeat] = str(interval_s)
                self._boot_reason = None
            else:
                await self.line.passing(interval_s)
        for call in self._dialect.status(0, AVAILABLE, self._moment()):
            await self.line.say(call)
        told = list(self._connectors.values())
        while told:
            for connector in told:
                await connector.tell_status()
            told = [c for c in self._connectors.values() if c.stale]  # changed in the meantime

    async def _beat(self) -> None:
        """A heartbeat after each interval of silence (OCPP 1.6 part 2, 4.6: any call will do)."""
        clock = asyncio.get_running_loop().time
        while True:
            await self.line.online.wait()
            plan_s = float(self.memory.settings[self._heartbeat]) or HEARTBEAT_S
            interval_s = max(HEARTBEAT_MIN_S, plan_s / self._world.speed)
            silent_s = clock() - self.line.said_at
            if silent_s < interval_s:
                await asyncio.sleep(interval_s - silent_s)
            elif await self.line.say(HEARTBEAT) is None:
                await asyncio.sleep(HEARTBEAT_MIN_S)  # cut off, or not understood

    def _answer(self, action: str, payload: Payload) -> Answer:
        return answers.answer(self.version, action, payload, self.memory)

    def _learn(self, call: Call, answer: Payload) -> None:
        """What the answer to a call of a transaction changes."""
        if (session := call.session) is None:
            return
        session.transaction_id = answer.get("transactionId", session.transaction_id)
        current = self.memory.plugs[session.connector].session is session
        if current and not self._dialect.accepted(answer):
            self._connectors[session.connector].stop("DeAuthorized")

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Restart():
                self.line.spawn(self._restart(effect))
            case Start(number):
                self._connectors[number].start(effect)
            case Stop(number, reason):
                self._connectors[number].stop(reason)
            case Tell(what, number):
                self.line.spawn(self._tell(what, number))
            case Operate(numbers, operative):
                for number in numbers:
                    self.line.spawn(self._connectors[number].operate(operative=operative))
            case Rest(number):
                self.line.spawn(self._connectors[number].rest())
            case Expire():
                self.line.spawn(self._expire(effect))
            case Errand():
                errands.begin(effect, self.memory)
                self.line.spawn(errands.perform(effect, self.line, self.memory, self._restart))

    async def _restart(self, how: Restart) -> None:
        """A soft reset waits for its last calls; after a hard one they come with the next boot."""
        if how.manner == "OnIdle":
            await self._idle()
        for connector in self._connectors.values():
            connector.halt("HardReset" if how.manner == "Hard" else "SoftReset")
        self._boot_reason = how.reason
        if how.manner != "Hard":
            with suppress(TimeoutError):
                async with asyncio.timeout(RESTART_S / self._world.speed):
                    await self.line.delivered()
        await self.line.lose(RESTART_S)

    async def _idle(self) -> None:
        """Wait until nobody charges, but not for ever."""
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_MAX_S / self._world.speed):
                while any(self.memory.sessions()):
                    await self.line.passing(IDLE_S)

    async def _expire(self, effect: Expire) -> None:
        """Real time: the moment at which a reservation lapses is on the station's clock."""
        await asyncio.sleep((effect.reservation.until - self._world.clock()).total_seconds())
        connector = self._connectors[effect.connector]
        if connector.plug.reservation is effect.reservation:
            await connector.unreserve("Expired")

    async def _tell(self, what: str, number: int | None) -> None:
        """What a TriggerMessage asked for; without a number, of every connector."""
        chosen = self._connectors if number is None else {number: self._connectors[number]}
        for connector in chosen.values() if what == "StatusNotification" else ():
            await connector.tell_status()
        if what == "BootNotification":
            await self.line.say(self._boot("Triggered"))
        plugs = [connector.plug for connector in chosen.values()]
        for call in triggers.news(what, plugs, self.memory, self._dialect, self._moment()):
            await self.line.say(call)
