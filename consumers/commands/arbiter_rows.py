"""Reads from a store what the arbiter of commands judges by."""

import base64
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, text, true, tuple_

from consumers.commands.arbitration import Limits
from consumers.commands.live_connections import CONNECTIONS_NOW
from consumers.commands.projection import COMMAND_ORIGINS, COMMANDS, SETTLED, TAKEN, WAITING
from consumers.stores.bookkeeping import POISON
from consumers.stores.store import Store
from consumers.tables.projections import Row

PAGE = 1000
Place = tuple[str, str]
"""Station and id of a command: where a page begins."""

_OF, _NOW = COMMANDS.c, CONNECTIONS_NOW.c
# As the index has it, to the letter: else it is not used.
_OPEN = text("commands.state <> 'ended'")


async def owed(
    store: Store, now_ms: int, limits: Limits, after: Place, stations: Collection[str] = ()
) -> list[Row]:
    """A page of open commands for which there may be something to do, by station and id.

    Of some stations, or all; without those that wait for their station, or for a gateway that has
    them. Each row has the columns `connected` and `epoch` of the station's newest connection, and
    those of the command's origin. Raises Away.
    """
    page = _joined().where(_OPEN, _OF.asked_position.is_not(None), _owed(now_ms, limits))
    page = page.where(tuple_(_OF.station, _OF.command_id) > tuple_(*after))
    if stations:
        page = page.where(_OF.station.in_(stations))
    return await _select(store, page.order_by(_OF.station, _OF.command_id).limit(PAGE))


async def states(store: Store) -> dict[str, int]:
    """How many commands are open, by state. Raises Away."""
    counted = select(_OF.state, func.count().label("number")).where(_OPEN).group_by(_OF.state)
    rows = await _select(store, counted.select_from(COMMANDS))
    return {row["state"]: row["number"] for row in rows}


async def held_by_none_of(store: Store, gateways: Collection[str], after: str) -> list[Row]:
    """A page of connections, by station, that stand and are of none of these gateways."""
    stand = (_NOW.connected.is_(true()), _NOW.gateway.not_in(gateways), _NOW.station > after)
    page = select(CONNECTIONS_NOW).where(*stand).order_by(_NOW.station).limit(PAGE)
    return await _select(store, page)


async def set_aside(
    store: Store, after: Mapping[int, int]
) -> list[tuple[int, int, bytes | None, bytes]]:
    """A page of records of commands that were set aside: partition number, offset, key, value.

    `after` is the offset that was looked at last, by number. Raises Away.
    """
    of = POISON.c
    page = select(of.partition, of.position, of.key, of.value).where(
        *(of.consumer == store.name, of.topic == "commands", of.value.is_not(None)),
        or_(false(), *((of.partition == at) & (of.position > last) for at, last in after.items())),
    )
    rows = await _select(store, page.order_by(of.partition, of.position).limit(PAGE))
    return [
        (row["partition"], row["position"], _bytes(row["key"]), _bytes(row["value"]) or b"")
        for row in rows
    ]


async def has_ended(store: Store, station: str, command_id: str) -> bool:
    """Whether there is a result. Raises Away."""
    named = (_OF.station == station, _OF.command_id == command_id)
    ended = select(_OF.station).where(*named, _OF.result_position.is_not(None))
    return bool(await _select(store, ended))


def _owed(now_ms: int, limits: Limits) -> ColumnElement[bool]:
    connected = func.coalesce(_NOW.connected, false())
    asleep = and_(
        *(_OF.state == SETTLED, _OF.when_offline == "wait", _OF.settled_outcome == "offline"),
        *(_OF.expires_ms > now_ms - limits.claim_ms, connected.is_(false())),
    )
    in_hand = and_(
        *(_OF.state == TAKEN, _OF.expires_ms > now_ms - limits.answer_ms),
        func.coalesce(_NOW.epoch, -1) <= func.coalesce(_OF.taken_epoch, -1),
        or_(connected.is_(true()), func.coalesce(_NOW.epoch, -1) != _OF.taken_epoch),
    )
    return or_(_OF.state == WAITING, and_(~func.coalesce(asleep, false()), ~in_hand))


def _joined() -> Select[Any]:
    origin = [one for one in COMMAND_ORIGINS.c if one.name not in ("station", "command_id")]
    commands = COMMANDS.outerjoin(CONNECTIONS_NOW, _NOW.station == _OF.station).outerjoin(
        COMMAND_ORIGINS,
        and_(
            COMMAND_ORIGINS.c.station == _OF.station,
            COMMAND_ORIGINS.c.command_id == _OF.command_id,
        ),
    )
    return select(COMMANDS, _NOW.connected, _NOW.epoch, *origin).select_from(commands)


async def _select(store: Store, statement: Select[Any]) -> list[Row]:
    async with store.transaction() as connection:
        return [dict(row) for row in (await connection.execute(statement)).mappings()]


def _bytes(kept: str | None) -> bytes | None:
    return None if kept is None else base64.b64decode(kept)
