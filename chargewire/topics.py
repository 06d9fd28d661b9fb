"""`chargewire topics`: the topics of the bus, as the topic table wants them."""

from collections.abc import Iterable
from typing import Any

import click

from chargewire.options import kafka_options, settings
from programs.settings import KafkaSettings
from schemas.topics import REPLICATION, TOPICS, Change, layouts, plan

# What the platform says, and nobody could say again; all else is told anew, or is history.
_SAID = tuple(row.name for row in TOPICS.values() if row.writer == "the platform")
_COLOURS = {"create": "green", "alter": "yellow", "refuse": "red"}


@click.group()
def topics() -> None:
    """Create the topics, and keep them as they should be."""


@topics.command(short_help="Create what is missing, set right what differs.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option(
    "--replication",
    type=click.IntRange(min=1),
    default=REPLICATION,
    show_default=True,
    metavar="N",
    help="Replicas of each topic; fewer than 3 do not survive the loss of a broker.",
)
@click.option("--partitions", metavar="N", help="Partitions of each topic, chosen once.")
@click.option("--frame-limit-bytes", metavar="N", help="The gateway's frame limit.")
@kafka_options
def apply(dry_run: bool, replication: int, **flags: Any) -> None:
    """Create what is missing and set right what differs; topics of others stay alone.

    Where something cannot be set right from here, such as a number of partitions, nothing at all is
    changed, and it ends with 1; with --dry-run also where something would be changed.

    \b
    Examples:
      chargewire topics apply --dry-run
      chargewire topics apply --kafka broker-1:9092
      chargewire topics apply --replication 1        a single broker, for a look
    """
    from chargewire.log.reading import quiet, run  # noqa: PLC0415 - Kafka's client is slow to import
    from programs.kafka import admin  # noqa: PLC0415
    from schemas import records  # noqa: PLC0415

    made = settings(KafkaSettings, flags)
    wanted = layouts(
        made.prefix,
        partitions=made.partitions,
        replication=replication,
        frame_limit_bytes=made.frame_limit_bytes,
        tables=records.TABLES,
    )
    with quiet():
        changes = plan(run(admin.existing(made), made.kafka), wanted)
    for line in lines(changes, dry_run=dry_run):
        click.echo(line)
    if any(change.kind == "refuse" for change in changes):
        # Half a plan can be worse than none: two in-sync replicas wanted of one take no record.
        raise click.ClickException(
            "nothing was changed: topics that are there cannot be given other partitions or"
            " replicas from here.\nIf they are meant to be so, say it with --replication or"
            " --partitions."
        )
    if changes and not dry_run:
        run(admin.apply(made, changes), made.kafka)
        click.echo(f"done: {len(changes)} changes")
    click.get_current_context().exit(1 if changes and dry_run else 0)


@topics.command(short_help="Take tokens and stations along to another prefix.")
@click.option("--from-prefix", required=True, metavar="TEXT", help="Where they are now.")
@click.option("--dry-run", is_flag=True, help="Only show how many would be written.")
@kafka_options
def copy(from_prefix: str, dry_run: bool, **flags: Any) -> None:
    """Say below --prefix what is said of each token and each station below another one.

    These topics keep the last record of each key, and no log tells it again. Each goes where the
    number of partitions there wants it. What is the same there already is not written, so it can
    be done once more when nobody writes to the old ones any longer. Events are not copied: they
    name places in the log that they are in.

    \b
    Example:
      chargewire topics copy --from-prefix ocpp. --prefix ocpp2.
    """
    from chargewire.log import states  # noqa: PLC0415 - Kafka's client is slow to import
    from chargewire.log.reading import run  # noqa: PLC0415

    source = settings(KafkaSettings, flags | {"prefix": from_prefix})
    target = settings(KafkaSettings, flags)
    if source.prefix == target.prefix:
        raise click.UsageError("--prefix and --from-prefix are the same")
    unread: list[str] = []
    for topic in _SAID:
        done = run(states.copy(source, target, topic, dry_run=dry_run), target.kafka)
        verb = "to be written" if dry_run else "written"
        click.echo(f"{target.prefix}{topic}: {done.keys} keys, {done.written} {verb}")
        unread += done.unread
    if unread:
        raise click.ClickException("\n".join(["these cannot be read:", *unread]))


def lines(changes: Iterable[Change], *, dry_run: bool) -> list[str]:
    """One line for each change, or that there is none."""
    found = []
    for change in changes:
        would = "would " if dry_run and change.kind != "refuse" else ""
        found.append(click.style(would + change.text, fg=_COLOURS[change.kind]))
    return found or ["all topics are as they should be"]
