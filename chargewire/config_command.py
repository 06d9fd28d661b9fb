"""`chargewire config`: which settings are in force, and where each came from."""

import json
from collections.abc import Iterable

import click

from chargewire.options import config_option, settings
from gateway.config import Config
from schemas.settings import Row, describe


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command(short_help="Every setting, its value, and where it came from.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--all", "every", is_flag=True, help="Also what each setting is for.")
@config_option
def show(as_json: bool, every: bool, config: str | None) -> None:
    """Show every setting with its value and where it came from; secrets are masked.

    Flags win over environment variables, these over the file, the file over defaults.

    \b
    Examples:
      chargewire config show
      chargewire config show --all | less
      CHARGEWIRE_WORKERS=2 chargewire config show --json
    """
    rows = describe(settings(Config, {"config": config}))
    if as_json:
        found = {row.name: {"value": row.value, "source": row.source} for row in rows}
        click.echo(json.dumps(found, indent=2))
    else:
        for line in lines(rows, every=every):
            click.echo(line)


def lines(rows: Iterable[Row], *, every: bool) -> list[str]:
    """One line for each setting, those that were set stand out; with `every`, its meaning too."""
    found = list(rows)
    wide = max(len(row.variable) for row in found)
    shown = []
    for row in found:
        unit = f" {row.unit}" if row.unit else ""
        origin = "" if row.source == "default" else f"   ({row.source})"
        line = f"{row.variable:{wide}}  {plain(row.value)}{unit}{origin}"
        shown.append(click.style(line, bold=True) if origin else line)
        if every:
            default = "" if row.default is None else f" (default {plain(row.default)})"
            shown.append(click.style(f"{'':{wide}}  {row.doc}{default}", dim=True))
    return shown


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
