"""Performs the errands of a simulated station step by step, through lost connections and boots."""

import asyncio
from collections.abc import Awaitable, Callable

from deploy.local.calls import Call
from deploy.local.days import Wait
from deploy.local.effects import Errand, Install, Restart, Until
from deploy.local.line import Line
from deploy.local.memory import Memory

ATTEMPTS = 3
"""How often a call is said that nobody answers."""


def begin(errand: Errand, memory: Memory) -> None:
    """From now on it is on its way, and another of its name is not."""
    if errand.name:
        memory.errands[errand.name] = errand
        memory.told.pop(errand.name, None)


async def perform(
    errand: Errand, line: Line, memory: Memory, restart: Callable[[Restart], Awaitable[None]]
) -> None:
    """Do what is left of an errand that has begun, until another takes its place."""
    for step in errand.steps:
        if errand.name and memory.errands.get(errand.name) is not errand:
            return
        match step:
            case Call():
                if errand.name:
                    memory.told[errand.name] = step
                await _say(step, line, at_once=not errand.name)
            case Wait(seconds):
                await line.passing(seconds)
            case Until(at):
                await asyncio.sleep((at - memory.clock()).total_seconds())
            case Install(version):
                memory.firmware = version
            case Restart():
                await restart(step)
    if errand.name and memory.errands.get(errand.name) is errand:
        del memory.errands[errand.name]
        memory.told.pop(errand.name, None)


async def _say(call: Call, line: Line, *, at_once: bool) -> None:
    """Reports are asked for and may go before a boot is accepted; news waits for it."""
    for _ in range(ATTEMPTS):
        if not at_once:
            await line.online.wait()
        if await line.say(call) is not None:
            return
        at_once = False
        await line.passing(1)
