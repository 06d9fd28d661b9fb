"""`chargewire stations`: who is connected where."""

import json
import time
from typing import Any

import click

from chargewire.options import kafka_options, settings
from chargewire.presence import ACTIONS, TOPICS, Presence, fold, table
from chargewire.table import columns
from schemas.settings import KafkaSettings


@click.command()
@click.option("--json", "as_objects", is_flag=True, help="One JSON object a line.")
@click.option("--connected", is_flag=True, help="Only those that are connected.")
@kafka_options
def stations(as_objects: bool, connected: bool, **flags: Any) -> None:
    """Show who is connected where, since when, with which version and last status.

    Reads the connection log to its end, and what stations said of themselves.

    \b
    Examples:
      chargewire stations
      chargewire stations --connected
      chargewire stations --json | jq 'select(.connected | not)'
    """
    from chargewire.reading import run  # noqa: PLC0415 - Kafka's client is slow to import

    made = settings(KafkaSettings, flags)
    rows = [row for row in run(_read(made), made.kafka) if row.connected or not connected]
    if as_objects:
        for row in rows:
            click.echo(json.dumps(row.as_json(), ensure_ascii=False))
    elif not rows:
        click.echo("No station yet. Point one at ws://HOST:9000/ocpp/<station id>.", err=True)
    else:
        heading, *lines = columns(table(rows, time.time_ns() // 1_000_000))
        click.echo(heading)
        for row, line in zip(rows, lines, strict=True):
            click.echo(line if row.connected else click.style(line, dim=True))


async def _read(made: KafkaSettings) -> list[Presence]:
    from chargewire.reading import opened  # noqa: PLC0415
    from schemas import registry  # noqa: PLC0415

    def wanted(raw: Any) -> bool:
        # Event types name the action (ocpp.v16.StatusNotification.request): no need to decode.
        kind = dict(raw.headers).get("ce_type", b"").decode(errors="replace")
        return raw.topic.endswith("connections") or any(f".{name}." in kind for name in ACTIONS)

    async with opened(made, await registry.codec(made)) as log:
        found = []
        places = await log.partitions(TOPICS)
        async for entries in log.read(places, since=0, follow=False, keep=wanted):
            found += entries
    return fold(found)
