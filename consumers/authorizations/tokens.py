"""The tokens that may charge, as the platform issues them, and those that stations ask about."""

from zlib import crc32

import msgspec
from sqlalchemy import Index, MetaData, Table, Text, text

from consumers.meaning.facts import AuthorizationAsked, Fact, TokenIssued, TokenRemoved
from consumers.meaning.payloads import identifier
from consumers.tables.columns import key, station, time, whole, words
from consumers.tables.projections import Key, Projection, Row, Rows, found, newer, order, put
from schemas.identity import folded_token

ASKS = 1000
"""Places for tokens that one station has in one action: what it invents fills no table."""

_NOBODY = "NoAuthorization"
METADATA = MetaData()
ID_TOKENS = Table(
    "id_tokens",
    METADATA,
    key("token", Text, "the token as it is compared: A to Z as a to z"),
    words("spelling", "the token as it was issued"),
    words("token_type", "IdTokenEnumType of OCPP 2.x, such as ISO14443 or eMAID"),
    words("status", "Accepted, Blocked ... as issued; null: it was taken away"),
    time("expires_ms", "it is not valid after this; null: without end"),
    words("group_token", "the group that it belongs to, as issued"),
    words("lists", "groups of stations whose local lists hold it, as a JSON array; null: none"),
    whole("epoch", "order of the record that says so"),
    Index(
        "id_tokens_listed",
        "token",
        postgresql_where=text("lists IS NOT NULL"),
        sqlite_where=text("lists IS NOT NULL"),
    ),
    comment="One row for each token that was ever issued.",
)
TOKEN_ASKS = Table(
    "token_asks",
    METADATA,
    station(),
    key("action", Text, "OCPP action that it came with"),
    key("place", doc="0 to 999, by a checksum of the token: the last one that came has it"),
    words("token", "the token as it is compared: A to Z as a to z"),
    whole("epoch", "connection that it last came on"),
    whole("sequence", "order of the last time"),
    words("spelling", "the token as the station last wrote it"),
    words("token_type", "its type, as told with it (2.x)"),
    whole("times", "how often it came on that connection"),
    time("first_ms", "when the gateway first saw it on that connection"),
    time("last_ms", "when the gateway last saw it"),
    comment="Which tokens were presented where: one row for each station, action and token; of "
    "tokens that share a place only the last one. What is none of id_tokens is in the view "
    "unknown_tokens.",
)


def compared(token: str | None) -> str | None:
    """A token as it is compared and looked up; None where there is none.

    What is longer than any token (255 characters) is cut as all identifiers are.
    """
    found = identifier(token)
    return folded_token(found) if found else None


def is_free(token: str | None, token_type: str | None) -> bool:
    """Whether nobody is named: a button starts, or charging is free to all (ocpp-go#277).

    2.x has a type for it (2.0.1, C02), in 1.6 the token is empty or missing.
    """
    return not token or token_type == _NOBODY


def _issued_group(fact: Fact) -> Key | None:
    return (fact.folded,) if isinstance(fact, TokenIssued | TokenRemoved) else None


def _issued(rows: Rows, fact: Fact) -> Rows:
    """The last record of a token counts."""
    assert isinstance(fact, TokenIssued | TokenRemoved), "the group has chosen"
    row = found(rows, ID_TOKENS, (fact.folded,))
    if row["epoch"] is not None and fact.at.epoch <= row["epoch"]:
        return rows
    said: Row = dict.fromkeys(row) | {"token": fact.folded, "epoch": fact.at.epoch}
    if isinstance(fact, TokenIssued):
        said |= {
            "spelling": fact.token,
            "token_type": fact.token_type,
            # Without a word for it, it is no token that may charge.
            "status": fact.status or "Invalid",
            "expires_ms": fact.expires_ms,
            "group_token": fact.group or None,
            "lists": msgspec.json.encode(fact.lists).decode() if fact.lists else None,
        }
    return put(rows, ID_TOKENS, said)


def _asked_group(fact: Fact) -> Key | None:
    if not isinstance(fact, AuthorizationAsked) or is_free(fact.token, fact.token_type):
        return None
    token = compared(fact.token) or ""
    return fact.at.station, fact.action, crc32(token.encode()) % ASKS


def _asked(rows: Rows, fact: Fact) -> Rows:
    """The last token of a place, and how often it came since another one, or a connection, began.

    Asks of one connection and action are in one topic, in their order; so nothing of this depends
    on which connection is read first.
    """
    assert isinstance(fact, AuthorizationAsked), "the group has chosen"
    key, at, token = _asked_group(fact), fact.at, compared(fact.token)
    assert key is not None, "the group has chosen"
    row = found(rows, TOKEN_ASKS, key)
    if not newer(row, at):
        return rows
    again = (row["token"], row["epoch"]) == (token, at.epoch)
    said = {
        "token": token,
        "spelling": fact.token,
        "token_type": fact.token_type,
        "times": row["times"] + 1 if again else 1,
        "first_ms": row["first_ms"] if again else at.observed_ms,
        "last_ms": at.observed_ms,
    }
    return put(rows, TOKEN_ASKS, row | said | order(at))


ISSUED = Projection(topics=("id-tokens",), tables=(ID_TOKENS,), group=_issued_group, evolve=_issued)
ASKED = Projection(
    topics=("authorization", "transactions"),
    tables=(TOKEN_ASKS,),
    group=_asked_group,
    evolve=_asked,
    published=frozenset({TOKEN_ASKS.name}),
)
