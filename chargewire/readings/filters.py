"""Which meter readings are meant: the options that say so, and the SELECT that they make."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from chargewire.tables.listing import Since

_F = TypeVar("_F", bound=Callable[..., Any])


class Place(click.ParamType[tuple[int, int | None]]):
    """A connector as lists show it: 1, or EVSE and connector, 2.1."""

    name = "CONNECTOR"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int | None]:
        """The EVSE (the connector, of a station without EVSEs), and the connector of the EVSE."""
        first, dot, second = str(value).partition(".")
        if not first.isdecimal() or (dot and not second.isdecimal()):
            self.fail(f"{value!r} is neither a connector, 1, nor one of an EVSE, 2.1", param, ctx)
        return int(first), int(second) if dot else None


_OPTIONS: dict[str, Any] = {
    "station": {"metavar": "STATION", "help": "Only those of one station."},
    "transaction": {"metavar": "ID", "help": "Only those of this transaction id."},
    "connector": {"type": Place(), "help": "Only those of a connector (1), or an EVSE (2, 2.1)."},
    "measurand": {"metavar": "NAME", "help": "Only these, such as Power.Active.Import."},
    "phase": {"metavar": "NAME", "help": "Only those of a phase, such as L1."},
    "since": {"type": Since(), "help": "Only what the gateway read since then."},
    "until": {"type": Since(), "help": "Only what the gateway read before then."},
    "once": {
        "is_flag": True,
        "help": "Without what the station told once more, for sums and means: with --station.",
    },
}
FILTERS = tuple(_OPTIONS)


def filters(command: _F) -> _F:
    """Give a command the options, of which `statement` takes the values."""
    for name, told in reversed(_OPTIONS.items()):
        command = click.option(f"--{name}", **told)(command)
    return command


def statement(
    *, newest: int | None = None, connector: tuple[int, int | None] | None, **wanted: Any
) -> Any:
    """A SELECT of meter readings, each station's in the order in which it told them.

    Of the `newest` so many are chosen by the gateway's clock, and come in its order. Raises
    click.UsageError.
    """
    if wanted["once"] and wanted["station"] is None:
        raise click.UsageError(
            "--once needs --station: what was told once more is found by sorting all readings, "
            "of the whole table where no station is named"
        )
    from sqlalchemy import MetaData, and_, func, select  # noqa: PLC0415 - slow to import

    from consumers.meter_readings.projection import METER_READINGS  # noqa: PLC0415
    from consumers.meter_readings.views import READINGS_ONCE  # noqa: PLC0415

    told = METER_READINGS
    if wanted["once"]:
        told = METER_READINGS.to_metadata(MetaData(), name=READINGS_ONCE)
    of = told.c
    equal = {
        "station": of.station,
        "transaction": of.transaction_id,
        "measurand": of.measurand,
        "phase": of.phase,
    }
    asked = [column == wanted[name] for name, column in equal.items() if wanted[name] is not None]
    if wanted["since"] is not None:
        asked.append(of.observed_ms >= wanted["since"])
    if wanted["until"] is not None:
        asked.append(of.observed_ms < wanted["until"])
    if connector is not None:
        evse, inner = connector
        asked.append(
            func.coalesce(of.evse, of.connector) == evse
            if inner is None
            else and_(of.evse == evse, of.connector == inner)
        )
    found = select(told).where(*asked)
    order = (of.station, of.epoch, of.sequence, of.sample_no)
    if newest is None:
        return found.order_by(*order)
    last = found.order_by(of.observed_ms.desc(), *(one.desc() for one in order)).limit(newest)
    chosen = last.subquery("newest")
    return select(chosen).order_by(chosen.c.observed_ms, *(chosen.c[one.name] for one in order))
