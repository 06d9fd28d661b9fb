"""Measures what gateway and consumers cost: `python -m tests.benchmarks [name ...]`."""

import asyncio
import json
import pstats
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tests.benchmarks import commanding, consuming, figures, keeping, measures
from tests.benchmarks.core import core
from tests.benchmarks.measures import Effort
from tests.benchmarks.stage import StageError, stage
from tests.benchmarks.workloads import WORKLOADS

NAMES = (
    "session",
    "calls",
    "memory",
    "latency",
    "folding",
    "rebuild",
    "authorize",
    "commands",
    "disk",
)
DEFAULTS = Effort()
CONSUMED = consuming.Effort()


def _tell(line: str) -> None:
    click.echo(line, err=True)


async def _measure(
    names: Sequence[str], effort: Effort, consumed: consuming.Effort
) -> dict[str, Any]:
    found: dict[str, Any] = {"machine": measures.machine()}
    if "session" in names:
        _tell("session: the pure core")
        found["session"] = core()
    # Each on a stage of its own: what one leaves behind is no burden of the next.
    if "memory" in names:
        async with stage() as place:
            found["memory"] = await measures.memory(place, effort, _tell)
    if "calls" in names:
        async with stage() as place:
            found["calls"] = await measures.calls(place, effort, _tell)
    if "latency" in names:
        async with stage() as place:
            found["latency"] = await measures.latency(place, effort, _tell)
    for name, measure in (
        ("folding", consuming.folding),
        ("rebuild", consuming.rebuild),
        ("authorize", consuming.authorizing),
    ):
        if name in names:
            found[name] = await measure(consumed, _tell)
    if "commands" in names:
        found["commands"] = await commanding.commanding(commanding.Effort(), _tell)
    if "disk" in names:
        found["disk"] = await keeping.keeping(keeping.Effort(), _tell)
    return found


async def _profile(workload: str, effort: Effort) -> None:
    with tempfile.TemporaryDirectory(prefix="chargewire-profile-") as folder:
        into = Path(folder) / "gateway.prof"
        async with stage() as place:
            await measures.profiled(place, effort, workload, into)
        stats = pstats.Stats(str(into), stream=sys.stdout)
        stats.sort_stats("tottime").print_stats(30)


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option(
    "--write",
    "write_to",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Also put the tables between the markers in this file.",
)
@click.option(
    "--profile",
    type=click.Choice(list(WORKLOADS)),
    help="Instead: run the gateway under cProfile, print the 30 most expensive functions.",
)
@click.option("--rounds", default=DEFAULTS.rounds, show_default=True, help="Turns of each server.")
@click.option(
    "--connections", default=DEFAULTS.connections, show_default=True, help="Stations that call."
)
@click.option(
    "--seconds", default=DEFAULTS.measure_s, show_default=True, help="Length of one turn."
)
@click.option(
    "--idle", default=DEFAULTS.idle_connections, show_default=True, help="Silent stations."
)
@click.option(
    "--events", default=CONSUMED.events, show_default=True, help="Events in the log rebuilt."
)
def main(
    names: tuple[str, ...],
    as_json: bool,
    write_to: Path | None,
    profile: str | None,
    rounds: int,
    connections: int,
    seconds: float,
    idle: int,
    events: int,
) -> None:
    effort = Effort(
        rounds=rounds, connections=connections, measure_s=seconds, idle_connections=idle
    )
    try:
        if profile is not None:
            asyncio.run(_profile(profile, effort))
            return
        consumed = consuming.Effort(events=events)
        found = asyncio.run(_measure(names or NAMES, effort, consumed))
    except (StageError, TimeoutError) as error:
        raise click.ClickException(str(error) or "it took too long") from None
    if write_to is not None:
        figures.write(write_to, found)
    click.echo(json.dumps(found, indent=2) if as_json else figures.report(found))


main()
