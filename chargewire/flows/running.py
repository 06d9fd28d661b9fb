"""What the commands of all flows have alike: options, the run, and how it ends."""

import time
from collections.abc import Callable, Mapping
from secrets import randbelow
from typing import Any, TypeVar

import click

from chargewire.durations import Seconds, duration_ms
from chargewire.options import kafka_options, settings
from chargewire.tokens.records import TYPES, Wrong, expiry
from programs.settings import KafkaSettings

_F = TypeVar("_F", bound=Callable[..., Any])
_IDS = 2**31 - 1  # what every station takes for an integer

AS_OBJECTS = click.option("--json", "as_objects", is_flag=True, help="A JSON object a line.")
PLACE = click.option(
    "--connector",
    "--evse",
    "place",
    type=click.IntRange(min=0),
    metavar="N",
    help="The connector (1.6) or EVSE (2.x); any by default.",
)
TOKEN = click.option("--token", required=True, metavar="TOKEN", help="Who is to charge.")
TOKEN_TYPE = click.option(
    "--type",
    "token_type",
    type=click.Choice(TYPES, case_sensitive=False),
    default="ISO14443",
    show_default=True,
    metavar="TYPE",
    help="What kind of token it is (2.x).",
)


class Moment(click.ParamType[int]):
    """A time to come: itself, or from now on."""

    name = "TIME|DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Epoch milliseconds."""
        if isinstance(value, int):
            return value
        if after_ms := duration_ms(str(value)):
            return now_ms() + after_ms
        try:
            at_ms = expiry(str(value))
        except Wrong:
            at_ms = None
        if at_ms is None:
            self.fail(f"{value!r} is none of 2027-01-31T18:00:00Z, 30m, 2h, 7d", param, ctx)
        return at_ms


def waiting(default: str, what: str) -> Callable[[_F], _F]:
    """Give a command the option --wait."""
    return click.option(
        "--wait", "wait_s", type=Seconds(), default=default, show_default=True, help=what
    )


def flow_options(command: _F) -> _F:
    """Give a command what every flow takes: --json, and where Kafka is."""
    return AS_OBJECTS(kafka_options(command))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def a_number() -> int:
    """One by which a station tells later which of our calls it means; never 0."""
    return 1 + randbelow(_IDS)


def run_flow(  # noqa: PLR0913 - what differs from flow to flow
    station: str,
    make: Callable[[str], Any],
    flags: Mapping[str, Any],
    *,
    form: str = "text",
    is_table: bool = False,
    stored: Callable[[], Any] | None = None,
    made: KafkaSettings | None = None,
) -> None:
    """Run a flow that `make` makes for a version, and end the program as it ends.

    0: reached, 1: not, 130: Ctrl-C, of which a station knows nothing.
    """
    from chargewire.flows.driving import drive  # noqa: PLC0415 - Kafka's client is slow to import
    from chargewire.flows.views import View  # noqa: PLC0415
    from chargewire.log.reading import run  # noqa: PLC0415

    context = click.get_current_context()
    made = made or settings(KafkaSettings, flags)
    view = View(context.info_name or "", station, form=form, is_table=is_table, now_ms=now_ms)
    try:
        reached = run(drive(made, station, make, view.show, stored), made.kafka)
    except KeyboardInterrupt:
        if view.asked:
            hint = f"{station} goes on by itself: `chargewire tail {station}` shows it."
            click.echo(f"\nNobody waits any more, but {hint}", err=True)
        context.exit(130)
    context.exit(0 if reached else 1)
