"""`chargewire simulate`: simulated stations and nothing else."""

import asyncio
from functools import partial
from typing import Any

import click

from chargewire.options import kafka_options, settings


@click.command("simulate")
@click.argument("url")
@click.option("--stations", metavar="N", help="How many; 4, unless told.")
@click.option("--data", metavar="FOLDER", help="Where the registers of their meters are kept.")
@click.option("--no-tokens", is_flag=True, help="Leave Kafka alone: nobody learns their tokens.")
@kafka_options
def simulate_command(url: str, no_tokens: bool, **flags: Any) -> None:
    """Let simulated stations charge at the gateway of URL, until told to stop.

    URL is what stands before the station id, such as ws://gateway:9000/ocpp. They are the stations
    of `chargewire up`: of all versions, a minute for them in each second. Tokens of theirs of which
    nothing was ever said are put into the log first, most of them accepted. It says whether any of
    them is connected, and else why not.

    \b
    Examples:
      chargewire simulate ws://localhost:9000/ocpp
      chargewire simulate ws://gateway:9000/ocpp --stations 50 --kafka broker-1:9092
      chargewire simulate ws://gateway:9000/ocpp --no-tokens
    """
    from deploy.local.simulation import Simulation, simulate  # noqa: PLC0415 - slow to import

    if not url.startswith(("ws://", "wss://")):
        raise click.BadParameter(f"{url}: must begin with ws:// or wss://", param_hint="URL")
    made = settings(Simulation, flags)
    noun = "station" if made.stations == 1 else "stations"
    click.echo(f"{made.stations} simulated {noun} for {url}", err=True)
    if not no_tokens:
        from chargewire.log.reading import run  # noqa: PLC0415 - Kafka's client
        from deploy.local import seeds  # noqa: PLC0415

        run(seeds.seed(made), made.kafka)
    try:
        asyncio.run(simulate(made, url.rstrip("/"), partial(click.echo, err=True)))
    except OSError as error:
        raise click.ClickException(f"{made.data}: {error.strerror}") from error
