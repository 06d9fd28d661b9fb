"""The two servers that the gateway is compared with: `bare` and `plain`, each a process."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from typing import Any

import uvloop
from aiokafka import AIOKafkaProducer
from ocpp.charge_point import ChargePoint as AnyChargePoint
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from websockets.asyncio.server import ServerConnection, serve

from tests.benchmarks.workloads import ANSWERS

PLAIN_TOPIC = "ocpp.plain"
BACKLOG = 4096


async def bare(connection: ServerConnection) -> None:
    """Parse each frame, and answer it: nothing is checked, nothing is kept."""
    async for text in connection:
        _, message_id, action, _ = json.loads(text)
        await connection.send(json.dumps([3, message_id, ANSWERS[action]]))


def _answer(action: str) -> Any:
    """A method for the package's own table, which takes whatever it makes of the payload."""
    reply = getattr(call_result, action)
    fields = {_snake(name): value for name, value in ANSWERS[action].items()}

    def method(self: "Plain", **_: Any) -> Any:
        return reply(**fields)

    method.__name__ = _snake(action)  # by which the package looks for it on the station
    return on(action)(method)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Plain(ChargePoint):
    """The `ocpp` package's own way, with a JSON record in Kafka for each frame before it counts."""

    producer: AIOKafkaProducer

    async def route_message(self, raw_msg: str) -> None:
        await self._recorded(raw_msg)
        await super().route_message(raw_msg)

    async def _send(self, message: str) -> None:
        await self._recorded(message)
        await super()._send(message)

    async def _recorded(self, text: str) -> None:
        record = json.dumps({"station": self.id, "frame": json.loads(text)}).encode()
        await self.producer.send_and_wait(PLAIN_TOPIC, record, key=self.id.encode())

    authorize = _answer("Authorize")
    boot_notification = _answer("BootNotification")
    heartbeat = _answer("Heartbeat")
    meter_values = _answer("MeterValues")
    start_transaction = _answer("StartTransaction")
    status_notification = _answer("StatusNotification")
    stop_transaction = _answer("StopTransaction")


async def plain(connection: ServerConnection) -> None:
    """One station, until its socket closes."""
    assert connection.request is not None, "the handshake is over"
    station: AnyChargePoint = Plain(connection.request.path.rpartition("/")[2], connection)
    await station.start()


async def _serve(kind: str, port: int, kafka: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if kind == "plain":
        # The promise is the same, so the settings are: all replicas, no duplicates.
        producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
        await producer.start()
        Plain.producer = producer
    async with serve(
        bare if kind == "bare" else plain,
        "127.0.0.1",
        port,
        subprotocols=["ocpp1.6"],
        backlog=BACKLOG,
    ):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await stop.wait()
    if kind == "plain":
        await producer.stop()


def main() -> None:
    """Serve until SIGTERM; says `ready` on standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("bare", "plain"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kafka", default="")
    options = parser.parse_args()
    logging.disable(logging.ERROR)  # the package logs whole frames, which is not its way's fault
    uvloop.run(_serve(options.kind, options.port, options.kafka))


if __name__ == "__main__":
    main()
