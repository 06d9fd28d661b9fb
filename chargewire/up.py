"""`chargewire up`: everything on this machine."""

from dataclasses import replace
from typing import Any

import click

from chargewire.options import config_option, settings
from deploy.local.plan import Plan


@click.command()
@click.option("--stations", metavar="N", help="Simulated stations; 4, unless told. 0 for none.")
@click.option(
    "--data",
    metavar="FOLDER",
    help="Folder of all data, ./data unless told; a second start goes on where the first stopped.",
)
@config_option
def up(config: str | None, **flags: Any) -> None:
    """Start Kafka, consumers, gateway, console and simulated stations here; Ctrl-C ends them all.

    Kafka is a real one, but a single broker: fit for a look and for development. Its data stays in
    --data, and so do the tables of the consumers, in files of SQLite. Authorize and
    StartTransaction are decided by the consumer authorizations, unless CHARGEWIRE_DECIDED says
    else. Ports are settings of the gateway: CHARGEWIRE_LISTEN, CHARGEWIRE_ADMIN (consumers take
    the ports after it), CHARGEWIRE_KAFKA for the broker, and CHARGEWIRE_CONSOLE_LISTEN. Who opens
    the console by the link that is printed may send commands; its token is another one each time,
    unless CHARGEWIRE_CONSOLE_TOKEN has one.

    \b
    Examples:
      chargewire up
      chargewire up --stations 0
      chargewire up --stations 50 --data ./fleet
      CHARGEWIRE_LISTEN=0.0.0.0:9010 chargewire up
    """
    plan = settings(Plan, {**flags, "config": config, "allow_single_replica": True})
    from deploy.local.up import run  # noqa: PLC0415 - brings all of it along

    click.get_current_context().exit(run(replace(plan, config=config)))
