"""`chargewire consume`: run one of the consumers until it is told to stop."""

from typing import Any

import click

from chargewire.options import kafka_options, settings
from consumers.config import Config, completed
from consumers.services import SERVICES

_NAMES = "\b\n" + "\n".join(f"  {name:<16}{one.doc}" for name, one in SERVICES.items())


@click.command(
    help=f"""Fold the log into the tables of a consumer, for ever.

{_NAMES}

Rows and the place in the log are committed together, so nothing is counted twice or left out,
whatever breaks. Start it as often as you like on PostgreSQL: instances share the partitions. A
file of SQLite is for one.

Tables can always be made anew: --rebuild throws them away and folds the log from its beginning.
They are brought up to date at each start; --migrate does that alone, before a new version starts.

\b
Examples:
  chargewire consume transactions
  chargewire consume stations --store postgresql://chargewire@db/chargewire
  chargewire consume meter-readings --rebuild
"""
)
@click.argument("name", type=click.Choice(list(SERVICES)), metavar="NAME")
@click.option("--store", metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST/DATABASE.")
@click.option("--data", metavar="FOLDER", help="Where the file is, when no store is named.")
@click.option("--admin", metavar="HOST:PORT", help="Where metrics and health are.")
@click.option("--rebuild", is_flag=True, help="Throw all rows away and begin again.")
@click.option(
    "--from-what-is-left",
    is_flag=True,
    help="Rebuild though the log has lost its beginning: rows made of that are lost.",
)
@click.option("--migrate", is_flag=True, help="Bring the tables up to date, then end.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
@click.option("--log-format", metavar="FORMAT", help="auto, json or console.")
@click.option("--check", is_flag=True, help="Check the configuration, then end.")
@kafka_options
def consume(
    name: str,
    rebuild: bool,
    from_what_is_left: bool,
    migrate: bool,
    check: bool,
    **flags: Any,
) -> None:
    """See above: the text is made of the table of consumers."""
    if migrate and rebuild:
        raise click.UsageError("--migrate keeps the rows, --rebuild throws them away: choose one")
    if from_what_is_left and not rebuild:
        raise click.UsageError("--from-what-is-left goes with --rebuild")
    config = completed(name, settings(Config, flags))
    if check:
        click.echo("The configuration is right.")
        return
    if migrate:
        from consumers import migrate as migration  # noqa: PLC0415 - see below

        click.get_current_context().exit(migration.run(config, name))
    from consumers.program import run  # noqa: PLC0415 - the whole consumer, only where it runs

    code = run(
        config,
        SERVICES[name].consumer,
        sequels=SERVICES[name].sequels,
        rebuilds=rebuild,
        whole_log=not from_what_is_left,
    )
    click.get_current_context().exit(code)
