"""The programs of ours that run beside Kafka: gateway, consumers, console, each a process."""

import asyncio
import os
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.local import ports
from deploy.local.plan import Plan, reachable
from deploy.local.process import Process
from programs.settings import variable

READY_TIME_S = 180.0
POLL_S = 0.1
TAIL_LINES = 20


class ProgramError(Exception):
    """A program ended, or never became ready; the text is for the person who started it."""


@dataclass(frozen=True, slots=True)
class Program:
    """A running program: what people call it, and where its operators' port answers."""

    title: str
    admin_url: str
    process: Process

    @property
    def runs(self) -> bool:
        return self.process.exit_code is None

    def check(self) -> None:
        """Raise ProgramError with the end of its log when it has ended by itself."""
        if not self.runs:
            what = f"{self.title} has ended by itself ({self.process.exit_code})"
            raise ProgramError(obituary(what, self.process.log))

    async def ready(self, time_s: float = READY_TIME_S) -> None:
        """Return when it does what it is for. Raises ProgramError."""
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            with suppress(TimeoutError):
                async with asyncio.timeout(time_s):
                    while self.runs:
                        with suppress(httpx.HTTPError):
                            answer = await client.get(f"{self.admin_url}/readyz")
                            if answer.is_success:
                                return
                        await asyncio.sleep(POLL_S)
        state = f"was not ready after {time_s:g} s" if self.runs else "ended"
        raise ProgramError(obituary(f"{self.title} {state}", self.process.log))


def gateway(plan: Plan) -> Program:
    """The gateway, started."""
    command = ["gateway", "--allow-single-replica", "--decided", ",".join(plan.decided)]
    return Program("The gateway", plan.admin_url, _start(plan, "gateway", command))


def consumers(plan: Plan) -> list[Program]:
    """All consumers, started; their tables are in the folder of the data unless a store is set."""
    return [
        Program(
            f"The consumer {name}",
            f"http://{reachable(admin)}",
            _start(plan, name, ["consume", name, "--data", plan.data, "--admin", admin]),
        )
        for name, admin in plan.consumers.items()
    ]


def console(plan: Plan, token: str) -> Program:
    """The console, started; who has the token may command. Empty: it is in a file.

    Others on this machine see the words of a program, but not its environment.
    """
    environ = os.environ | ({variable("console_token"): token} if token else {})
    command = ["console", "--listen", plan.console_listen]
    return Program("The console", plan.console_url, _start(plan, "console", command, environ))


def _start(
    plan: Plan, name: str, words: Sequence[str], environ: Mapping[str, str] | None = None
) -> Process:
    """A program of its own, as in production; Ctrl-C reaches only us."""
    command = [sys.executable, "-m", "chargewire", *words]
    command += ["--kafka", f"{ports.HOST}:{plan.kafka_port}"]
    if plan.config:
        command += ["--config", plan.config]
    return Process(command, log=plan.folder / "logs" / f"{name}.log", environ=environ)


async def all_ready(programs: Collection[Program]) -> None:
    """Return when all do what they are for. Raises ProgramError, of the first that fails."""
    tasks = [asyncio.create_task(one.ready()) for one in programs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def all_ended(programs: Collection[Program], time_s: float) -> None:
    """Ask all to end, and return when they have, or after `time_s`."""
    for one in programs:
        one.process.signal(signal.SIGTERM)
    await asyncio.gather(
        *(one.process.ended(time_s) for one in programs),
        return_exceptions=True,  # TimeoutError: whoever asked kills it
    )


def obituary(what: str, log: Path) -> str:
    """What has happened, and the last lines of a log."""
    text = log.read_text(errors="replace") if log.exists() else ""
    last = "\n".join(text.splitlines()[-TAIL_LINES:])
    return f"{what}. The end of {log}:\n\n{last}"
