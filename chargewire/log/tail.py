"""`chargewire tail`: the log, one readable line for each event."""

import difflib
import shutil
import sys
import time
from collections.abc import Collection
from typing import Any

import click

from chargewire.durations import duration_ms
from chargewire.log.summary import Entry, as_json, in_order, line
from chargewire.options import kafka_options, settings
from programs.settings import KafkaSettings
from schemas.catalogue import BLOCKS

EVENTS = ("connections", *BLOCKS, "rejected")  # all that tells of a station, by its key


def since_ms(text: str, now_ms: int) -> int | None:
    """Read --from: beginning (0), end (None), or a time before now as epoch milliseconds.

    ValueError when it is none of these.
    """
    if text in ("beginning", "end"):
        return 0 if text == "beginning" else None
    ago_ms = duration_ms(text)
    if ago_ms is None:
        raise ValueError(f"{text!r} is none of beginning, end, 90s, 15m, 2h, 7d")
    return now_ms - ago_ms


class Start(click.ParamType[tuple[int | None]]):
    """Where in the log to begin."""

    name = "beginning|end|DURATION"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | None]:
        try:
            # In a tuple: a bare None would mean to click that nothing was given.
            return (since_ms(str(value), time.time_ns() // 1_000_000),)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def chosen(what: str | None, prefix: str, known: Collection[str]) -> tuple[list[str], str | None]:
    """Find the topics to read (without prefix), and the station if `what` names one.

    `what` is a topic with or without prefix, a functional block, a station id, or None: all
    events. `known` are the topics that exist.
    """
    everything = [topic for topic in EVENTS if topic in known]
    if what is None:
        return everything, None
    topic = what.removeprefix(prefix)
    if topic in known or topic in EVENTS or (prefix and what.startswith(prefix)):
        return [topic], None
    return everything, what


@click.command()
@click.argument("what", required=False, metavar="[TOPIC|BLOCK|STATION]")
@click.option("--json", "as_objects", is_flag=True, help="One JSON object a line, complete.")
@click.option(
    "--from",
    "since",
    type=Start(),
    default="end",
    show_default=True,
    help="Where to begin: at the beginning of the log, at its end, or so long ago (90s, 15m, 2h).",
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="Stop after so many events.")
@click.option("--no-follow", is_flag=True, help="Stop at the end of the log.")
@kafka_options
def tail(
    what: str | None,
    as_objects: bool,
    since: tuple[int | None],
    count: int | None,
    no_follow: bool,
    **flags: Any,
) -> None:
    """Show events as they happen, one readable line each; Ctrl-C ends it.

    Each line has the time (UTC), the station, the direction (→ from the station, ← to it), the
    action, the kind of frame and what it says; rules that were bent stand in brackets at its end.

    \b
    Examples:
      chargewire tail                            all stations, from now on
      chargewire tail CW-0001 --from 15m         one station
      chargewire tail transactions               one functional block
      chargewire tail rejected --from beginning  dead letters
      chargewire tail --json --count 100 | jq .payload
    """
    from chargewire.log.reading import run  # noqa: PLC0415 - Kafka's client is slow to import

    made = settings(KafkaSettings, flags)
    printer = Printer(as_objects=as_objects, count=count)
    follow = not no_follow
    try:
        run(_follow(made, what, since[0], printer, follow=follow), made.kafka)
    except KeyboardInterrupt:
        click.get_current_context().exit(130)


def tell_guess(station: str) -> None:
    """A misspelt topic is taken for a station: say so, on standard error."""
    if near := difflib.get_close_matches(station, EVENTS, n=1, cutoff=0.75):
        hint = f"{station} is no topic, so it is taken for a station id. Did you mean {near[0]}?"
        click.echo(hint, err=True)


def tell_nothing(what: str | None, *, follow: bool, everything: bool) -> None:
    """Nothing has come up to the end of the log: say so, on standard error.

    Whoever waits for more is told only on a terminal, where a silence looks like a fault.
    """
    of = f" of {what}" if what else ""
    if not follow:
        hint = "" if everything else " The whole log is --from beginning."
        click.echo(f"No event{of} there.{hint}", err=True)
    elif sys.stderr.isatty():
        click.echo(f"Waiting for events{of}; Ctrl-C ends it.", err=True)


class Printer:
    """Writes entries until it has written enough."""

    def __init__(self, *, as_objects: bool, count: int | None) -> None:
        self._as_objects = as_objects
        self._left = count
        self.silent = True
        # Whoever reads a pipe wants whole lines.
        self._width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 1_000_000

    def show(self, entries: Collection[Entry]) -> bool:
        """Write the entries in this order; tells whether more is wanted."""
        for entry in entries:
            if self._left == 0:
                break
            self.silent = False
            click.echo(as_json(entry) if self._as_objects else line(entry, self._width))
            if self._left is not None:
                self._left -= 1
        return self._left != 0


async def _follow(
    made: KafkaSettings, what: str | None, since: int | None, printer: Printer, *, follow: bool
) -> None:
    from chargewire.log.reading import opened  # noqa: PLC0415
    from programs import registry  # noqa: PLC0415
    from schemas.topics import partition  # noqa: PLC0415

    async with opened(made, await registry.codec(made)) as log:
        topics, station = chosen(what, made.prefix, await log.topics())
        places = await log.partitions(topics or ["connections"])
        if station is not None:
            tell_guess(station)
            key = station.encode()
            count = len({place.partition for place in places})
            places = [place for place in places if place.partition == partition(key, count)]
        past: list[Entry] | None = [] if station is not None else None
        keep = (lambda raw: raw.key == key) if station is not None else (lambda _: True)
        async for entries in log.read(places, since=since, follow=follow, keep=keep):
            if past is not None and entries:
                past += entries  # what lies behind is put in order first, across topics
                continue
            ready, past = in_order(past) if past is not None else entries, None
            if not printer.show(ready):
                return
            if printer.silent:
                tell_nothing(what, follow=True, everything=since == 0)
        printer.show(in_order(past or ()))
        if printer.silent:
            tell_nothing(what, follow=False, everything=since == 0)
