"""`chargewire stations`: who is connected where."""

import json
import time
from typing import Any

import click

from chargewire.options import kafka_options, settings
from chargewire.stations.importing import import_
from chargewire.stations.presence import ACTIONS, TOPICS, Presence, fold, present, table
from chargewire.stations.treatment import delete, put
from chargewire.tables.layout import columns
from chargewire.tables.listing import DATA, STORE
from consumers.config import Config, completed

_CONSUMER = "stations"


@click.group(invoke_without_command=True)
@click.option("--json", "as_objects", is_flag=True, help="One JSON object a line.")
@click.option("--connected", is_flag=True, help="Only those that are connected.")
@click.option("--from-log", is_flag=True, help="Read the log itself, however long it is.")
@STORE
@DATA
@kafka_options
def stations(as_objects: bool, connected: bool, from_log: bool, **flags: Any) -> None:
    """Show who is connected where, since when, with which version and last status.

    Reads the tables of `chargewire consume stations`; with --from-log the connection log and what
    stations said of themselves. The commands below say how the gateway is to treat a station.

    \b
    Examples:
      chargewire stations
      chargewire stations --connected
      chargewire stations --json | jq 'select(.connected | not)'
      chargewire stations put CW-0001 --registration Pending
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    made = completed(_CONSUMER, settings(Config, flags))
    found = _from_log(made) if from_log else _from_store(made)
    rows = [row for row in found if row.connected or not connected]
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


stations.add_command(put)
stations.add_command(import_)
stations.add_command(delete)


def _from_store(made: Config) -> list[Presence]:
    from sqlalchemy import select  # noqa: PLC0415 - databases are slow to import

    from chargewire.tables.store import Unreadable, read  # noqa: PLC0415
    from consumers.stations.connectors import CONNECTORS  # noqa: PLC0415
    from consumers.stations.projection import STATIONS  # noqa: PLC0415

    places = CONNECTORS.c
    statement = (
        select(STATIONS, places.evse, places.connector, places.status)
        .outerjoin(CONNECTORS, places.station == STATIONS.c.station)
        .order_by(STATIONS.c.station, places.evse, places.connector)
    )
    found: list[Any] = []
    try:
        read(made.store, _CONSUMER, statement, found.append)
    except Unreadable as error:
        raise click.ClickException(
            f"{error.message}\nWithout it, `chargewire stations --from-log` reads the log itself."
        ) from error
    return present(found)


def _from_log(made: Config) -> list[Presence]:
    from chargewire.log.reading import run  # noqa: PLC0415 - Kafka's client is slow to import

    return run(_read(made), made.kafka)


async def _read(made: Config) -> list[Presence]:
    from chargewire.log.reading import opened  # noqa: PLC0415
    from programs import registry  # noqa: PLC0415

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
