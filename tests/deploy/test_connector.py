"""One connector of a simulated station, on a line that only writes down what is said."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise, repeat
from random import Random
from typing import Any, cast

import pytest

from deploy.local import settings
from deploy.local.calls import Call, Moment, Payload
from deploy.local.connector import Connector, Plan
from deploy.local.days import MODELS, Model, Visit, visit
from deploy.local.dialects import Dialect16
from deploy.local.effects import Start
from deploy.local.line import Line
from deploy.local.memory import Listed, Memory, Plug, Reservation


class Notebook:
    """As much of a line as a connector needs: always online, every call accepted."""

    station = "CW-0001"

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.online = asyncio.Event()
        self.online.set()
        self.calls: list[Call] = []
        self.lost: list[float] = []
        self.silent = False
        self._news = asyncio.Condition()

    async def say(self, call: Call) -> Payload | None:
        await self._note(call)
        return None if self.silent else {}

    def post(self, call: Call) -> None:
        self.calls.append(call)

    def spawn(self, errand: Any) -> None:
        errand.close()

    async def lose(self, seconds: float) -> None:
        self.lost.append(seconds)

    async def _note(self, call: Call) -> None:
        self.calls.append(call)
        async with self._news:
            self._news.notify_all()

    async def until_said(self, word: str) -> None:
        """Wait for a status with this word."""
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: word in self.words())

    def words(self) -> list[str]:
        return [c.payload["status"] for c in self.calls if c.action == "StatusNotification"]

    def of(self, action: str) -> list[Payload]:
        return [call.payload for call in self.calls if call.action == action]


def one_visit(trouble: str = "") -> Plan:
    return lambda model, random: iter([visit(model, random, "TOKEN-0001", trouble=trouble)])


def nobody(model: Model, random: Random) -> Iterator[Visit]:
    """Only waiting, for ever."""
    return (visit(model, random, "TOKEN-0001")[:1] for _ in repeat(None))


@asynccontextmanager
async def driven(
    plan: Plan, speed: float, no_shows: float = 0.0
) -> AsyncIterator[tuple[Connector, Notebook]]:
    line = Notebook(speed)
    plug = Plug(1, meter_wh=500)
    connector = Connector(
        plug,
        cast(Line, line),
        Dialect16(),
        Memory(MODELS[0], "1", {1: plug}, settings.defaults(settings.OLD, MODELS[0])),
        Random(1),
        lambda: Moment(datetime(2026, 1, 1, tzinfo=UTC)),
        {},
        plan,
        no_shows,
    )
    driving = asyncio.create_task(connector.drive())
    yield connector, line
    driving.cancel()
    await asyncio.wait({driving})


async def test_a_fault_within_a_session_ends_it_and_is_recovered_from() -> None:
    """EmergencyStop, Faulted with its error code, Available again."""
    async with driven(one_visit("fault in session"), 50_000) as (_, line):
        await line.until_said("Faulted")
        await line.until_said("Available")
    assert line.of("StopTransaction")[0]["reason"] == "EmergencyStop"
    faulted = next(p for p in line.of("StatusNotification") if p["status"] == "Faulted")
    assert faulted["errorCode"] != "NoError"
    assert line.words()[-2:] == ["Faulted", "Available"]


async def test_out_of_service_while_charging_means_afterwards() -> None:
    """The session ends as planned, then the connector is Unavailable; it can come back."""
    async with driven(one_visit(), 5000) as (connector, line):
        await line.until_said("Charging")
        await connector.operate(operative=False)
        assert "Unavailable" not in line.words()
        await line.until_said("Unavailable")
        assert len(line.of("StopTransaction")) == 1
        await connector.operate(operative=True)
        assert line.words()[-1] == "Available"


async def test_nobody_charges_where_it_is_out_of_service() -> None:
    """The visit ends before a plug is in."""
    async with driven(one_visit(), 50_000) as (connector, line):
        await connector.operate(operative=False)
        await asyncio.wait({asyncio.create_task(connector.drive())}, timeout=5)
    assert line.words() == ["Unavailable"]


async def test_a_session_asked_for_from_afar_begins_at_once() -> None:
    """It does not wait for the next car; a stop from afar ends it with that reason."""
    async with driven(nobody, 100) as (connector, line):
        connector.start(Start(1, "GUEST"))
        await line.until_said("Charging")
        assert line.of("StartTransaction")[0]["idTag"] == "GUEST"
        connector.stop("Remote")
        await line.until_said("Available")
    assert [stop["reason"] for stop in line.of("StopTransaction")] == ["Remote"]


async def test_a_halt_ends_session_and_visit_this_moment() -> None:
    """As before a restart: no sample after the end, one end only."""
    async with driven(one_visit(), 1000) as (connector, line):
        await line.until_said("Charging")
        connector.halt("HardReset")
        at = len(line.calls)
        await line.until_said("Available")
    assert [stop["reason"] for stop in line.of("StopTransaction")] == ["HardReset"]
    assert {call.action for call in line.calls[at:]} == {"StatusNotification"}


async def test_sometimes_nobody_plugs_in() -> None:
    """A start from afar that was accepted is no session yet; the next car has its turn."""

    def plan(model: Model, random: Random) -> Iterator[Visit]:
        car = visit(model, random, "TOKEN-0001")
        return iter([car[:1], car])

    async with driven(plan, 5000, no_shows=1.0) as (connector, line):
        connector.start(Start(1, "GUEST"))
        await line.until_said("Charging")
    assert [start["idTag"] for start in line.of("StartTransaction")] == ["TOKEN-0001"]


async def test_a_start_from_afar_asks_first_where_it_is_told_to() -> None:
    """AuthorizeRemoteTxRequests (OCPP 1.6 part 2, 5.11)."""
    async with driven(nobody, 5000) as (connector, line):
        connector.memory.settings["AuthorizeRemoteTxRequests"] = "true"
        connector.start(Start(1, "GUEST"))
        await line.until_said("Charging")
    assert line.of("Authorize") == [{"idTag": "GUEST"}]


async def test_a_profile_bends_the_power_of_the_session_and_ends_with_it() -> None:
    """Energy and power go with the limit; nothing at all means suspended by the station."""
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 0}]}
    stop = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    }
    async with driven(nobody, 5000) as (connector, line):
        connector.start(Start(1, "GUEST", profile=stop))
        await line.until_said("SuspendedEVSE")
        meter_wh = connector.plug.meter_wh
        assert meter_wh == 500
        connector.memory.profiles[0] = replace(connector.memory.profiles[0], periods=((0, 1000),))
        await line.until_said("Finishing")
        assert connector.memory.profiles == []
    values = [values["meterValue"][0]["sampledValue"] for values in line.of("MeterValues")]
    powers = [float(sampled[1]["value"]) for sampled in values]
    assert powers[0] == 0.0
    assert max(powers) == 1000.0
    # Both limits were real: at 1 kW, 300 s give a twelfth of a kilowatt hour.
    energies = [float(sampled[0]["value"]) for sampled in values]
    gains = [b - a for a, b in pairwise(energies)]
    assert max(gains) <= 84
    assert "Charging" in line.words()[line.words().index("SuspendedEVSE") :]


async def test_a_reserved_connector_is_for_its_token_only() -> None:
    """Others go away; who has reserved uses it up."""
    kept = Reservation(8, "SOMEBODY", None, datetime(2027, 1, 1, tzinfo=UTC))
    async with driven(one_visit(), 50_000) as (connector, line):
        connector.plug.reservation = kept
        await line.until_said("Reserved")
        assert line.words() == ["Reserved"]
    async with driven(one_visit(), 50_000) as (connector, line):
        connector.plug.reservation = replace(kept, token="token-0001")
        await line.until_said("Finishing")
        assert connector.plug.reservation is None
    assert line.of("StartTransaction")[0]["reservationId"] == 8


@pytest.mark.parametrize("trouble", ["fault", ""])
async def test_a_reservation_ends_with_what_it_was_for(trouble: str) -> None:
    """A fault, or going out of service."""
    kept = Reservation(8, "TOKEN-0001", None, datetime(2027, 1, 1, tzinfo=UTC))
    async with driven(one_visit(trouble), 20_000) as (connector, line):
        connector.plug.reservation = kept
        await connector.rest()
        if not trouble:
            await connector.operate(operative=False)
        await line.until_said("Faulted" if trouble else "Unavailable")
        assert connector.plug.reservation is None


async def test_the_local_list_decides_while_nobody_answers() -> None:
    """Who is listed as blocked does not charge."""
    async with driven(one_visit(), 50_000) as (connector, line):
        connector.memory.tokens["token-0001"] = Listed("TOKEN-0001", "Blocked", None)
        line.silent = True
        await line.until_said("Preparing")
        await line.until_said("Available")
    assert line.of("StartTransaction") == []
