"""`chargewire size`: what fleets of some sizes need."""

import click

from chargewire.tables.layout import columns

_ABOVE_0 = click.FloatRange(min=0, min_open=True)
_NOT_BELOW_0 = click.FloatRange(min=0)


@click.command(
    short_help="What a fleet of so many stations needs.", context_settings={"show_default": True}
)
@click.argument("stations", nargs=-1, required=True, type=click.IntRange(min=1))
@click.option("--sessions", type=_NOT_BELOW_0, default=2.0, help="Sessions of a station on a day.")
@click.option("--session-s", type=_ABOVE_0, default=7200.0, help="How long each of them takes.")
@click.option("--sample-s", type=_ABOVE_0, default=300.0, help="Time from a sample to the next.")
@click.option("--values", type=click.IntRange(min=0), default=6, help="Values in a sample.")
@click.option("--heartbeat-s", type=_ABOVE_0, default=300.0, help="Time between heartbeats.")
@click.option("--commands", type=_NOT_BELOW_0, default=1.0, help="Commands to a station on a day.")
@click.option("--profile", type=click.IntRange(0, 3), default=0, help="OCPP security profile.")
@click.option("--peak", type=_ABOVE_0, default=3.0, help="The busiest hour over the mean.")
@click.option("--return-s", type=_ABOVE_0, default=300.0, help="All shall be back within so long.")
@click.option(
    "--readings-kept-days",
    type=_NOT_BELOW_0,
    default=0.0,
    help="CHARGEWIRE_READINGS_KEPT_DAYS; 0: for ever.",
)
@click.option("--partitions", type=click.IntRange(min=1), default=12, help="Of every topic.")
def size(stations: tuple[int, ...], **said: float) -> None:
    """Tell what so many stations need, of Kafka, gateways, consumers and PostgreSQL.

    It is worked out from what was measured on one machine, for the day that the options describe;
    docs/runbook.md says what the lines mean. Cores and instances are to be half used.

    \b
    Examples:
      chargewire size 5000
      chargewire size 1000 100000 1000000
      chargewire size 5000 --readings-kept-days 90
      chargewire size 20000 --sessions 4 --sample-s 60 --heartbeat-s 3600 --profile 3
    """
    from chargewire.size.sizing import Fleet, needs  # noqa: PLC0415 - the tables of all consumers

    made = [dict(needs(Fleet(stations=number, **said))) for number in stations]  # type: ignore[arg-type]
    heads = ["STATIONS", *(f"{number:,}" for number in stations)]
    rows = [[name, *(one[name] for one in made)] for name in made[0]]
    widths = [max(len(row[at]) for row in [heads, *rows]) for at in range(len(heads))]
    aligned = [
        [row[0], *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in [heads, *rows]
    ]
    for line in columns(aligned):
        click.echo(line)
