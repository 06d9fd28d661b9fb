"""`chargewire flow` as operators run it: a real Kafka, a real gateway, scripted stations."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chargewire.flows.configuration import STANDARD_KEYS
from deploy.local.kafka import Broker
from schemas.times import timestamp
from tests.end_to_end.gateways import Fleet, Gateway, send
from tests.station import Station

pytestmark = pytest.mark.kafka

TIME_S = 120.0
BEGUN = "2026-11-21T12:00:00Z"


@pytest.fixture
async def fleet(kafka: Broker, prefix: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Topics, and no gateway yet."""
    async with Fleet(kafka.bootstrap, prefix, tmp_path) as fleet:
        await fleet.topics()
        yield fleet


def _interruptible() -> None:
    """Undo what a shell does to a test run in its background: it and its children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Flow:
    """One `chargewire flow` as a process; its lines as they come."""

    def __init__(self, fleet: Fleet, *words: str, given: str = "") -> None:
        self._words = ("flow", *words, "--kafka", fleet.bootstrap, "--prefix", fleet.prefix)
        self._given = given

    async def __aenter__(self) -> "Flow":
        pipe = asyncio.subprocess.PIPE
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CHARGEWIRE_")}
        words = ("-m", "chargewire", *self._words)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=environ,
            preexec_fn=_interruptible,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(self._given.encode())
        self.process.stdin.close()
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        told = await self.process.communicate()
        if error is not None:
            error.add_note(b"".join(told).decode())

    async def line(self) -> str:
        """The next line of standard output; an empty one at its end."""
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), TIME_S)).decode()

    async def told(self, last: str) -> list[str]:
        """Its next lines, up to the one that ends so."""
        lines: list[str] = []
        while not (lines and lines[-1].endswith(last)):
            line = await self.line()
            assert line, f"it ended without: {last}"
            lines.append(line.rstrip("\n"))
        return lines

    async def ended(self, exit_code: int) -> list[str]:
        """The rest of its lines, once it has ended like this."""
        out, err = await asyncio.wait_for(self.process.communicate(), TIME_S)
        self.err = err.decode()
        assert self.process.returncode == exit_code, out.decode() + self.err
        return out.decode().splitlines()


def said(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


async def booted(fleet: Fleet, gateway: Gateway, version: str) -> Station:
    station = await fleet.connect(gateway, "CS-1", ("ocpp" + version,))
    boot: dict[str, Any] = {"chargePointModel": "m", "chargePointVendor": "v"}
    if version != "1.6":
        boot = {"chargingStation": {"model": "m", "vendorName": "v"}, "reason": "PowerUp"}
    assert (await station.call("BootNotification", boot)).ok
    return station


async def asked(station: Station, action: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Answer the next call, which must be this one; its payload."""
    call = await station.receive(TIME_S)
    assert call[2] == action
    await station.answer(call, answer)
    payload: dict[str, Any] = call[3]
    return payload


ACCEPTED = {"status": "Accepted"}


async def test_a_transaction_of_1_6_is_started_and_stopped(fleet: Fleet) -> None:
    """Started until it is there, with its id; stopped until it has ended, with its energy. Which
    one is to be stopped need not be said."""
    station = await booted(fleet, await fleet.start(), "1.6")
    async with Flow(fleet, "start", "CS-1", "--token", "TOKEN-1", "--json") as flow:
        payload = await asked(station, "RemoteStartTransaction", ACCEPTED)
        assert payload == {"idTag": "TOKEN-1"}
        now = timestamp(time.time_ns() // 1_000_000)
        begin = {"connectorId": 2, "idTag": "token-1", "meterStart": 500, "timestamp": now}
        begun = await station.call("StartTransaction", begin)
        steps = said(await flow.ended(0))
    assert begun.payload is not None
    name = begun.payload["transactionId"]
    wanted = {"transaction": str(name), "place": 2, "token_status": "Accepted", "reached": True}
    assert steps[-1] | wanted == steps[-1]
    async with Flow(fleet, "stop", "CS-1") as flow:
        payload = await asked(station, "RemoteStopTransaction", ACCEPTED)
        assert payload == {"transactionId": name}
        now = timestamp(time.time_ns() // 1_000_000)
        end = {"transactionId": name, "meterStop": 7920, "timestamp": now, "reason": "Remote"}
        assert (await station.call("StopTransaction", end)).ok
        lines = await flow.ended(0)
    assert lines[-1][10:] == f"transaction {name} has ended, Remote: 7.420 kWh"
    async with Flow(fleet, "stop", "CS-1") as flow:
        assert "no transaction of the last 7 days is open" in (await flow.ended(1))[-1]


def event(kind: str, number: int, meter: int, **rest: Any) -> dict[str, Any]:
    sample = {"value": meter, "measurand": "Energy.Active.Import.Register"}
    return {
        "eventType": kind,
        "timestamp": BEGUN,
        "triggerReason": "RemoteStart" if kind == "Started" else "RemoteStop",
        "seqNo": number,
        "meterValue": [{"timestamp": BEGUN, "sampledValue": [sample]}],
        **rest,
    }


async def test_a_transaction_of_2_0_1_is_started_and_stopped(fleet: Fleet) -> None:
    """The number of the remote start tells whose it is; a transaction of somebody else is none."""
    station = await booted(fleet, await fleet.start(), "2.0.1")
    async with Flow(
        fleet, "start", "CS-1", "--evse", "1", "--token", "T-1", "--type", "Central", "--json"
    ) as flow:
        payload = await asked(station, "RequestStartTransaction", ACCEPTED)
        number, token = payload["remoteStartId"], {"idToken": "T-1", "type": "Central"}
        assert payload == {"evseId": 1, "idToken": token, "remoteStartId": number}
        for name, remote in (("other", 7 if number != 7 else 8), ("ours", number)):
            info = {"transactionId": name, "remoteStartId": remote}
            begin = event("Started", 0, 100, transactionInfo=info, evse={"id": 1}, idToken=token)
            assert (await station.call("TransactionEvent", begin)).ok
        assert said(await flow.ended(0))[-1]["transaction"] == "ours"
    async with Flow(fleet, "stop", "CS-1") as flow:
        assert (await flow.ended(1))[-1][10:] == "name one of those that are open: other, ours"
    async with Flow(fleet, "stop", "CS-1", "ours", "--json") as flow:
        assert await asked(station, "RequestStopTransaction", ACCEPTED) == {"transactionId": "ours"}
        info = {"transactionId": "ours", "stoppedReason": "Remote"}
        assert (
            await station.call("TransactionEvent", event("Ended", 1, 4100, transactionInfo=info))
        ).ok
        over = said(await flow.ended(0))[-1]
    assert (over["energy_wh"], over["reason"], over["reached"]) == (4000.0, "Remote", True)


async def test_a_start_that_comes_to_nothing(fleet: Fleet) -> None:
    """Refused; nobody plugs in; the station is not there: each says so, and ends with 1."""
    gateway = await fleet.start()
    async with Flow(fleet, "start", "CS-1", "--token", "T") as flow:
        assert (await flow.ended(1))[-1][10:] == "CS-1 has never been connected"
    station = await booted(fleet, gateway, "1.6")
    async with Flow(fleet, "start", "CS-1", "--token", "T") as flow:
        await asked(station, "RemoteStartTransaction", {"status": "Rejected"})
        assert (await flow.ended(1))[-1][10:] == "the station refuses: Rejected"
    async with Flow(fleet, "start", "CS-1", "--token", "T", "--wait", "1s") as flow:
        await asked(station, "RemoteStartTransaction", ACCEPTED)
        over = (await flow.ended(1))[-1][10:]
    assert over == "accepted, but no transaction of this start has begun within 1 s"
    await station.close()
    await fleet.logged(lambda log: any(one["type"] == "disconnected" for one in log), "connections")
    async with Flow(fleet, "stop", "CS-1", "1") as flow:
        assert (await flow.ended(1))[-1][10:] == "CS-1 is not connected"


async def test_the_configuration_of_1_6_comes_in_pieces(fleet: Fleet) -> None:
    """A station that tells two keys at once is asked for the others; what it does not know is no
    row. Standard output is the table alone."""
    station = await booted(fleet, await fleet.start(), "1.6")
    held = {"GetConfigurationMaxKeys": "2", "HeartbeatInterval": "300", "LightIntensity": "50"}

    async def serve() -> None:
        while True:
            call = await station.receive(TIME_S)
            wanted = call[3].get("key") or [*held][:2]
            assert len(wanted) <= 2
            known = [
                {"key": key, "readonly": key.endswith("MaxKeys"), "value": held[key]}
                for key in wanted
                if key in held
            ]
            unknown = [key for key in wanted if key not in held]
            await station.answer(call, {"configurationKey": known, "unknownKey": unknown})

    serving = asyncio.create_task(serve())
    async with Flow(fleet, "configuration", "CS-1", "--csv") as flow:
        lines = await flow.ended(0)
    serving.cancel()
    assert lines == [
        "component,variable,attribute,value,unit,type,access",
        ",GetConfigurationMaxKeys,,2,,,ReadOnly",
        ",HeartbeatInterval,,300,,,ReadWrite",
        ",LightIntensity,,50,,,ReadWrite",
    ]
    assert f"3 keys; {len(STANDARD_KEYS) - 3} unknown to the station" in flow.err


def page(request: int, number: int, *, more: bool, variable: str, value: str) -> dict[str, Any]:
    return {
        "requestId": request,
        "generatedAt": BEGUN,
        "seqNo": number,
        "tbc": more,
        "reportData": [
            {
                "component": {"name": "EVSE", "evse": {"id": 1}},
                "variable": {"name": variable},
                "variableAttribute": [{"value": value, "mutability": "ReadOnly"}],
                "variableCharacteristics": {
                    **{"dataType": "decimal", "unit": "W", "supportsMonitoring": True},
                },
            }
        ],
    }


async def test_the_configuration_of_2_0_1_is_put_together(fleet: Fleet) -> None:
    """Pages of other reports do not count, and the order in which pages come does not matter."""
    station = await booted(fleet, await fleet.start(), "2.0.1")
    async with Flow(fleet, "configuration", "CS-1", "--json") as flow:
        payload = await asked(station, "GetBaseReport", ACCEPTED)
        number = payload["requestId"]
        assert payload == {"requestId": number, "reportBase": "FullInventory"}
        pages = (
            page(number + 1, 0, more=False, variable="Other", value="1"),
            page(number, 1, more=False, variable="Power", value="11000"),
            page(number, 0, more=True, variable="Available", value="true"),
        )
        for one in pages:
            assert (await station.call("NotifyReport", one)).ok
        rows = said(await flow.ended(0))
    assert [(one["component"], one["variable"], one["value"]) for one in rows] == [
        ("EVSE@1", "Available", "true"),
        ("EVSE@1", "Power", "11000"),
    ]
    assert rows[1] | {"unit": "W", "type": "decimal", "access": "ReadOnly"} == rows[1]
    assert "2 values on 2 pages" in flow.err


async def test_firmware_is_followed_over_a_restart(fleet: Fleet) -> None:
    """Every status with its time, the loss of the connection in between, and the end."""
    gateway = await fleet.start()
    station = await booted(fleet, gateway, "1.6")
    async with Flow(fleet, "firmware", "CS-1", "--url", "https://f.example/1.bin") as flow:
        payload = await asked(station, "UpdateFirmware", {})
        assert payload["location"] == "https://f.example/1.bin"
        # Of what is in two topics it may hear in any order.
        lines = await flow.told("accepted")
        for status in ("Downloading", "Downloaded", "Installing"):
            assert (await station.call("FirmwareStatusNotification", {"status": status})).ok
        lines += await flow.told("Installing")
        await station.close()
        again = await booted(fleet, gateway, "1.6")
        lines += await flow.told("connected again")
        assert (await again.call("FirmwareStatusNotification", {"status": "Installed"})).ok
        lines += await flow.ended(0)
    assert [line[10:] for line in lines] == [
        "asks for UpdateFirmware",
        "accepted",
        *("Downloading", "Downloaded", "Installing"),
        *("the connection has ended", "connected again", "Installed", "done: Installed"),
    ]


async def test_whoever_stops_looking_stops_nothing(fleet: Fleet) -> None:
    """Ctrl-C ends with 130, and says that the station goes on."""
    station = await booted(fleet, await fleet.start(), "2.0.1")
    async with Flow(fleet, "diagnostics", "CS-1", "--url", "https://l.example/") as flow:
        payload = await asked(station, "GetLog", {**ACCEPTED, "filename": "log.zip"})
        uploading = {"status": "Uploading", "requestId": payload["requestId"]}
        assert (await station.call("LogStatusNotification", uploading)).ok
        await flow.told("Uploading")
        flow.process.send_signal(signal.SIGINT)
        await flow.ended(130)
    assert "CS-1 goes on by itself: `chargewire tail CS-1` shows it." in flow.err


async def test_a_profile_is_held_against_the_schedule(fleet: Fleet) -> None:
    """What the station plans is a table; where it plans something else, that is told."""
    station = await booted(fleet, await fleet.start(), "1.6")
    periods = [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 1800, "limit": 8.0}]
    schedule = {"chargingRateUnit": "A", "duration": 3600, "chargingSchedulePeriod": periods}
    profile = {
        **{"chargingProfileId": 1, "stackLevel": 0, "chargingProfileKind": "Absolute"},
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingSchedule": schedule | {"startSchedule": BEGUN},
    }
    words = ("profile", "CS-1", "-", "--connector", "1")
    for limit, exit_code, end in (
        (8.0, 0, "the profile is put, and the schedule says the same"),
        (6.0, 1, "the profile is put, but the schedule differs in one span of time"),
    ):
        planned = schedule | {"chargingSchedulePeriod": [periods[0], periods[1] | {"limit": limit}]}
        answer = {**ACCEPTED, "connectorId": 1, "scheduleStart": BEGUN, "chargingSchedule": planned}
        async with Flow(fleet, *words, given=json.dumps(profile)) as flow:
            payload = await asked(station, "SetChargingProfile", ACCEPTED)
            assert payload == {"connectorId": 1, "csChargingProfiles": profile}
            payload = await asked(station, "GetCompositeSchedule", answer)
            assert payload == {"connectorId": 1, "duration": 3600, "chargingRateUnit": "A"}
            lines = await flow.ended(exit_code)
        assert lines[-1][10:] == end
        rows = [line.split() for line in lines]
        assert ["2026-11-21T12:00:00.000Z", "2026-11-21T12:30:00.000Z", "16.0", "A"] in rows


async def test_a_reservation_is_followed_until_it_is_used(fleet: Fleet) -> None:
    """By the transaction that names it."""
    station = await booted(fleet, await fleet.start(), "1.6")
    words = ("--token", "T", "--for", "30m", "--connector", "1", "--follow", "--json")
    async with Flow(fleet, "reserve", "CS-1", *words) as flow:
        number = (await asked(station, "ReserveNow", ACCEPTED))["reservationId"]
        begin = {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": BEGUN}
        assert (await station.call("StartTransaction", begin | {"reservationId": number})).ok
        over = said(await flow.ended(0))[-1]
    assert (over["reservation"], over["state"]) == (number, "used")
    async with Flow(fleet, "cancel-reservation", "CS-1", str(number)) as flow:
        await asked(station, "CancelReservation", {"status": "Rejected"})
        assert (await flow.ended(1))[-1].endswith("the station refuses: Rejected")


async def test_a_local_list_is_waited_for(fleet: Fleet, tmp_path: Path) -> None:
    """The consumer sends it; the flow sees it come."""
    store = f"sqlite:///{tmp_path / 'authorizations.db'}"
    gateway = await fleet.start()
    station = await booted(fleet, gateway, "1.6")
    held = [0]

    async def serve() -> None:
        while True:
            call = await station.receive(TIME_S)
            match call[2]:
                case "GetLocalListVersion":
                    await station.answer(call, {"listVersion": held[-1]})
                case "SendLocalList":
                    held.append(call[3]["listVersion"])
                    await station.answer(call, ACCEPTED)
                case "GetConfiguration":
                    await station.answer(call, {"configurationKey": [], "unknownKey": []})

    serving = asyncio.create_task(serve())
    await fleet.consume("authorizations", store)
    token = {"token": "T", "type": "ISO14443", "status": "Accepted", "lists": ["*"]}
    await send(fleet.bootstrap, fleet.prefix, "id-tokens", "t", **token)
    async with Flow(fleet, "local-list", "CS-1", "--ask", "--store", store, "--json") as flow:
        steps = said(await flow.ended(0))
    serving.cancel()
    assert steps[1]["told_version"] in held
    over = steps[-1]
    assert (over["state"], over["held"], over["wanted"]) == ("in sync", 1, 1)
    assert over["version"] == held[-1] > 0
