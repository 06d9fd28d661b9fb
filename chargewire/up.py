"""`chargewire up`: everything on this machine."""

from pathlib import Path
from typing import Any

import click

from chargewire.options import WrongSettings
from schemas.settings import SettingsError


@click.command()
@click.option(
    "--stations",
    type=click.IntRange(min=0),
    default=4,
    show_default=True,
    metavar="N",
    help="Simulated stations; 0 for none.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    envvar="CHARGEWIRE_DATA",
    help="Folder of the broker's data; a second start goes on where the first stopped.",
)
@click.option("--config", type=click.Path(dir_okay=False), help="TOML file with settings.")
def up(**options: Any) -> None:
    """Start Kafka, the gateway and simulated stations on this machine; Ctrl-C ends them all.

    Kafka is a real one, but a single broker: fit for a look and for development. Its data stays in
    --data. Ports are settings of the gateway: CHARGEWIRE_LISTEN, CHARGEWIRE_ADMIN, and
    CHARGEWIRE_KAFKA for the broker.

    \b
    Examples:
      chargewire up
      chargewire up --stations 0
      chargewire up --stations 50 --data ./fleet
      CHARGEWIRE_LISTEN=0.0.0.0:9010 chargewire up
    """
    from deploy.local.up import run  # noqa: PLC0415 - brings the whole gateway along

    try:
        code = run(**options)
    except SettingsError as error:
        raise WrongSettings(error.problems) from error
    click.get_current_context().exit(code)
