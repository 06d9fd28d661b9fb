"""`chargewire config`: which settings are in force, and where each came from."""

import json
from collections.abc import Iterable

import click

from chargewire.console import config as console_config
from chargewire.options import config_option, settings
from consumers import config as consumer_config
from consumers.services import SERVICES
from consumers.stores.engines import shown
from gateway.config import Config
from programs.settings import Row, describe

_PROGRAMS = ("gateway", "console", *SERVICES)


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command(short_help="Every setting, its value, and where it came from.")
@click.argument("program", type=click.Choice(_PROGRAMS), required=False, metavar="[PROGRAM]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--all", "every", is_flag=True, help="Also what each setting is for.")
@config_option
def show(program: str | None, as_json: bool, every: bool, config: str | None) -> None:
    """Show every setting with its value and where it came from; secrets are masked.

    Those of PROGRAM alone, which is gateway, console or the name of a consumer; by default those of
    the gateway, and then what consumers and the console have beside. Flags win over environment
    variables, these over the file, the file over defaults.

    \b
    Examples:
      chargewire config show
      chargewire config show transactions
      chargewire config show --all | less
      CHARGEWIRE_WORKERS=2 chargewire config show --json
    """
    given = {"config": config}
    if program in SERVICES:
        made = settings(consumer_config.Config, given)
        parts = {"": _of_consumer(consumer_config.completed(str(program), made))}
    elif program == "console":
        parts = {"": describe(settings(console_config.Config, given))}
    else:
        parts = {"": describe(settings(Config, given))}
        if program is None:
            rows = _of_consumer(settings(consumer_config.Config, given))
            parts["consumers have beside:"] = _beside(parts[""], rows)
            rows = describe(settings(console_config.Config, given))
            parts["the console has beside:"] = _beside(parts[""], rows)
    if as_json:
        rows = [row for part in parts.values() for row in part]
        found = {row.name: {"value": row.value, "source": row.source} for row in rows}
        click.echo(json.dumps(found, indent=2))
        return
    for heading, part in parts.items():
        if heading:
            click.echo(f"\n{heading}\n")
        for line in lines(part, every=every):
            click.echo(line)


def _beside(known: Iterable[Row], rows: Iterable[Row]) -> list[Row]:
    """What a program can be told and the gateway cannot."""
    names = {row.name for row in known}
    return [row for row in rows if row.name not in names]


def _of_consumer(made: consumer_config.Config) -> list[Row]:
    return [
        row._replace(value=shown(made.store)) if row.name == "store" and made.store else row
        for row in describe(made)
    ]


def lines(rows: Iterable[Row], *, every: bool) -> list[str]:
    """One line for each setting, those that were set stand out; with `every`, its meaning too."""
    found = list(rows)
    wide = max((len(row.variable) for row in found), default=0)
    told = []
    for row in found:
        unit = f" {row.unit}" if row.unit else ""
        origin = "" if row.source == "default" else f"   ({row.source})"
        line = f"{row.variable:{wide}}  {plain(row.value)}{unit}{origin}"
        told.append(click.style(line, bold=True) if origin else line)
        if every:
            default = "" if row.default is None else f" (default {plain(row.default)})"
            told.append(click.style(f"{'':{wide}}  {row.doc}{default}", dim=True))
    return told


def plain(value: object) -> str:
    """A value as one would write it in the environment; nothing is a dash."""
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(map(str, value)) or "-"
        case float():
            return f"{value:g}"
    return str(value) or "-"
