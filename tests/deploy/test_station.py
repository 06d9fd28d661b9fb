"""A simulated station, against a small central system over a real socket."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import repeat
from random import Random
from typing import Any

import pytest

from deploy.local.days import TOKENS, Model, Visit, visit
from deploy.local.link import Books
from deploy.local.station import Station, World, version_of
from tests.deploy.central import Central, central
from tests.deploy.timeless import clock

pytestmark = pytest.mark.slow  # it opens ports

OLD, NEW, NEWEST = 1, 2, 6  # station numbers that speak 1.6, 2.0.1 and 2.1
FAST = 20_000.0


def plan(trouble: str = "") -> Callable[[Model, Random], Iterator[Visit]]:
    """The same kind of visit for ever."""
    return lambda model, random: (
        visit(model, random, TOKENS[0], trouble=trouble) for _ in repeat(None)
    )


def idle(model: Model, random: Random) -> Iterator[Visit]:
    """A day on which nobody comes by himself."""
    return (visit(model, random, TOKENS[0])[:1] for _ in repeat(None))


def world(system: Central, seed: int, speed: float, **more: Any) -> World:
    """Where stations live by the clock of the loop."""
    return World(system.url, seed, speed, **({"clock": clock} | more))


@asynccontextmanager
async def living(station: Station) -> AsyncIterator[None]:
    """The station's life, which must not fail meanwhile."""
    life = asyncio.create_task(station.live())
    try:
        yield
        assert not life.done(), life.exception()
    finally:
        life.cancel()
        await asyncio.wait({life})


@pytest.fixture
async def system() -> AsyncIterator[Central]:
    async with central() as system:
        yield system


def ended(system: Central, count: int = 1) -> bool:
    """Whether so many sessions have come to their end, in any version."""
    new = [p for p in system.of("TransactionEvent") if p["eventType"] == "Ended"]
    return len(system.of("StopTransaction")) + len(new) >= count


def words(system: Central) -> list[str]:
    """The states that connector 1 has reported, one after the other."""
    told = [p for p in system.of("StatusNotification") if p.get("evseId", p["connectorId"]) == 1]
    return [p.get("connectorStatus") or p["status"] for p in told]


def test_stations_speak_all_versions_by_turns() -> None:
    """The first six stations hold all three."""
    assert [version_of(n) for n in range(1, 7)] == ["1.6", "2.0.1", "1.6", "2.0.1", "1.6", "2.1"]


async def test_a_whole_session_in_1_6(system: Central) -> None:
    """Boot, status, authorize, start, rising meter, stop, free again; ids as answered."""
    books: Books = []
    station = Station(OLD, world(system, 3, FAST, plan=plan()), books)
    async with living(station):
        await system.until(lambda: system.of("StopTransaction"))
        await system.until(lambda: words(system)[-1] == "Available")
    assert system.handshakes == ["/ocpp/CW-0001"]
    seen = [action for action in system.actions() if action != "Heartbeat"]
    assert seen[:3] == ["BootNotification", "StatusNotification", "StatusNotification"]
    assert seen.index("Authorize") < seen.index("StartTransaction") < seen.index("MeterValues")
    assert seen.index("MeterValues") < seen.index("StopTransaction")
    (start, *_), (stop, *_) = system.of("StartTransaction"), system.of("StopTransaction")
    values = [f[3] for f in system.until_first("StopTransaction") if f[2] == "MeterValues"]
    registers = [int(value["meterValue"][0]["sampledValue"][0]["value"]) for value in values]
    assert start["idTag"] == "TOKEN-0001"
    assert start["meterStart"] < registers[0]
    assert registers == sorted(set(registers))
    assert stop["meterStop"] == registers[-1]
    assert {p["transactionId"] for p in [stop, *values]} == {4711}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", start["timestamp"])
    assert words(system)[:3] == ["Available", "Preparing", "Charging"]
    assert words(system)[-2:] == ["Finishing", "Available"]
    assert [entry.message_id for entry in books][: len(system.calls)] == [
        frame[1] for frame in system.calls
    ]
    assert all(entry.answer == [3, entry.message_id, entry.answer[2]] for entry in books[:5])


@pytest.mark.parametrize("number", [NEW, NEWEST])
async def test_a_whole_session_in_2_x(system: Central, number: int) -> None:
    """One transaction id, numbers without a gap, a meter that rises, an end with its reason."""
    station = Station(number, world(system, 3, FAST, plan=plan()))
    async with living(station):
        await system.until(lambda: ended(system))
        await system.until(lambda: words(system)[-1] == "Available")
    events = system.of("TransactionEvent")
    first = events[0]["transactionInfo"]["transactionId"]
    events = [event for event in events if event["transactionInfo"]["transactionId"] == first]
    assert system.calls[0][3]["reason"] == "PowerUp"
    assert [event["seqNo"] for event in events] == list(range(len(events)))
    kinds = [event["eventType"] for event in events]
    assert kinds == ["Started", *["Updated"] * (len(kinds) - 2), "Ended"]
    registers = [event["meterValue"][0]["sampledValue"][0]["value"] for event in events[2:-1:]]
    assert registers == sorted(registers)
    assert events[-1]["meterValue"][0]["sampledValue"][0]["value"] == registers[-1]
    assert events[-1]["transactionInfo"]["stoppedReason"] in {"Local", "EVDisconnected"}
    assert not any(event.get("offline") for event in events)
    assert words(system)[:3] == ["Available", "Occupied", "Available"]


@pytest.mark.parametrize("number", [OLD, NEW])
async def test_what_happens_while_cut_off_comes_later_and_in_order(
    system: Central, number: int
) -> None:
    """No second boot, old timestamps, the answer to the Start still reaches the Stop."""
    station = Station(number, world(system, 5, FAST, plan=plan("offline")))
    async with living(station):
        await system.until(lambda: ended(system))
    assert len(system.handshakes) >= 2
    assert len(system.of("BootNotification")) == 1
    begin = "StartTransaction" if number == OLD else "TransactionEvent"
    at = system.actions().index(begin)
    assert "StatusNotification" in system.actions()[at - 3 : at]
    queued = [f[3] for f in system.calls[at:] if f[2] in {begin, "MeterValues", "StopTransaction"}]
    if number == OLD:
        assert queued[0]["timestamp"] < queued[1]["meterValue"][0]["timestamp"]
        assert system.of("StopTransaction")[0]["transactionId"] == 4711
    else:
        assert [event["seqNo"] for event in queued[:4]] == [0, 1, 2, 3]
        assert queued[0]["offline"] is True


async def test_a_lost_connection_costs_a_queued_call_no_attempt(system: Central) -> None:
    """The socket ends five times under the same StartTransaction, which is still delivered."""
    losses = iter(range(5))

    def reply(frame: list[Any]) -> list[Any] | None:
        if frame[2] == "StartTransaction" and next(losses, None) is not None:
            for socket in system.sockets:
                socket.transport.abort()
            return []
        return None

    system.reply = reply
    station = Station(OLD, world(system, 3, FAST, plan=plan()), [])
    station.line.pause = lambda *_: 0.0
    async with living(station):
        await system.until(lambda: ended(system))
    starts = system.of("StartTransaction")
    assert starts[:6] == [starts[0]] * 6
    assert station.line.abandoned == 0
    answered = [entry.answer is not None for entry in station.books if "Start" in entry.action]
    assert answered[:6] == [False] * 5 + [True]


async def test_wrong_answers_use_up_three_attempts(system: Central) -> None:
    """A CALLERROR, a broken payload and another CALLERROR: then the next call has its turn."""
    answers: Iterator[Callable[[str], list[Any]]] = iter(
        [
            lambda name: [4, name, "InternalError", "", {}],
            lambda name: [3, name, {"surprise": True}],
            lambda name: [4, name, "Nonsense", "", {}],
        ]
    )

    def reply(frame: list[Any]) -> list[Any] | None:
        wrong = next(answers, None) if frame[2] == "StartTransaction" else None
        return wrong(frame[1]) if wrong else None

    system.reply = reply
    station = Station(OLD, world(system, 3, FAST, plan=plan()))
    async with living(station):
        await system.until(lambda: system.of("MeterValues"))
    assert len(system.of("StartTransaction")) == 3
    assert station.line.abandoned == 1
    assert system.of("MeterValues")[0]["transactionId"] == -1


async def test_a_stop_is_repeated_with_a_new_message_id(system: Central) -> None:
    """As a station does that has lost the answer: same content, another id."""
    station = Station(OLD, world(system, 3, FAST, plan=plan("repeat")))
    async with living(station):
        await system.until(lambda: ended(system, 2))
    first, second = [frame for frame in system.calls if frame[2] == "StopTransaction"][:2]
    assert first[3] == second[3]
    assert first[1] != second[1]


@pytest.mark.parametrize("number", [OLD, NEW])
async def test_a_refused_token_charges_nothing(system: Central, number: int) -> None:
    """Blocked at Authorize: no session, and the connector is free again."""

    def reply(frame: list[Any]) -> list[Any] | None:
        if frame[2] == "Authorize":
            key = "idTagInfo" if number == OLD else "idTokenInfo"
            return [3, frame[1], {key: {"status": "Blocked"}}]
        return None

    system.reply = reply
    station = Station(number, world(system, 3, FAST, plan=plan()))
    async with living(station):
        await system.until(lambda: len(system.of("Authorize")) > 1)
    assert not {"StartTransaction", "TransactionEvent"} & set(system.actions())
    assert words(system)[1] in {"Preparing", "Occupied"}
    assert words(system)[2] == "Available"


async def test_a_session_refused_at_its_start_is_stopped(system: Central) -> None:
    """DeAuthorized is the reason."""
    info = {"idTagInfo": {"status": "Invalid"}, "transactionId": 9}
    system.reply = lambda f: [3, f[1], info] if f[2] == "StartTransaction" else None
    station = Station(OLD, world(system, 3, 3000, plan=plan()))
    async with living(station):
        await system.until(lambda: ended(system))
    assert system.of("StopTransaction")[0]["reason"] == "DeAuthorized"


async def test_a_pending_station_boots_again_and_says_nothing_else(system: Central) -> None:
    """OCPP 1.6 part 2, 4.2: nothing before the registration is accepted."""
    pending = iter(range(3))

    def reply(frame: list[Any]) -> list[Any] | None:
        if frame[2] == "BootNotification" and next(pending, None) is not None:
            now = "2026-01-01T00:00:00.000Z"
            return [3, frame[1], {"status": "Pending", "currentTime": now, "interval": 60}]
        return None

    system.reply = reply
    async with living(Station(OLD, world(system, 3, FAST, plan=plan()))):
        await system.until(lambda: system.of("StatusNotification"))
    assert system.actions()[:4] == ["BootNotification"] * 4


async def test_a_busy_gateway_is_given_the_time_it_asks_for(system: Central) -> None:
    """503 with Retry-After 1: the next handshake comes later than that."""
    system.refuse.append((503, {"Retry-After": "1"}))
    loop = asyncio.get_running_loop()
    async with living(Station(OLD, world(system, 3, FAST, plan=plan()))):
        await system.until(lambda: system.handshakes)
        refused_at = loop.time()
        await system.until(lambda: system.of("BootNotification"))
    assert len(system.handshakes) == 2
    assert loop.time() - refused_at >= 1.0


async def test_a_station_that_is_connected_has_no_trouble(system: Central) -> None:
    """What it was refused for is forgotten with the next connection."""
    system.refuse.append((503, {}))
    station, troubles = Station(OLD, world(system, 3, FAST)), []

    def pause(*_: object) -> float:
        troubles.append(station.line.trouble)
        return 0.1

    station.line.pause = pause
    async with living(station):
        await system.until(lambda: system.of("BootNotification"))
        assert not station.line.trouble
    assert "HTTP 503" in troubles[0]


async def test_a_silent_station_beats_at_the_interval_of_its_boot(system: Central) -> None:
    """300 s of the plan at 300 times the speed: one second after the last call."""
    loop, told = asyncio.get_running_loop(), []
    system.reply = lambda frame: told.append((frame[2], loop.time()))
    async with living(Station(OLD, world(system, 3, 300, plan=lambda *_: iter(())))):
        await system.until(lambda: len(system.of("Heartbeat")) == 2)
    (last, at), (first, then), (_, later) = told[-3:]
    assert (last, first) == ("StatusNotification", "Heartbeat")
    assert (then - at, later - then) == pytest.approx((1.0, 1.0))


async def test_the_same_seed_says_the_same(system: Central) -> None:
    """Ids, tokens and meters are the same again; only clocks differ."""

    def shown(station: Station) -> list[object]:
        entries = [e for e in station.books if e.action in {"Authorize", "StartTransaction"}]
        return [(e.action, e.payload.get("idTag"), e.payload.get("meterStart")) for e in entries]

    runs = []
    for seed in (11, 11, 12):
        before = len(system.of("StartTransaction"))
        station = Station(OLD, world(system, seed, FAST), [])
        async with living(station):
            await system.until(lambda n=before: len(system.of("StartTransaction")) > n)
        runs.append((station.books[0].message_id, shown(station)[:2]))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize("number", [OLD, NEW, NEWEST])
async def test_a_session_is_started_and_stopped_from_afar(system: Central, number: int) -> None:
    """The token of the request, no Authorize, and Remote as the reason."""
    old = number == OLD
    station = Station(number, world(system, 3, 600, plan=idle, no_shows=0.0))
    async with living(station):
        await system.until(lambda: len(system.of("StatusNotification")) >= (2 if old else 1))
        if old:
            reply = await system.call("RemoteStartTransaction", {"idTag": "GUEST"})
        else:
            token = {"idToken": "GUEST", "type": "Central"}
            payload = {"idToken": token, "remoteStartId": 7}
            reply = await system.call("RequestStartTransaction", payload)
        assert reply[2] == {"status": "Accepted"}
        if old:
            await system.until(lambda: system.of("MeterValues"))
            reply = await system.call("RemoteStopTransaction", {"transactionId": 4711})
        else:
            await system.until(lambda: len(system.of("TransactionEvent")) > 2)
            named = system.of("TransactionEvent")[0]["transactionInfo"]["transactionId"]
            reply = await system.call("RequestStopTransaction", {"transactionId": named})
        assert reply[2] == {"status": "Accepted"}
        await system.until(lambda: ended(system))
    assert "Authorize" not in system.actions()
    if old:
        assert system.of("StartTransaction")[0]["idTag"] == "GUEST"
        assert system.of("StopTransaction")[0]["reason"] == "Remote"
    else:
        events = system.of("TransactionEvent")
        assert events[0]["idToken"]["idToken"] == "GUEST"
        assert events[0]["transactionInfo"]["remoteStartId"] == 7
        assert events[0]["triggerReason"] == "RemoteStart"
        assert events[-1]["transactionInfo"]["stoppedReason"] == "Remote"


@pytest.mark.parametrize(("number", "kind"), [(OLD, "Soft"), (NEW, "Immediate"), (OLD, "Hard")])
async def test_a_reset_ends_the_session_and_boots_again(
    system: Central, number: int, kind: str
) -> None:
    """Answered first; the next connection begins with a boot and loses no end of a session."""
    station = Station(number, world(system, 3, 3000, plan=plan()))
    async with living(station):
        await system.until(lambda: {"MeterValues", "TransactionEvent"} & set(system.actions()))
        assert (await system.call("Reset", {"type": kind}))[2] == {"status": "Accepted"}
        await system.until(lambda: len(system.of("BootNotification")) == 2 and ended(system))
    assert len(system.handshakes) == 2
    if number == OLD:
        assert system.of("StopTransaction")[0]["reason"] == f"{kind}Reset"
    else:
        assert system.of("BootNotification")[1]["reason"] == "RemoteReset"


async def test_a_station_answers_what_it_is_asked(system: Central) -> None:
    """Settings, local list, availability, trigger; NotImplemented for what it does not know."""
    station = Station(NEWEST, world(system, 3, FAST, plan=idle))
    component = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    async with living(station):
        await system.until(lambda: len(system.of("StatusNotification")) == 2)
        reply = await system.call("GetVariables", {"getVariableData": [component]})
        assert reply[2]["getVariableResult"][0]["attributeValue"] == "300"
        change = {"setVariableData": [component | {"attributeValue": "900"}]}
        reply = await system.call("SetVariables", change)
        assert reply[2]["setVariableResult"][0]["attributeStatus"] == "Accepted"
        reply = await system.call("GetVariables", {"getVariableData": [component]})
        assert reply[2]["getVariableResult"][0]["attributeValue"] == "900"
        await system.call("SendLocalList", {"versionNumber": 5, "updateType": "Full"})
        assert (await system.call("GetLocalListVersion", {}))[2] == {"versionNumber": 5}
        payload = {"operationalStatus": "Inoperative"}
        assert (await system.call("ChangeAvailability", payload))[2] == {"status": "Accepted"}
        await system.until(lambda: words(system)[-1] == "Unavailable")
        await system.call("TriggerMessage", {"requestedMessage": "MeterValues"})
        await system.until(lambda: system.of("MeterValues"))
        reply = await system.call("CustomerInformation", {"requestId": 1})
        assert (reply[0], reply[2]) == (4, "ProtocolError")  # the call itself is incomplete
        reply = await system.call("GetConfiguration", {})
        assert (reply[0], reply[2]) == (4, "NotImplemented")  # it is of another version


async def test_old_stations_answer_what_they_are_asked(system: Central) -> None:
    """The same for OCPP 1.6."""
    station = Station(OLD, world(system, 3, FAST, plan=idle))
    async with living(station):
        await system.until(lambda: len(system.of("StatusNotification")) == 2)
        asked = {"key": ["HeartbeatInterval", "Colour"]}
        reply = await system.call("GetConfiguration", asked)
        assert reply[2]["configurationKey"][0]["value"] == "300"
        assert reply[2]["unknownKey"] == ["Colour"]
        change = {"key": "HeartbeatInterval", "value": "60"}
        assert (await system.call("ChangeConfiguration", change))[2] == {"status": "Accepted"}
        assert station.memory.settings["HeartbeatInterval"] == "60"
        assert (await system.call("UnlockConnector", {"connectorId": 9}))[2] == {
            "status": "NotSupported"
        }
        for what in ("BootNotification", "Heartbeat", "StatusNotification"):
            before = len(system.of(what))
            await system.call("TriggerMessage", {"requestedMessage": what})
            await system.until(lambda w=what, n=before: len(system.of(w)) > n)
        late = {"connectorId": 1, "expiryDate": "soon", "idTag": "T", "reservationId": 1}
        reply = await system.call("ReserveNow", late)
        assert (reply[0], reply[2]) == (4, "PropertyConstraintViolation")


FILE = "http://files.example/fw-9.1.bin"


def said(system: Central, action: str) -> list[str]:
    """The status words of one kind of news."""
    return [payload["status"] for payload in system.of(action)]


async def test_firmware_is_fetched_installed_and_booted_in_1_6(system: Central) -> None:
    """The answer says nothing; the news says all, and the next boot has the new version."""
    station = Station(OLD, world(system, 3, FAST, plan=idle))
    async with living(station):
        await system.until(lambda: len(system.of("StatusNotification")) == 2)
        payload = {"location": FILE, "retrieveDate": "2026-01-01T00:00:00Z"}
        assert (await system.call("UpdateFirmware", payload))[2] == {}
        news = "FirmwareStatusNotification"
        await system.until(lambda: said(system, news)[-1:] == ["Installed"])
        payload["location"] = "nowhere"
        await system.call("UpdateFirmware", payload)
        await system.until(lambda: said(system, news)[-1] == "DownloadFailed")
    boots = [boot["firmwareVersion"] for boot in system.of("BootNotification")]
    assert boots == ["1.4.2", "fw-9.1"]
    last_boot = len(system.actions()) - system.actions()[::-1].index("BootNotification")
    assert said(system, news)[:3] == ["Downloading", "Downloaded", "Installing"]
    assert next(f[3]["status"] for f in system.calls[last_boot:] if f[2] == news) == "Installed"


@pytest.mark.parametrize("number", [OLD, NEW, NEWEST])
async def test_signed_firmware_tells_more_and_a_second_one_ends_the_first(
    system: Central, number: int
) -> None:
    """With the id of what it belongs to; nothing more of the first is heard."""
    old = number == OLD
    news = "SignedFirmwareStatusNotification" if old else "FirmwareStatusNotification"
    firmware = {
        "location": FILE,
        "retrieveDateTime": "2026-01-01T00:00:00Z",
        "signingCertificate": "-----BEGIN CERTIFICATE-----",
        "signature": "c2ln",
    }
    action = "SignedUpdateFirmware" if old else "UpdateFirmware"
    station = Station(number, world(system, 3, 1000, plan=idle))
    async with living(station):
        await system.until(lambda: len(system.of("StatusNotification")) >= 1)
        reply = await system.call(action, {"requestId": 1, "firmware": firmware})
        assert reply[2] == {"status": "Accepted"}
        await system.until(lambda: said(system, news))
        what = {"requestedMessage": "FirmwareStatusNotification"}
        await system.call("ExtendedTriggerMessage" if old else "TriggerMessage", what)
        await system.until(lambda: said(system, news) == ["Downloading"] * 2)
        reply = await system.call(action, {"requestId": 2, "firmware": firmware})
        assert reply[2] == {"status": "AcceptedCanceled"}
        await system.until(lambda: said(system, news)[-1] == "Installed")
    assert [payload["requestId"] for payload in system.of(news)] == [1, 1] + [2] * 6
    assert said(system, news)[2:] == [
        *("Downloading", "Downloaded", "SignatureVerified"),
        *("Installing", "InstallRebooting", "Installed"),
    ]
    if not old:
        assert system.of("BootNotification")[1]["reason"] == "FirmwareUpdate"


async def test_a_log_is_sent_off(system: Central) -> None:
    """Under the name that was answered; where there is no such place, it fails."""
    async with living(Station(NEW, world(system, 3, FAST, plan=idle))):
        await system.until(lambda: len(system.of("StatusNotification")) >= 1)
        for number, place in ((1, "ftp://files.example/logs"), (2, "somewhere")):
            log = {"remoteLocation": place}
            payload = {"log": log, "logType": "SecurityLog", "requestId": number}
            reply = await system.call("GetLog", payload)
            assert reply[2]["filename"].endswith(".log")
            await system.until(lambda n=number: len(said(system, "LogStatusNotification")) == 2 * n)
    ends = ["Uploading", "Uploaded", "Uploading", "UploadFailure"]
    assert said(system, "LogStatusNotification") == ends


@pytest.mark.parametrize("number", [OLD, NEW])
async def test_a_reservation_is_shown_used_and_lapses(system: Central, number: int) -> None:
    """Reserved; a start with its token names it; the next one lapses by the station's clock."""
    old = number == OLD
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    lived = world(system, 3, 3000, clock=lambda: now[0], plan=idle, no_shows=0.0)

    def wanted(reservation: int, until: datetime) -> dict[str, Any]:
        if old:
            names = {"reservationId": reservation, "idTag": "GUEST", "connectorId": 1}
            return names | {"expiryDate": until.isoformat()}
        token = {"idToken": "GUEST", "type": "Central"}
        names = {"id": reservation, "idToken": token, "evseId": 1}
        return names | {"expiryDateTime": until.isoformat()}

    start = {"idTag": "guest", "connectorId": 1}
    if not old:
        token = {"idToken": "guest", "type": "Central"}
        start = {"idToken": token, "evseId": 1, "remoteStartId": 4}
    async with living(Station(number, lived)):
        await system.until(lambda: words(system) == ["Available"])
        hour = now[0] + timedelta(hours=1)
        assert (await system.call("ReserveNow", wanted(5, hour)))[2] == {"status": "Accepted"}
        await system.until(lambda: words(system)[-1] == "Reserved")
        assert (await system.call("ReserveNow", wanted(6, hour)))[2] == {"status": "Occupied"}
        action = "RemoteStartTransaction" if old else "RequestStartTransaction"
        assert (await system.call(action, start))[2] == {"status": "Accepted"}
        await system.until(lambda: ended(system) and words(system)[-1] == "Available")
        soon = now[0] + timedelta(seconds=0.2)
        assert (await system.call("ReserveNow", wanted(7, soon)))[2] == {"status": "Accepted"}
        await system.until(lambda: words(system)[-2:] == ["Reserved", "Available"])
        assert (await system.call("ReserveNow", wanted(8, hour)))[2] == {"status": "Accepted"}
        reply = await system.call("CancelReservation", {"reservationId": 8})
        assert reply[2] == {"status": "Accepted"}
        reply = await system.call("CancelReservation", {"reservationId": 8})
        assert reply[2] == {"status": "Rejected"}
    if old:
        assert system.of("StartTransaction")[0]["reservationId"] == 5
    else:
        assert system.of("TransactionEvent")[0]["reservationId"] == 5
        told = {"reservationId": 7, "reservationUpdateStatus": "Expired"}
        assert system.of("ReservationStatusUpdate") == [told]


async def test_what_a_station_was_told_outlives_its_resets(system: Central) -> None:
    """Settings, local list, profiles and reservations; the reset ends only sessions."""
    station = Station(OLD, world(system, 3, FAST, plan=idle))
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8}]}
    default = {
        "chargingProfileId": 3,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    }
    until = "2999-01-01T00:00:00Z"
    reserved = {"connectorId": 0, "expiryDate": until, "idTag": "T", "reservationId": 1}
    async with living(station):
        await system.until(lambda: len(system.of("StatusNotification")) == 2)
        await system.call("ChangeConfiguration", {"key": "connectiontimeout", "value": "90"})
        await system.call("SendLocalList", {"listVersion": 5, "updateType": "Full"})
        await system.call("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": default})
        await system.call("ReserveNow", reserved)
        await system.call("Reset", {"type": "Hard"})
        await system.until(lambda: len(system.of("BootNotification")) == 2)
        await system.until(lambda: words(system)[-2:] == ["Reserved", "Reserved"])
        reply = await system.call("GetConfiguration", {"key": ["ConnectionTimeOut"]})
        assert reply[2]["configurationKey"][0]["value"] == "90"
        assert (await system.call("GetLocalListVersion", {}))[2] == {"listVersion": 5}
        reply = await system.call("GetCompositeSchedule", {"connectorId": 1, "duration": 60})
        rows = reply[2]["chargingSchedule"]["chargingSchedulePeriod"]
        assert rows == [{"startPeriod": 0, "limit": 1840.0}]
        reply = await system.call("CancelReservation", {"reservationId": 1})
        assert reply[2] == {"status": "Accepted"}


async def test_a_report_comes_page_after_page_also_before_the_boot_is_accepted(
    system: Central,
) -> None:
    """OCPP 2.x part 2, B02: a pending station answers what it is asked."""
    now = "2026-01-01T00:00:00.000Z"
    pending = {"status": "Pending", "currentTime": now, "interval": 86400}
    system.reply = lambda f: [3, f[1], pending] if f[2] == "BootNotification" else None
    async with living(Station(NEWEST, world(system, 3, FAST, plan=idle))):
        await system.until(lambda: system.of("BootNotification"))
        payload = {"requestId": 9, "reportBase": "FullInventory"}
        assert (await system.call("GetBaseReport", payload))[2] == {"status": "Accepted"}
        await system.until(lambda: any(not page["tbc"] for page in system.of("NotifyReport")))
    pages = system.of("NotifyReport")
    assert [page["seqNo"] for page in pages] == list(range(len(pages)))
    assert [page["tbc"] for page in pages] == [True] * (len(pages) - 1) + [False]
    assert len(pages) > 1
    assert {page["requestId"] for page in pages} == {9}


@pytest.mark.parametrize(
    ("number", "action", "asked", "kind"),
    [
        (OLD, "TriggerMessage", "DiagnosticsStatusNotification", None),
        (OLD, "TriggerMessage", "FirmwareStatusNotification", None),
        (OLD, "ExtendedTriggerMessage", "LogStatusNotification", None),
        (OLD, "ExtendedTriggerMessage", "SignChargePointCertificate", "SignCertificate"),
        (NEW, "TriggerMessage", "SignV2GCertificate", "SignCertificate"),
        (NEW, "TriggerMessage", "PublishFirmwareStatusNotification", None),
        (NEWEST, "TriggerMessage", "LogStatusNotification", None),
    ],
)
async def test_what_is_triggered_is_said(
    system: Central, number: int, action: str, asked: str, kind: str | None
) -> None:
    """Idle where nothing is on its way."""
    system.reply = lambda f: (
        [3, f[1], {"status": "Accepted"}] if f[2] == "SignCertificate" else None
    )
    async with living(Station(number, world(system, 3, FAST, plan=idle))):
        await system.until(lambda: len(system.of("StatusNotification")) >= 1)
        reply = await system.call(action, {"requestedMessage": asked})
        assert reply[2] == {"status": "Accepted"}
        await system.until(lambda: system.of(kind or asked))
        if kind is None:
            assert said(system, asked) == ["Idle"]
        else:
            chain = {"certificateChain": "-----BEGIN CERTIFICATE-----"}
            answers = [(await system.call("CertificateSigned", chain))[2] for _ in range(2)]
            assert answers == [{"status": "Accepted"}, {"status": "Rejected"}]


async def test_a_reset_on_idle_waits_for_the_end_of_the_session(system: Central) -> None:
    """Scheduled; then its boot says why."""
    station = Station(NEW, world(system, 3, 3000, plan=idle, no_shows=0.0))
    start = {"idToken": {"idToken": "G", "type": "Central"}, "evseId": 1, "remoteStartId": 1}
    async with living(station):
        await system.until(lambda: words(system) == ["Available"])
        await system.call("RequestStartTransaction", start)
        await system.until(lambda: system.of("TransactionEvent"))
        trigger = {"requestedMessage": "TransactionEvent", "evse": {"id": 1}}
        assert (await system.call("TriggerMessage", trigger))[2] == {"status": "Accepted"}
        assert (await system.call("Reset", {"type": "OnIdle"}))[2] == {"status": "Scheduled"}
        await system.until(lambda: len(system.of("BootNotification")) == 2)
    assert system.of("BootNotification")[1]["reason"] == "ScheduledReset"
    events = system.of("TransactionEvent")
    assert "Trigger" in [event["triggerReason"] for event in events]
    assert events[-1]["transactionInfo"]["stoppedReason"] in {"Local", "EVDisconnected"}
    assert ended(system)
