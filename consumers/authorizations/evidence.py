"""What the tables know that decisions about tokens need: a few questions for many of them."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, exists, func, or_, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from consumers.authorizations.deciding import ACCEPTED, Known, group_of, is_start
from consumers.authorizations.token_uses import TOKEN_USES
from consumers.authorizations.tokens import ID_TOKENS, compared
from consumers.meaning.facts import AuthorizationAsked
from consumers.stores import statements
from consumers.stores.store import Store
from consumers.tables.projections import Key, Row


async def known(
    store: Store, asks: Sequence[AuthorizationAsked], since_ms: int
) -> list[tuple[AuthorizationAsked, Known]]:
    """Each question with what is known for it, as it is committed, by whatever instance.

    An open use that began before `since_ms` does not count any more. Raises Away.
    """
    wanted = {token for asked in asks if (token := compared(asked.token))}
    begun = {token for asked in asks if is_start(asked) and (token := compared(asked.token))}
    places = {(asked.at.station, asked.transaction) for asked in asks if is_start(asked)}
    async with store.questions() as connection:
        tokens = await _tokens(connection, wanted)
        groups = {group for row in tokens.values() if (group := group_of(row))}
        tokens |= await _tokens(connection, groups - tokens.keys())
        uses = await _uses(connection, places)
        others = await _open_uses(connection, begun, since_ms)
    return [(asked, _known(asked, tokens, uses, others)) for asked in asks]


def _known(
    asked: AuthorizationAsked,
    tokens: dict[str, Row],
    uses: dict[Key, Row],
    others: Iterable[Row],
) -> Known:
    token = compared(asked.token)
    row = tokens.get(token or "")
    return Known(
        token=row,
        group=tokens.get(group_of(row) or ""),
        use=uses.get((asked.at.station, asked.transaction)),
        others=[other for other in others if other["token"] == token],
    )


async def _tokens(connection: AsyncConnection, tokens: Collection[str]) -> dict[str, Row]:
    statement = statements.groups(connection.dialect.name, ID_TOKENS, 1)
    found = await _rows(connection, statement, [(token,) for token in tokens])
    return {row["token"]: row for row in found}


async def _uses(connection: AsyncConnection, places: Collection[Key]) -> dict[Key, Row]:
    statement = statements.groups(connection.dialect.name, TOKEN_USES, 2)
    found = await _rows(connection, statement, places)
    return {(row["station"], row["transaction_id"]): row for row in found}


async def _open_uses(
    connection: AsyncConnection, tokens: Collection[str], since_ms: int
) -> list[Row]:
    statement = _open(connection.dialect.name)
    return await _rows(connection, statement, [(token,) for token in tokens], since_ms=since_ms)


async def _rows(
    connection: AsyncConnection, statement: Any, keys: Collection[Key], **more: Any
) -> list[Row]:
    if not keys:
        return []
    parameters = statements.groups_parameters(connection.dialect.name, keys)
    return [
        dict(row) for row in (await connection.execute(statement, parameters | more)).mappings()
    ]


@cache
def _open(dialect: str) -> Any:
    """Uses of tokens that have not ended, and whose place no later transaction has taken.

    A Stop that was lost would else lock a card out for as long as the station does not repeat it.
    """
    use, later = TOKEN_USES.alias("used"), TOKEN_USES.alias("later")
    begun = tuple_(
        func.coalesce(use.c.last_epoch, use.c.begun_epoch),
        func.coalesce(use.c.last_sequence, use.c.begun_sequence),
    )
    return statements.matching(dialect, use, [use.c.token]).where(
        use.c.token_ms >= bindparam("since_ms"),
        or_(use.c.status.is_(None), use.c.status == ACCEPTED),
        or_(
            use.c.ended_epoch.is_(None),
            tuple_(use.c.last_epoch, use.c.last_sequence)
            > tuple_(use.c.ended_epoch, use.c.ended_sequence),
        ),
        ~exists()
        .where(later.c.station == use.c.station, later.c.place == use.c.place)
        .where(tuple_(later.c.last_epoch, later.c.last_sequence) > begun),
    )
