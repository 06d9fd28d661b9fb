"""Puts all of chargewire together on one machine, and takes it apart again in good order."""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

import httpx
from aiokafka.errors import KafkaError

from deploy.local import ports
from deploy.local.artifacts import FetchError
from deploy.local.display import Display
from deploy.local.fleet import FAREWELL_S, Fleet
from deploy.local.java import JavaError
from deploy.local.kafka import Broker, BrokerError
from deploy.local.plan import Plan
from deploy.local.process import Process
from deploy.local.wishes import StoppedError, Wishes
from schemas import admin, records, topics
from schemas.catalogue import BY_SUBPROTOCOL
from schemas.settings import variable

READY_TIME_S = 60.0
FLEET_TIME_S = FAREWELL_S + 5
DRAIN_EXTRA_S = 10.0
POLL_S = 0.1
TAIL_LINES = 20


class UpError(Exception):
    """Why it cannot go on; the text is for the person who started it."""


def run(plan: Plan) -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit code."""
    return asyncio.run(up(plan, Display(sys.stderr)))


async def up(plan: Plan, display: Display) -> int:
    """Start everything in order, wait, end everything in the opposite order."""
    wishes = Wishes()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, wishes.signalled)
    try:
        async with AsyncExitStack() as ending:
            await _live(plan, display, wishes, ending)
    except StoppedError:
        display.say("Everything has ended.")
        return 0
    except (UpError, BrokerError, JavaError, FetchError) as error:
        display.say(f"\n{error}")
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    raise AssertionError("it only ends for a reason")


async def _live(plan: Plan, display: Display, wishes: Wishes, ending: AsyncExitStack) -> None:
    """Leave what ends each part on `ending`, the last one started on top."""
    if obstacles := list(plan.obstacles()):
        raise UpError("\n".join(obstacles))
    broker = Broker(plan.folder / "kafka", plan.kafka_port, progress=display.detail)
    ending.push_async_callback(_end_broker, broker, display, wishes)
    async with display.during("Kafka", broker.bootstrap):
        await wishes.unless_stopped(broker.start())
    async with display.during("Topics", f"{plan.prefix}*"):
        await wishes.unless_stopped(_apply_topics(plan, broker))
    async with display.during("Gateway", f"{plan.stations_url}/<station id>"):
        gateway = _start_gateway(plan)
        ending.push_async_callback(_end_gateway, gateway, plan, display, wishes)
        await wishes.unless_stopped(_ready(gateway, plan))
    fleet = Fleet(plan.stations_url, plan.stations, plan.folder / "stations.json")
    fleet.start()
    ending.push_async_callback(_end_fleet, fleet, plan, display, wishes)
    display.say(_overview(plan, gateway))
    await wishes.unless_stopped(_watch(broker, gateway, fleet, plan))


async def _apply_topics(plan: Plan, broker: Broker) -> None:
    """Create what is missing; one broker holds one replica. Raises UpError."""
    settings = replace(plan, kafka=broker.bootstrap)
    wanted = topics.layouts(
        settings.prefix,
        partitions=settings.partitions,
        replication=1,
        frame_limit_bytes=settings.frame_limit_bytes,
        tables=records.TABLES,
    )
    try:
        changes = topics.plan(await admin.existing(settings), wanted)
        refused = [change.text for change in changes if change.kind == "refuse"]
        if refused:
            raise UpError("\n".join(refused))
        await admin.apply(settings, changes)
    except (KafkaError, OSError) as error:
        raise UpError(f"Kafka does not take the topics: {error!r}") from error


def _start_gateway(plan: Plan) -> Process:
    """A program of its own, as in production; Ctrl-C reaches only us."""
    command = [sys.executable, "-m", "chargewire", "gateway", "--allow-single-replica"]
    command += ["--kafka", f"{ports.HOST}:{plan.kafka_port}"]
    if plan.config:
        command += ["--config", plan.config]
    return Process(command, log=plan.folder / "logs" / "gateway.log")


async def _ready(gateway: Process, plan: Plan) -> None:
    """Wait until the gateway takes stations. Raises UpError."""
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_TIME_S):
                while gateway.exit_code is None:
                    with suppress(httpx.HTTPError):
                        answer = await client.get(f"{plan.admin_url}/readyz")
                        if answer.is_success:
                            return
                    await asyncio.sleep(POLL_S)
    state = "ended" if gateway.exit_code is not None else f"was not ready after {READY_TIME_S:g} s"
    raise UpError(_obituary(f"The gateway {state}", gateway.log))


async def _watch(broker: Broker, gateway: Process, fleet: Fleet, plan: Plan) -> None:
    """Return never; raises UpError when a part ends by itself."""
    while True:
        if not broker.running:
            raise UpError(_obituary("Kafka has ended by itself", plan.folder / "kafka/broker.log"))
        if gateway.exit_code is not None:
            code = gateway.exit_code
            raise UpError(_obituary(f"The gateway has ended by itself ({code})", gateway.log))
        if fleet.ended:
            raise UpError("The simulated stations have ended by themselves.")
        await asyncio.sleep(POLL_S)


def _obituary(what: str, log: Path) -> str:
    text = log.read_text(errors="replace") if log.exists() else ""
    last = "\n".join(text.splitlines()[-TAIL_LINES:])
    return f"{what}. The end of {log}:\n\n{last}"


async def _end_fleet(fleet: Fleet, plan: Plan, display: Display, wishes: Wishes) -> None:
    if plan.stations and not fleet.ended:
        async with display.during("Stations", "ended"):
            await wishes.unless_hurried(fleet.farewell(), FLEET_TIME_S)
    await fleet.end()


async def _end_gateway(gateway: Process, plan: Plan, display: Display, wishes: Wishes) -> None:
    if gateway.exit_code is not None:
        return
    async with display.during("Gateway", "drained and ended"):
        gateway.signal(signal.SIGTERM)
        time_s = plan.drain_time_s + DRAIN_EXTRA_S
        await wishes.unless_hurried(gateway.ended(time_s), time_s + 1)
        gateway.kill()


async def _end_broker(broker: Broker, display: Display, wishes: Wishes) -> None:
    if not broker.running:
        return
    async with display.during("Kafka", "ended; its data is kept"):
        await wishes.unless_hurried(broker.stop(), READY_TIME_S)
        broker.kill()


def _overview(plan: Plan, gateway: Process) -> str:
    """What runs, and what to try next."""
    command = Path(sys.argv[0]).name == "chargewire"
    name = os.path.relpath(sys.argv[0]) if command else f"{sys.executable} -m chargewire"
    needed = " ".join(
        f"{variable(name)}={getattr(plan, name)}"
        for name in ("kafka", "prefix")
        if plan.sources.get(name) is not None
    )
    prefix = f"{needed} {name}".strip()
    noun = "simulated station" if plan.stations == 1 else "simulated stations"
    fleet = f"{plan.stations or 'no'} {noun}"
    return f"""
Running with {fleet}; the gateway's log is {gateway.log}, all data is in {plan.data}.
In another terminal:

  {prefix} stations       who is connected
  {prefix} tail           what they say, as it happens
  {prefix} --help         what else there is
  curl {plan.admin_url}/metrics

A station of your own connects to {plan.stations_url}/<station id>
and offers one of {", ".join(BY_SUBPROTOCOL)} as its subprotocol.
Ctrl-C ends everything.
"""
