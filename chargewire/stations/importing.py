"""`chargewire stations import`: how the gateway is to treat many stations."""

import sys
import time
from collections.abc import Mapping
from typing import Any

import click

from chargewire.options import kafka_options, settings
from chargewire.stations import files
from chargewire.stations.files import Line, WrongFile
from chargewire.stations.records import record
from chargewire.stations.treatment import hashed
from programs.settings import KafkaSettings

_BAD_SHOWN = 20


@click.command("import", short_help="Take over stations from a file.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@kafka_options
def import_(file: str, **flags: Any) -> None:
    """Take over stations from a file of comma-separated values, or from standard input (-).

    Its first line names the columns: station, and any of registration, interval, group, quirks
    (separated by semicolons), profile, ping_interval, password. What a line leaves empty stays as
    it was. Passwords are kept hashed. Where a line is bad, nothing at all is written.

    \b
    Example:
      chargewire stations import stations.csv
    """
    made = settings(KafkaSettings, flags)
    try:
        with click.open_file(file, encoding="utf-8-sig") as stream:
            found = list(files.lines(stream))
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file}: the file is no UTF-8") from error
    except WrongFile as error:
        raise click.ClickException(f"{file}: {error}") from error
    bad = [line for line in found if line.wrong]
    for line in bad[:_BAD_SHOWN]:
        click.echo(f"line {line.number}: {line.wrong}", err=True)
    if bad:
        raise click.ClickException(
            f"{len(bad)} of {len(found)} lines are bad, so nothing was written"
        )
    _write(made, {line.station.encode(): line for line in found})


def _write(made: KafkaSettings, lines: Mapping[bytes, Line]) -> None:
    from chargewire.log import states  # noqa: PLC0415 - Kafka's client is slow to import
    from chargewire.log.reading import run  # noqa: PLC0415

    began_s, now_ms = time.monotonic(), time.time_ns() // 1_000_000

    def decide(there: Mapping[bytes, Any]) -> Mapping[bytes, Any]:
        return {
            key: record(line.station, there.get(key), _given(line), (), now_ms)
            for key, line in lines.items()
        }

    with click.progressbar(
        length=len(lines), label="Writing", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        run(states.change(made, "stations", lines.keys(), decide, written=bar.update), made.kafka)
    took_s = time.monotonic() - began_s
    click.echo(f"{len(lines)} stations written ({took_s:.1f} s)", err=True)


def _given(line: Line) -> dict[str, Any]:
    return {**line.given, **(hashed(line.password.encode()) if line.password else {})}
