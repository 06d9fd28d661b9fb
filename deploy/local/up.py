"""Puts all of chargewire together on one machine, and takes it apart again in good order."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from click import ClickException

from deploy.local import programs, seeds
from deploy.local.artifacts import FetchError
from deploy.local.display import Display
from deploy.local.fleet import FAREWELL_S, Fleet
from deploy.local.insisting import LIMIT_S, TooSlowError, insist
from deploy.local.java import JavaError
from deploy.local.kafka import Broker, BrokerError
from deploy.local.plan import Plan
from deploy.local.programs import Program, ProgramError, obituary
from deploy.local.wishes import StoppedError, Wishes
from programs import registry
from programs.kafka import admin
from programs.settings import variable
from schemas import records, topics
from schemas.catalogue import BY_SUBPROTOCOL

STOP_TIME_S = 60.0
CONSUMER_TIME_S = 15.0
FLEET_TIME_S = FAREWELL_S + 5
DRAIN_EXTRA_S = 10.0
POLL_S = 0.1


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
    except (UpError, ProgramError, BrokerError, JavaError, FetchError) as error:
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
        await wishes.unless_stopped(_insist("topics", _apply_topics, plan, broker, display))
    if plan.stations:
        async with display.during("Tokens", "known, but for a few"):
            await wishes.unless_stopped(_insist("tokens", seeds.seed, plan, broker, display))
    consumers = programs.consumers(plan)
    ending.push_async_callback(_end_consumers, consumers, display, wishes)
    async with display.during("Consumers", ", ".join(plan.consumers)):
        await wishes.unless_stopped(programs.all_ready(consumers))
    async with display.during("Gateway", f"{plan.stations_url}/<station id>"):
        gateway = programs.gateway(plan)
        ending.push_async_callback(_end_gateway, gateway, plan, display, wishes)
        await wishes.unless_stopped(gateway.ready())
    token = plan.console_token or _token(plan)
    async with display.during("Console", plan.console_url):
        console = programs.console(plan, token)
        ending.push_async_callback(_end_console, console, display, wishes)
        await wishes.unless_stopped(console.ready())
    fleet = Fleet(plan.stations_url, plan.stations, plan.folder / "stations.json")
    fleet.start()
    ending.push_async_callback(_end_fleet, fleet, plan, display, wishes)
    display.say(_overview(plan, token))
    running = [gateway, console, *consumers]
    await wishes.unless_stopped(_watch(broker, running, fleet, plan))


def _token(plan: Plan) -> str:
    """A token for this run alone, unless there is one in a file."""
    return "" if plan.console_token_file else secrets.token_urlsafe(16)


async def _insist(
    what: str,
    work: Callable[[Plan], Awaitable[object]],
    plan: Plan,
    broker: Broker,
    display: Display,
) -> None:
    """Have Kafka do what it may do again, however slow it is. Raises UpError."""

    async def attempt() -> None:
        if not broker.running:
            raise UpError(_kafka_ended(plan))
        await work(replace(plan, kafka=broker.bootstrap))

    try:
        await insist(attempt, lambda why: display.detail(f"not yet: {why}"))
    except TooSlowError as error:
        raise UpError(
            f"Kafka runs, but did not take the {what} in {LIMIT_S:.0f} s: {error}.\n"
            "Try again when that has changed: `make run` goes on where it stopped."
        ) from error
    except (registry.RegistryError, ClickException) as error:
        raise UpError(f"Kafka does not take the {what}: {error}") from error


async def _apply_topics(settings: Plan) -> None:
    """Create what is missing; one broker holds one replica. Raises UpError."""
    wanted = topics.layouts(
        settings.prefix,
        partitions=settings.partitions,
        replication=1,
        frame_limit_bytes=settings.frame_limit_bytes,
        tables=records.TABLES,
    )
    changes = topics.plan(await admin.existing(settings), wanted)
    if refused := [change.text for change in changes if change.kind == "refuse"]:
        raise UpError("\n".join(refused))
    await admin.apply(settings, changes)


async def _watch(broker: Broker, running: Collection[Program], fleet: Fleet, plan: Plan) -> None:
    """Return never; raises UpError or ProgramError when a part ends by itself."""
    while True:
        if not broker.running:
            raise UpError(_kafka_ended(plan))
        for program in running:
            program.check()
        if fleet.ended:
            raise UpError("The simulated stations have ended by themselves.")
        await asyncio.sleep(POLL_S)


def _kafka_ended(plan: Plan) -> str:
    return obituary("Kafka has ended by itself", plan.folder / "kafka/broker.log")


async def _end_fleet(fleet: Fleet, plan: Plan, display: Display, wishes: Wishes) -> None:
    try:
        if plan.stations and not fleet.ended:
            async with display.during("Stations", "ended"):
                await wishes.unless_hurried(fleet.farewell(), FLEET_TIME_S)
    finally:
        await fleet.end()


async def _end_gateway(gateway: Program, plan: Plan, display: Display, wishes: Wishes) -> None:
    if not gateway.runs:
        return
    async with display.during("Gateway", "drained and ended"):
        await _end([gateway], plan.drain_time_s + DRAIN_EXTRA_S, wishes)


async def _end_console(console: Program, display: Display, wishes: Wishes) -> None:
    async with display.during("Console", "ended"):
        await _end([console], CONSUMER_TIME_S, wishes)


async def _end_consumers(running: Collection[Program], display: Display, wishes: Wishes) -> None:
    async with display.during("Consumers", "ended; their tables are kept"):
        await _end(running, CONSUMER_TIME_S, wishes)


async def _end(running: Collection[Program], time_s: float, wishes: Wishes) -> None:
    """In good order where they can, by force where they cannot or nobody wants to wait."""
    await wishes.unless_hurried(programs.all_ended(running, time_s), time_s + 1)
    for program in running:
        program.process.kill()


async def _end_broker(broker: Broker, display: Display, wishes: Wishes) -> None:
    if not broker.running:
        return
    async with display.during("Kafka", "ended; its data is kept"):
        await wishes.unless_hurried(broker.stop(), STOP_TIME_S)
        broker.kill()


def _overview(plan: Plan, token: str) -> str:
    """What runs, and what to try next."""
    command = Path(sys.argv[0]).name == "chargewire"
    name = os.path.relpath(sys.argv[0]) if command else f"{sys.executable} -m chargewire"
    needed = " ".join(
        f"{variable(name)}={getattr(plan, name)}"
        for name in ("kafka", "prefix", "data")
        if plan.sources.get(name) is not None
    )
    prefix = f"{needed} {name}".strip()
    noun = "simulated station" if plan.stations == 1 else "simulated stations"
    fleet = f"{plan.stations or 'no'} {noun}"
    return f"""
Running with {fleet}; all data is in {plan.data}, all logs are in {plan.folder / "logs"}.

  {plan.console_url}/{f"#token={token}" if token else ""}

is the console: stations, what they say, transactions{", and commands" if token else ""}.
In another terminal:

  {prefix} stations                 who is connected
  {prefix} transactions             who charged what, when and where
  {prefix} tokens list --unknown    who tried, and nobody knows
  {prefix} tail                     what stations say, as it happens
  {prefix} --help                   what else there is
  curl {plan.admin_url}/metrics

A station of your own connects to {plan.stations_url}/<station id>
and offers one of {", ".join(BY_SUBPROTOCOL)} as its subprotocol.
Ctrl-C ends everything.
"""
