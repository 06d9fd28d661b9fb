"""A console with something to show: a gateway, a consumer, and three stations with their stories.

One speaks 1.6 and charges, one speaks 2.0.1 and does as it is told, one means harm.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed

from deploy.local.ports import HOST
from programs.kafka import admin
from programs.settings import KafkaSettings
from schemas import records
from schemas.topics import layouts, plan
from tests.end_to_end.gateways import PARTITIONS, Fleet, Gateway
from tests.station import Frame, Station

TOKEN = "a-token-of-the-tests"
OLD, NEW = "WB-1", "WB-2"
HOSTILE = "<img src=x onerror=alert(1)>"
SCRIPT = "<script>alert(1)</script>"
LONG = "</pre>" + SCRIPT + "\u202e" + 3000 * "wide"
BROKEN = '[2,"bad","StatusNotification",{"connectorId":"' + SCRIPT + '"}]'
METER_WH, POWER_W, SAMPLES = 100_000, 7200, 10
_ANSWERS: dict[str, dict[str, Any]] = {
    "GetConfiguration": {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
            {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
        ]
    },
}


@dataclass
class Shown:
    """What the tests of the page need; `heard` are the CALLs that reached stations, by station."""

    console: Gateway
    stations: dict[str, Station]
    heard: dict[str, list[Frame]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.console.port}/"

    async def status(self, status: str, connector: int = 2, **more: Any) -> None:
        """The 1.6 station tells the status of a connector."""
        payload = {"connectorId": connector, "errorCode": "NoError", "status": status, **more}
        assert (await self.stations[OLD].call("StatusNotification", payload)).ok

    async def obey(self, name: str) -> None:
        """Answer what a station is asked, until it has gone."""
        station = self.stations[name]
        with suppress(ConnectionClosed):
            while True:
                call = await station.receive(timeout_s=3600)
                self.heard.setdefault(name, []).append(call)
                await station.answer(call, _ANSWERS.get(call[2], {"status": "Accepted"}))


class Console(Gateway):
    """The console as a process: its port answers what other programs' admin ports do."""

    command = ("-m", "chargewire", "console")

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        super().__init__(environ, log)
        self.admin = self.port
        self._environ |= {"CHARGEWIRE_CONSOLE_LISTEN": f"{HOST}:{self.port}"}


@asynccontextmanager
async def shown(bootstrap: str, prefix: str, folder: Path) -> AsyncIterator[Shown]:
    """All of it, as soon as the console has read what happened."""
    async with Fleet(bootstrap, prefix, folder) as fleet:
        settings = KafkaSettings(kafka=bootstrap, prefix=prefix, partitions=PARTITIONS)
        wanted = layouts(prefix, partitions=PARTITIONS, replication=1, tables=records.TABLES)
        await admin.apply(settings, plan({}, wanted))
        gateway = fleet.launch()
        fleet.launch_consumer("transactions", f"sqlite:///{folder}/transactions.db")
        console = Console(
            fleet._environ | {"CHARGEWIRE_CONSOLE_TOKEN": TOKEN}, folder / "console.log"
        )
        fleet.gateways.append(console)
        console.launch()
        await gateway.ready()
        names = {OLD: "ocpp1.6", NEW: "ocpp2.0.1", HOSTILE: "ocpp1.6"}
        stations = {
            name: await fleet.connect(gateway, name, (version,)) for name, version in names.items()
        }
        await _charge(stations[OLD])
        await _boot(stations[NEW])
        await _harm(stations[HOSTILE])
        await console.ready()
        world = Shown(console, stations)
        tasks = [asyncio.create_task(world.obey(name)) for name in names]
        try:
            yield world
        finally:
            for task in tasks:
                task.cancel()


def _text(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")


async def _charge(station: Station) -> None:
    """Boot, and charge at connector 1 for a while that has passed already."""
    boot = {"chargePointVendor": "Voltwerk", "chargePointModel": "Duo 11", "firmwareVersion": "7.1"}
    assert (await station.call("BootNotification", boot)).ok
    for connector, status in ((0, "Available"), (1, "Charging"), (2, "Available")):
        told = {"connectorId": connector, "errorCode": "NoError", "status": status}
        await station.call("StatusNotification", told)
    begin_s = time.time() - 60 * SAMPLES
    start = {"connectorId": 1, "idTag": "TOKEN-1", "meterStart": METER_WH}
    reply = await station.call("StartTransaction", start | {"timestamp": _text(begin_s)})
    assert reply.payload is not None
    for sample in range(SAMPLES):
        values = {
            "Energy.Active.Import.Register": (METER_WH + sample * POWER_W // 60, "Wh"),
            "Power.Active.Import": (POWER_W, "W"),
        }
        sampled = [
            {"value": str(value), "measurand": measurand, "unit": unit}
            for measurand, (value, unit) in values.items()
        ]
        told = {"timestamp": _text(begin_s + 60 * sample), "sampledValue": sampled}
        await station.call(
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": reply.payload["transactionId"],
                "meterValue": [told],
            },
        )


async def _boot(station: Station) -> None:
    data = {"vendorName": "Ampelfeld", "model": "Wall 4"}
    await station.call("BootNotification", {"reason": "PowerUp", "chargingStation": data})
    told = {"timestamp": _text(time.time()), "connectorStatus": "Available"}
    await station.call("StatusNotification", told | {"evseId": 1, "connectorId": 1})


async def _harm(station: Station) -> None:
    """All that a page must not take for its own: markup, controls, more than fits."""
    boot = {"chargePointVendor": "<b>bold</b>", "chargePointModel": SCRIPT[:20]}
    await station.call("BootNotification", boot)
    told = {"connectorId": 1, "errorCode": "OtherError", "status": "Faulted", "info": SCRIPT}
    await station.call("StatusNotification", told)
    await station.call("DataTransfer", {"vendorId": SCRIPT, "data": LONG})
    answer = asyncio.get_running_loop().create_future()
    station._open["bad"] = answer
    await station.send_text(BROKEN)
    error: Frame = await answer
    assert json.dumps(error[0]) == "4"
